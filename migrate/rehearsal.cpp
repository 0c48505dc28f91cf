#include "migrate/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "common/outside_effects.hpp"
#include "common/sql_text.hpp"
#include "migrate/operator_command.hpp"
#include "restore/restored_copy.hpp"
#include "rollback/data_changes.hpp"
#include "rollback/reverse.hpp"
#include "rollback/written.hpp"

namespace belay {

namespace {

/// What belongs to the server and not to a database: a script that changes it does so for real. By what it is, a digest
/// of what it says: a role's settings may hold what is nobody's business.
using ServerWide = std::set<std::pair<std::string, std::string>>;

ServerWide read_server_wide(Connection& db, const std::string& target) {
  ServerWide all;
  for (const Row& row : db.rows(
           "SELECT 'role ' || pg_catalog.quote_ident(rolname) AS what, pg_catalog.md5(pg_catalog.to_jsonb(r)::text) AS "
           "digest FROM pg_catalog.pg_roles r UNION ALL SELECT 'membership of ' || member::pg_catalog.regrole::text || "
           "' "
           "in ' || roleid::pg_catalog.regrole::text, pg_catalog.md5(pg_catalog.to_jsonb(m)::text) FROM "
           "pg_catalog.pg_auth_members m UNION ALL SELECT pg_catalog.concat_ws(' ', 'settings of', 'database ' || "
           "pg_catalog.quote_ident(d.datname), CASE WHEN s.setrole <> 0 THEN 'role ' || "
           "s.setrole::pg_catalog.regrole::text END), pg_catalog.md5(s.setconfig::text) FROM "
           "pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase WHERE d.oid IS "
           "NULL OR d.datname = $1",
           {target}))
    all.insert({row.text("what"), row.text("digest")});
  return all;
}

std::vector<std::string> changed_between(const ServerWide& before, const ServerWide& after) {
  std::vector<std::pair<std::string, std::string>> different;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::back_inserter(different));
  std::set<std::string> names;
  for (const auto& [what, digest] : different) names.insert(what);
  return {names.begin(), names.end()};
}

class Stage {
 public:
  Stage(const RehearsalRequest& request, const MigrationPlan& plan, const std::string& name, Tool& tool,
        Rehearsal& result)
      : request_(request),
        plan_(plan),
        result_(result),
        db_(request.url, name, with_own_timeouts(tool)),
        books_(request.url, name, tool.session()),
        look_(request.url, name, tool.session()) {}

  void run() {
    const ServerWide server = read_server_wide(look_, request_.target);
    first_ = read_catalog_state(look_, request_.settings.schema);
    if (plan_.creates_history) create_history_table(books_, request_.settings.schema);
    for (const PendingMigration& pending : plan_.pending) {
      if (!run_one(pending)) break;
    }
    result_.schema = read_schema_fingerprint(look_, request_.settings.schema);
    result_.outside = changed_between(server, read_server_wide(look_, request_.target));
  }

 private:
  static SessionSettings with_own_timeouts(const Tool& tool) {
    SessionSettings session = tool.session();
    session.keep_timeouts = true;
    return session;
  }

  /// A migration's.
  struct Before {
    CatalogState catalog;
    SchemaFingerprint schema;
  };

  bool run_one(const PendingMigration& pending) {
    const Before before{read_catalog_state(look_, request_.settings.schema),
                        read_schema_fingerprint(look_, request_.settings.schema)};
    const std::int64_t size = size_of_copy();
    StatementMeter meter{db_};
    meter.begin_script();
    ApplySettings settings = request_.settings;
    settings.meter = &meter;
    settings.script = &pending.script;
    const ApplyOutcome outcome = apply_migration(db_, books_, pending.migration, settings, {});
    meter.end_script();
    result_.migrations.push_back(
        {pending.migration.name, outcome.duration, meter.statements(), size_of_copy() - size, "", "", {}});
    if (outcome.failure) {
      result_.failure = outcome.failure->error;
      result_.failed_migration = pending.migration.name;
      return false;
    }
    judge_reversal(pending, before, result_.migrations.back());
    return true;
  }

  std::int64_t size_of_copy() {
    return look_.one("SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS n").number("n");
  }

  /// What undoes it, whether that leads back, and what it loses. Everything here is rolled back.
  void judge_reversal(const PendingMigration& pending, const Before& before, RehearsedMigration& rehearsed) {
    CatalogState after = read_catalog_state(look_, request_.settings.schema);
    note_exact_conversions(pending.script, after);
    std::vector<DataChange> data = data_changes(pending.script, before.catalog, after);
    for (DataChange& change : replaced_data(before.catalog, after)) data.push_back(std::move(change));
    std::string script, loses;
    const std::filesystem::path written = pending.migration.file.parent_path() / "down.sql";
    if (is_there(written)) {
      script = read_small_file(written, longest_down);
      loses = what_it_loses(parse_script(script), before.catalog, after);
    } else {
      const DerivedReversal derived = derive_reversal(look_, before.catalog, after, request_.settings.schema);
      if (!derived.not_derivable.empty()) return set(rehearsed, "not derivable", derived.not_derivable.front());
      script = script_of(derived.statements);
      loses = what_it_loses(derived.statements);
    }
    if (const std::string why = try_reversal(look_, script, before.schema, request_.settings); !why.empty())
      return set(rehearsed, "not proven", why);
    if (!data.empty()) return set(rehearsed, "needs data", data.front().what);
    if (!loses.empty()) return set(rehearsed, "needs data", loses);
    set(rehearsed, "proven", "");
    rehearsed.proven = {pending.migration.name, script, new_places(first_, after)};
  }

  static void set(RehearsedMigration& rehearsed, const std::string& state, const std::string& why) {
    rehearsed.reversal = state;
    rehearsed.reversal_why = why;
  }

  const RehearsalRequest& request_;
  const MigrationPlan& plan_;
  Rehearsal& result_;
  Connection db_, books_, look_;
  CatalogState first_;  ///< before the run
};

std::string statement_text(const MeasuredStatement& statement) {
  std::string text =
      fmt::format("  line {:>4}  {:<40} {:>9}", statement.line, statement.what, human_duration(statement.took));
  if (statement.rows > 0) text += fmt::format(", {} rows", human_count(static_cast<std::uint64_t>(statement.rows)));
  if (statement.wal > 1024 * 1024) text += fmt::format(", {} of WAL", human_size(statement.wal));
  return text + "\n" + locks_text(statement, 13);
}

}  // namespace

Duration Rehearsal::longest_lock() const {
  Duration longest{};
  for (const RehearsedMigration& migration : migrations) {
    for (const MeasuredStatement& statement : migration.statements) {
      for (const TableLock& lock : statement.locks) {
        if (lock.mode != "SHARE UPDATE EXCLUSIVE") longest = std::max(longest, lock.held);
      }
    }
  }
  return longest;
}

std::string not_rehearsable(const MigrationPlan& plan) {
  std::string text;
  for (const PendingMigration& pending : plan.pending)
    text += outside_effect_lines(pending.migration.name, pending.script);
  return text;
}

namespace {

/// No session of it is left on the copy.
void run_on(const std::string& copy, const RehearsalRequest& request, Tool& tool, Rehearsal& result) {
  Connection look{request.url, copy, tool.session()};
  const MigrationPlan& plan = request.plan(look);
  std::optional<CopyChecks> checks;
  if (request.checks != nullptr) checks.emplace(*request.checks, look, request.source.manifest);
  Stage{request, plan, copy, tool, result}.run();
  if (checks && !result.failure) result.not_verified = checks->findings(look);
}

/// The application's own word on the copy.
void run_command(const std::string& copy, const RehearsalRequest& request, Tool& tool, Rehearsal& result) {
  if (!request.command || request.command_target == nullptr || result.failure) return;
  tool.out.note(fmt::format("Running --rehearse-command against \"{}\"", copy));
  std::string why;
  try {
    const Exit exit = run_operator_command(
        *request.command, command_setting(with_database(*request.command_target, copy), tool), {},
        [&](const std::string& line) { tool.out.note(line); }, tool);
    if (!exit.ok()) why = exit.how();
  } catch (const Error& error) {
    if (error.kind == Failure::interrupted) throw;
    why = error.message;
  }
  if (!why.empty()) result.not_verified.push_back("--rehearse-command: " + why);
}

/// Nobody's any more: a comment of people's in place of the marker.
void leave(Connection& maintenance, const std::string& copy) {
  maintenance.run(
      fmt::format("COMMENT ON DATABASE {} IS 'a rehearsed copy, left by migrate-production rehearse "
                  "--keep-copy; nothing depends on it'",
                  quote_identifier(copy)));
}

}  // namespace

Rehearsal rehearse(const RehearsalRequest& request, Tool& tool) {
  Rehearsal result;
  const TimePoint began = tool.clock.now();
  RestoredCopy copy{{.url = request.url,
                     .maintenance = request.maintenance,
                     .source = request.source,
                     .target = request.target,
                     .kind = SideKind::rehearsal,
                     .pg_bin = request.pg_bin},
                    tool};
  result.proof = copy.proof().words();
  result.restored_in = tool.clock.now() - began;
  run_on(copy.name(), request, tool, result);
  run_command(copy.name(), request, tool, result);
  if (request.keep) {
    leave(request.maintenance, copy.name());
    result.kept = copy.name();
    copy.keep();
    return result;
  }
  copy.drop();
  return result;
}

Result describe_rehearsal(const Rehearsal& rehearsal) {
  Result result{"", {{"migrations", Json::array()}}};
  for (const RehearsedMigration& migration : rehearsal.migrations) {
    result.text += fmt::format("{}  {}\n", migration.name, human_duration(migration.took));
    Json statements = Json::array();
    for (const MeasuredStatement& statement : migration.statements) {
      result.text += statement_text(statement);
      statements.push_back(to_json(statement));
    }
    if (migration.grown >= 1024 * 1024)
      result.text += fmt::format("  the database takes {} more\n", human_size(static_cast<Bytes>(migration.grown)));
    if (!migration.reversal.empty())
      result.text += fmt::format("  reversal: {}{}{}\n", migration.reversal, migration.reversal_why.empty() ? "" : ", ",
                                 migration.reversal_why);
    result.json["migrations"].push_back(
        {{"name", migration.name},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(migration.took).count()},
         {"statements", statements},
         {"grown_bytes", migration.grown},
         {"reversal", migration.reversal},
         {"reversal_why", migration.reversal_why}});
  }
  result.json["longest_lock_ms"] =
      std::chrono::duration_cast<std::chrono::milliseconds>(rehearsal.longest_lock()).count();
  result.json["failed_migration"] = rehearsal.failed_migration;
  result.json["outside"] = rehearsal.outside;
  result.json["kept"] = rehearsal.kept ? Json(*rehearsal.kept) : Json(nullptr);
  if (rehearsal.kept)
    result.text +=
        fmt::format("Left      \"{0}\"\nRemove    psql -d postgres -c 'DROP DATABASE \"{0}\"'\n", *rehearsal.kept);
  return result;
}

}  // namespace belay
