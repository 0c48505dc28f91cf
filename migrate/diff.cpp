#include "migrate/diff.hpp"

#include <fmt/format.h>

#include "common/replay.hpp"
#include "common/run_context.hpp"
#include "common/sql_text.hpp"
#include "migrate/diff_report.hpp"
#include "migrate/read_history.hpp"

namespace belay {

namespace {

struct Live {
  MigrationFacts facts;
  SchemaFingerprint schema;
  DatabaseProperties properties;
  std::string objects_owner;  ///< the role that deploys: it owns the history table
  std::string system_identifier;
};

/// pg_get_indexdef and its like look at the newest catalog, not at the snapshot's: what somebody dropped meanwhile
/// fails.
bool dropped_meanwhile(const ServerError& error) { return error.sqlstate == "XX000" || error.sqlstate == "42P01"; }

std::string owner_of_history(Connection& db, const std::string& schema) {
  return db.value(
      "SELECT coalesce((SELECT pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = "
      "c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = '_prisma_migrations'), current_user)",
      {schema});
}

/// History and schema of one moment.
Live read_live(Connection& db, const MigrationsFolder& folder, const std::string& schema,
               const CommonOptions& options) {
  Transaction reads{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  db.run("SELECT set_config('lock_timeout', $1, true)", {options.lock_timeout.value_or("10s")});
  Live live{.facts = {folder, read_history(db, schema), foreign_tables_before_history(db, schema)},
            .schema = read_schema_fingerprint(db, schema),
            .properties = read_properties(db, db.database()).value(),
            .objects_owner = owner_of_history(db, schema),
            .system_identifier = read_server_facts(db, db.database()).system_identifier};
  reads.rollback();
  return live;
}

Live read_live_patiently(Connection& db, const MigrationsFolder& folder, const std::string& schema,
                         const CommonOptions& options) {
  constexpr int attempts = 3;
  for (int attempt = 1; attempt < attempts; ++attempt) {
    try {
      return read_live(db, folder, schema, options);
    } catch (const ServerError& error) {
      if (!dropped_meanwhile(error)) throw;
    }
  }
  return read_live(db, folder, schema, options);
}

enum class Shadow { none, named };

/// `shadow`: a database was named that the migrations can be replayed in, if none can be created.
void require_side_server(const ServerFacts& server, int live_major, Shadow shadow) {
  if (server.standby) {
    throw Error{Failure::refused,
                "a side database cannot be made on a standby",
                {},
                "Name a server that takes writes with --side-server URL."};
  }
  if (!server.can_create_databases && shadow == Shadow::none) {
    throw Error{
        Failure::refused, fmt::format("role \"{}\" may not create databases (P3014)", server.role),
        "The migrations are replayed in a side database.",
        fmt::format("ALTER ROLE {} CREATEDB; or name another server, or an empty database, with --side-server URL.",
                    quote_identifier(server.role))};
  }
  if (server.major() == live_major) return;
  throw Error{
      Failure::refused,
      fmt::format("the database is on PostgreSQL {}, the server for side databases is {}", live_major, server.major()),
      "The schema of one major version cannot be compared with another's.",
      "Name a server of the same major version with --side-server URL."};
}

/// One comparison, from the target to the result.
class Diff {
 public:
  Diff(const MigrateOptions& options, Tool& tool)
      : options_(options),
        tool_(tool),
        folder_(migrations_folder(options.common)),
        target_(resolve_target(options.common, real_surroundings(), folder_)),
        side_(find_side_server(options.side_server, real_surroundings())),
        schema_(target_.url.schema.value_or("public")) {}

  int run() {
    for (const std::string& warning : target_.warnings) tool_.out.warn(warning);
    const MigrationsFolder folder = read_migrations(folder_);
    const Live live = look(folder);
    const DiffPlan plan =
        plan_diff(live.facts, options_.side_server ? OutsideEffects::allowed : OutsideEffects::refused);
    return options_.common.dry_run ? show_plan(plan) : compare(live, plan);
  }

  std::size_t count(Connection* maintenance) {
    const MigrationsFolder folder = read_migrations(folder_);
    const Live live = look(folder);
    // The target's own server may be named too: its locks are the run's already, and nobody asked for a replay there.
    if (side_ && is_cluster(live.system_identifier, side_->url, options_.common.maintenance_db, tool_)) side_.reset();
    const DiffPlan plan =
        plan_diff(live.facts, side_ && options_.side_server ? OutsideEffects::allowed : OutsideEffects::refused);
    if (plan.replay.empty() && live.facts.history.rows.empty()) return 0;
    if (maintenance != nullptr && !side_) {
      require_side_server(read_server_facts(*maintenance, maintenance->database()), live.schema.server_major,
                          Shadow::none);
      return replay_and_compare(live, plan, *maintenance, nullptr).counting();
    }
    SideSessions sessions = lock_side_server(place().url, options_.common.maintenance_db, target_.url.database, tool_);
    require_side_server(read_server_facts(sessions.maintenance, sessions.maintenance.database()),
                        live.schema.server_major, Shadow::none);
    return replay_and_compare(live, plan, sessions.maintenance, nullptr).counting();
  }

 private:
  Live look(const MigrationsFolder& folder);
  int show_plan(const DiffPlan& plan);
  int compare(const Live& live, const DiffPlan& plan);
  DriftReport replay_and_compare(const Live& live, const DiffPlan& plan, Connection& maintenance,
                                 ShadowDatabase* shadow);
  [[nodiscard]] ReplayRequest request_for(const Live& live, const DiffPlan& plan, Connection& maintenance) const;
  int show(const DiffPlan& plan, const DriftReport& report);
  [[nodiscard]] const DatabaseTarget& place() const { return side_ ? *side_ : target_; }

  const MigrateOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_;
  DatabaseTarget target_;
  std::optional<DatabaseTarget> side_;
  std::string schema_;
};

Live Diff::look(const MigrationsFolder& folder) {
  Connection db = connect_to_read(target_, tool_);
  tool_.out.note(fmt::format("Reading {} (from {})", target_.url.describe(), target_.source));
  return read_live_patiently(db, folder, schema_, options_.common);
}

int Diff::show_plan(const DiffPlan& plan) {
  std::string text =
      fmt::format("Would replay {} migration{} of {}, in a side database on the server of {}:\n", plan.replay.size(),
                  plan.replay.size() == 1 ? "" : "s", plan.folder.string(), place().source);
  Json names = Json::array();
  for (const PendingMigration& migration : plan.replay) {
    text += "  " + migration.migration.name + "\n";
    names.push_back(migration.migration.name);
  }
  for (const std::string& line : reservations(plan)) text += line + "\n";
  tool_.out.result({text + "Nothing was compared.\n", {{"dry_run", true}, {"would_replay", names}}});
  return 0;
}

ReplayRequest Diff::request_for(const Live& live, const DiffPlan& plan, Connection& maintenance) const {
  ReplayRequest request{.url = place().url, .maintenance = &maintenance, .like = live.properties, .settings = {}};
  request.like.owner = live.objects_owner;
  if (side_) request.like.tablespace = "pg_default";  // the target's may not exist there, and is no fact of the schema
  request.extensions = extensions_made_before(plan, live.schema);
  request.settings.schema = schema_;
  if (target_.url.schema) request.settings.search_path = quote_identifier(schema_);
  return request;
}

DriftReport Diff::replay_and_compare(const Live& live, const DiffPlan& plan, Connection& maintenance,
                                     ShadowDatabase* shadow) {
  ReplayRequest request = request_for(live, plan, maintenance);
  request.shadow = shadow;
  Replay replay{request, tool_};
  std::vector<Migration> migrations;
  TouchedObjects touched;
  for (const PendingMigration& migration : plan.replay) {
    migrations.push_back(migration.migration);
    touched.add(migration.migration.name, migration.script);
  }
  tool_.out.note(fmt::format("Replaying {} migration{} in \"{}\" (server from {})", migrations.size(),
                             migrations.size() == 1 ? "" : "s", replay.name(), place().source));
  if (const std::optional<ReplayFailure> failure = replay.run(migrations)) throw replay_error(*failure);
  SchemaFingerprint expected = read_schema_fingerprint(replay.db(), schema_);
  SchemaFingerprint found = live.schema;
  const bool same_role = replay.role() == live.objects_owner;
  if (!same_role) {
    leave_out_roles(expected);
    leave_out_roles(found);
  }
  DriftReport report = report_drift({expected, found}, compare_schema(expected, found, &replay.db()), touched, schema_);
  if (!same_role)
    report.not_compared.push_back(
        fmt::format("owners and privileges: the objects were made as \"{}\", those of the database by \"{}\"",
                    replay.role(), live.objects_owner));
  replay.drop();
  return report;
}

int Diff::compare(const Live& live, const DiffPlan& plan) {
  SideSessions sessions = lock_side_server(place().url, options_.common.maintenance_db, target_.url.database, tool_);
  const ServerFacts server = read_server_facts(sessions.maintenance, sessions.maintenance.database());
  require_side_server(server, live.schema.server_major, side_ ? Shadow::named : Shadow::none);
  if (server.can_create_databases) return show(plan, replay_and_compare(live, plan, sessions.maintenance, nullptr));
  Connection target = connect_to_read(target_, tool_);
  ShadowDatabase shadow{side_->url, tool_.session(), target};
  tool_.out.note(fmt::format("Replaying in shadow {} (from {}), which is emptied afterwards", side_->url.describe(),
                             side_->source));
  return show(plan, replay_and_compare(live, plan, sessions.maintenance, &shadow));
}

int Diff::show(const DiffPlan& plan, const DriftReport& report) {
  Result result = describe_drift(plan, report);
  result.text = fmt::format("Found:    database \"{}\"\n", target_.url.database) + result.text;
  result.json["database"] = target_.url.database;
  tool_.out.result(result);
  return report.counting() == 0 ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace

namespace {

/// Nothing of the target's was touched, so no failure here is more than a question without an answer.
[[noreturn]] void rethrow(const ServerError& error) {
  if (error.connection_lost) throw Error{Failure::connection, "lost the connection while comparing", error.detail};
  throw Error{Failure::refused, "could not compare the schema with the folder", error.detail, error.hint};
}

}  // namespace

int run_diff(const MigrateOptions& options, Tool& tool) {
  try {
    return Diff{options, tool}.run();
  } catch (const ServerError& error) {
    rethrow(error);
  }
}

std::size_t count_drift(const MigrateOptions& options, Tool& tool, Connection* maintenance) {
  try {
    return Diff{options, tool}.count(maintenance);
  } catch (const ServerError& error) {
    rethrow(error);
  }
}

}  // namespace belay
