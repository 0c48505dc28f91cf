#include "restore/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/output.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

void check_scope(const RestoreFacts& f) {
  if (f.source.manifest.scope == Scope::whole) return;
  throw Error{Failure::refused,
              fmt::format("\"{}\" is a {} backup: it does not hold the whole database", f.source.shown,
                          to_string(f.source.manifest.scope)),
              "A full restore from it would lose the rows.", "Choose a whole backup: `backup-db list` shows them."};
}

void check_origin(const RestoreFacts& f) {
  const bool elsewhere = f.source.manifest.system_identifier != f.server.system_identifier;
  if (elsewhere && f.target_has_objects && !f.wishes.from_other_server && !f.wishes.elsewhere) {
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

/// The statements that make a role of the backup again.
std::string create_role(const Manifest& manifest, const std::string& role) {
  for (const RoleDefinition& known : manifest.role_definitions) {
    if (known.name != role) continue;
    std::string text = known.create + ";\n";
    for (const std::string& grant : known.grants) text += grant + ";\n";
    return text;
  }
  return fmt::format("CREATE ROLE {};\n", quote_identifier(role));
}

/// Where owners or privileges are left out, a role that is missing may not be needed: the load will tell.
void check_roles(const RestoreFacts& f, std::vector<std::string>& warnings) {
  if (f.missing_roles.empty()) return;
  std::string create;
  for (const std::string& role : f.missing_roles) create += create_role(f.source.manifest, role);
  const std::optional<std::string>& owner = f.wishes.ownership.owner;
  const bool owner_missing =
      owner && std::find(f.missing_roles.begin(), f.missing_roles.end(), *owner) != f.missing_roles.end();
  if (!owner_missing && (f.wishes.ownership.changes_owners() || f.wishes.ownership.no_privileges)) {
    warnings.push_back("roles of the backup do not exist on this server: " +
                       fmt::format("{}", fmt::join(f.missing_roles, ", ")));
    return;
  }
  throw Error{Failure::refused, "roles that the backup refers to do not exist on this server", create,
              "Create them (passwords are in no backup but one taken --with-globals), then run again."};
}

void check_extensions(const RestoreFacts& f) {
  if (f.missing_extensions.empty()) return;
  throw Error{Failure::refused, "extensions of the backup cannot be created on this server",
              as_lines(f.missing_extensions),
              "Install them on the server, or restore as a role that may; nothing was changed."};
}

/// Nothing takes statements out of a script by their meaning.
void check_privileges(const RestoreFacts& f) {
  if (!f.wishes.ownership.no_privileges || f.source.manifest.archive.format != ArchiveFormat::plain) return;
  throw Error{Failure::refused,
              "--no-privileges cannot leave the GRANTs of a script out",
              {},
              "Restore it with them, or from a backup in custom format. Nothing was changed."};
}

void check_elsewhere(const RestoreFacts& f) {
  if (!f.wishes.elsewhere || !f.target_has_objects || f.wishes.replace) return;
  throw Error{Failure::refused,
              fmt::format("database \"{}\" exists and holds something", f.database),
              {},
              "Name another one with --to, or say --replace: it is kept under another name then."};
}

/// What the new database is to have, where it does not take the present one's place.
DatabaseProperties properties_for(const RestoreFacts& f) {
  if (f.server.database && !f.wishes.elsewhere) return *f.server.database;
  DatabaseProperties p = f.source.manifest.database;
  const Ownership& ownership = f.wishes.ownership;
  if (ownership.changes_owners()) {
    p.owner = ownership.owner.value_or(f.server.role);
    for (DatabaseGrant& grant : p.grants) grant.grantor = p.owner;
  }
  if (ownership.changes_owners() || ownership.no_privileges) {
    const auto missing = [&f](const std::optional<std::string>& role) {
      return role && std::find(f.missing_roles.begin(), f.missing_roles.end(), *role) != f.missing_roles.end();
    };
    std::erase_if(p.grants, [&](const DatabaseGrant& grant) { return missing(grant.grantee); });
    std::erase_if(p.settings, [&](const DatabaseSetting& setting) { return missing(setting.role); });
  }
  if (ownership.no_privileges) {
    p.grants.clear();
    p.default_privileges = true;
  }
  if (f.wishes.elsewhere) p.is_template = false;
  return p;
}

void check_server(const RestoreFacts& f) {
  if (!f.server.can_create_databases) {
    throw Error{Failure::refused, fmt::format("role \"{}\" may not create databases (P3014)", f.server.role),
                "The restored database is built beside the live one, never over it.",
                fmt::format("ALTER ROLE {} CREATEDB;", quote_identifier(f.server.role))};
  }
  if (!f.unreachable_sessions.empty()) {
    throw Error{Failure::refused,
                fmt::format("role \"{}\" may not end every session on database \"{}\", so it could not be swapped",
                            f.server.role, f.database),
                as_lines(f.unreachable_sessions),
                "End those sessions, or run as a role that may: a superuser; or, where none of them is a superuser's, "
                "a member of pg_signal_backend."};
  }
  if (!f.obstacles.empty()) {
    throw Error{Failure::refused, fmt::format("database \"{}\" cannot be swapped now", f.database),
                as_lines(f.obstacles), "Resolve these first; nothing was changed."};
  }
}

}  // namespace

RestorePlan plan_restore(const RestoreFacts& f) {
  check_scope(f);
  check_origin(f);
  check_elsewhere(f);
  check_privileges(f);
  check_server(f);
  RestorePlan plan{
      .database = f.database, .archive = f.source.archive, .side = side_name(f.database, SideKind::restore, f.run)};
  check_roles(f, plan.warnings);
  check_extensions(f);
  if (f.server.database) {
    plan.kept = side_name(f.database, SideKind::before, f.run);
    plan.drop_kept = f.wishes.elsewhere && !f.target_has_objects;
  }
  plan.properties = properties_for(f);
  return plan;
}

Result show_plan(const RestorePlan& plan, const RestoreFacts& f) {
  std::string text = fmt::format(
      "Would restore database \"{}\" from {}\n  {}, {} rows, level {}\n"
      "  build \"{}\", {}, swap it in\n  {}\nNothing was changed.\n",
      plan.database, f.source.shown, taken_words(f.source), human_count(f.source.manifest.rows()),
      to_string(f.source.manifest.level()), plan.side,
      f.source.foreign ? "count its rows and objects" : "compare schema and rows with the backup",
      plan.kept ? fmt::format("keep the present one as \"{}\"", *plan.kept) : "the database does not exist yet");
  for (const std::string& what : f.source.unchecked) text += fmt::format("Not checked: {}\n", what);
  return {text,
          {{"dry_run", true},
           {"database", plan.database},
           {"archive", f.source.shown},
           {"side", plan.side},
           {"not_checked", f.source.unchecked},
           {"kept", plan.kept ? Json(*plan.kept) : Json(nullptr)}}};
}

}  // namespace belay
