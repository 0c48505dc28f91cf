#include "restore/plan.hpp"

#include <fmt/format.h>

#include <map>

#include "common/error.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

std::string lines(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& line : list) text += line + "\n";
  return text;
}

void check_scope(const RestoreFacts& f) {
  if (f.source.manifest.scope == Scope::whole) return;
  throw Error{Failure::refused,
              fmt::format("\"{}\" is a {} backup: it does not hold the whole database", f.source.archive.string(),
                          to_string(f.source.manifest.scope)),
              "A full restore from it would lose the rows.", "Choose a whole backup: `backup-db list` shows them."};
}

void check_origin(const RestoreFacts& f) {
  const bool elsewhere = f.source.manifest.system_identifier != f.server.system_identifier;
  if (elsewhere && f.target_has_objects && !f.from_other_server) {
    throw Error{
        Failure::refused, "the backup was taken on another server",
        fmt::format("It comes from system {}, this server is system {}, and database \"{}\" holds objects here.",
                    f.source.manifest.system_identifier, f.server.system_identifier, f.database),
        "Say --from-other-server if that is what you want."};
  }
  if (f.source.manifest.server_version / 10000 != f.server.major()) {
    throw Error{
        Failure::refused,
        fmt::format("the backup is of PostgreSQL {}, this server is {}", f.source.manifest.server_version / 10000,
                    f.server.major()),
        "The fingerprint of one major version cannot be compared with another's, so the restore could not be verified.",
        "Restore on a server of the backup's major version, or put it back without belay: the command is in the "
        "manifest."};
  }
}

void check_server(const RestoreFacts& f) {
  if (!f.server.can_create_databases) {
    throw Error{Failure::refused, fmt::format("role \"{}\" may not create databases (P3014)", f.server.role),
                "The restored database is built beside the live one, never over it.",
                fmt::format("ALTER ROLE {} CREATEDB;", quote_identifier(f.server.role))};
  }
  if (!f.missing_roles.empty()) {
    std::string create;
    for (const std::string& role : f.missing_roles) create += fmt::format("CREATE ROLE {};\n", quote_identifier(role));
    throw Error{Failure::refused, "roles that the backup refers to do not exist on this server", create,
                "Create them, then run again."};
  }
  if (!f.unreachable_sessions.empty()) {
    throw Error{Failure::refused,
                fmt::format("role \"{}\" may not end every session on database \"{}\", so it could not be swapped",
                            f.server.role, f.database),
                lines(f.unreachable_sessions),
                "End those sessions, or run as a role that may: a superuser; or, where none of them is a superuser's, "
                "a member of pg_signal_backend."};
  }
  if (!f.obstacles.empty()) {
    throw Error{Failure::refused, fmt::format("database \"{}\" cannot be swapped now", f.database), lines(f.obstacles),
                "Resolve these first; nothing was changed."};
  }
}

}  // namespace

RestorePlan plan_restore(const RestoreFacts& f) {
  check_scope(f);
  check_origin(f);
  check_server(f);
  RestorePlan plan{
      .database = f.database, .archive = f.source.archive, .side = side_name(f.database, SideKind::restore, f.run)};
  if (f.server.database) plan.kept = side_name(f.database, SideKind::before, f.run);
  plan.properties = f.server.database ? *f.server.database : f.source.manifest.database;
  return plan;
}

Result show_plan(const RestorePlan& plan, const RestoreFacts& f) {
  const std::string text = fmt::format(
      "Would restore database \"{}\" from {}\n  taken {} of database \"{}\", {} rows, level {}\n"
      "  build \"{}\", compare schema and rows with the backup, swap it in\n  {}\nNothing was changed.\n",
      plan.database, plan.archive.string(), iso_utc(f.source.manifest.created_at), f.source.manifest.database.name,
      human_count(f.source.manifest.rows()), to_string(f.source.manifest.level()), plan.side,
      plan.kept ? fmt::format("keep the present one as \"{}\"", *plan.kept) : "the database does not exist yet");
  return {text,
          {{"dry_run", true},
           {"database", plan.database},
           {"archive", plan.archive.string()},
           {"side", plan.side},
           {"kept", plan.kept ? Json(*plan.kept) : Json(nullptr)}}};
}

std::vector<std::string> describe_loss(const ContentFingerprint& now, const ContentFingerprint& then) {
  std::map<std::pair<std::string, std::string>, std::pair<const TableContent*, const TableContent*>> tables;
  for (const TableContent& t : now.tables) tables[{t.schema, t.name}].first = &t;
  for (const TableContent& t : then.tables) tables[{t.schema, t.name}].second = &t;
  std::vector<std::string> loss;
  for (const auto& [name, pair] : tables) {
    const auto& [present, past] = pair;
    const std::string table = quote_identifier(name.first) + "." + quote_identifier(name.second);
    if (present == nullptr) {
      loss.push_back(fmt::format("{}: comes back with {} rows", table, human_count(past->rows)));
    } else if (past == nullptr) {
      loss.push_back(fmt::format("{}: goes away with its {} rows", table, human_count(present->rows)));
    } else if (present->rows != past->rows) {
      loss.push_back(
          fmt::format("{}: {} rows now, {} in the backup", table, human_count(present->rows), human_count(past->rows)));
    } else if (present->hash != past->hash || present->columns != past->columns) {
      loss.push_back(fmt::format("{}: {} rows in both, with other content", table, human_count(present->rows)));
    }
  }
  return loss;
}

}  // namespace belay
