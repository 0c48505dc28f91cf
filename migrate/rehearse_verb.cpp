#include "migrate/rehearse_verb.hpp"

#include <fmt/format.h>

#include "common/replay.hpp"
#include "common/run_context.hpp"
#include "common/sql_text.hpp"
#include "migrate/deploy.hpp"
#include "migrate/guard_rehearsal.hpp"

namespace belay {

namespace {

class FileRehearsal {
 public:
  FileRehearsal(const MigrateOptions& options, Tool& tool)
      : options_(options), tool_(tool), folder_(migrations_folder(options.common)), place_(find_place()) {}

  int run() {
    const RestoreSource source = open_backup(std::filesystem::absolute(*options_.backup_file));
    const std::string& database = source.manifest.database.name;
    SideSessions sessions = lock_side_server(place_.url, options_.common.maintenance_db, database, tool_);
    require_same_major(sessions.maintenance, source);
    may_reach_out_ = options_.side_server &&
                     read_server_facts(sessions.maintenance, sessions.maintenance.database()).system_identifier !=
                         source.manifest.system_identifier;
    const Rehearsal rehearsal = rehearse_on_backup(
        {.url = place_.url,
         .maintenance = sessions.maintenance,
         .target = database,
         .source = source,
         .plan = [&](Connection& copy) -> const MigrationPlan& { return plan(copy, source.manifest.history_schema); },
         .settings = settings(source.manifest.history_schema),
         .pg_bin = options_.common.pg_bin,
         .checks = &checks_,
         .command_target = &place_},
        options_, tool_);
    require_passed(rehearsal, options_);
    Result result = describe_rehearsal(rehearsal);
    result.text = fmt::format("{} pending migration{} rehearsed on {}:\n", plan_.pending.size(),
                              plan_.pending.size() == 1 ? "" : "s", source.shown) +
                  result.text;
    result.json["state"] = "rehearsed";
    result.json["backup"] = source.shown;
    tool_.out.result(result);
    return 0;
  }

 private:
  [[nodiscard]] DatabaseTarget find_place() const {
    if (std::optional<DatabaseTarget> side = find_side_server(options_.side_server, real_surroundings())) return *side;
    return resolve_target(options_.common, real_surroundings(), folder_);
  }

  static void require_same_major(Connection& maintenance, const RestoreSource& source) {
    const int here = maintenance.server_version() / 10000;
    const int then = source.manifest.server_version / 10000;
    if (here == then) return;
    throw Error{Failure::refused, fmt::format("the backup is of PostgreSQL {}, and this server is {}", then, here),
                "A rehearsal on another major version says nothing about locks and durations.",
                "Name a server of the same major version with --side-server URL."};
  }

  [[nodiscard]] ApplySettings settings(const std::string& schema) const {
    ApplySettings settings{.schema = schema,
                           .lock_timeout = options_.common.lock_timeout,
                           .default_lock_timeout = "5s",
                           .statement_timeout = options_.common.statement_timeout,
                           .may_go_on = false};
    if (schema != "public") settings.search_path = quote_identifier(schema);
    return settings;
  }

  /// By the history in the backup.
  const MigrationPlan& plan(Connection& copy, const std::string& schema) {
    plan_ = plan_migrations(
        {read_migrations(folder_), read_history(copy, schema), foreign_tables_before_history(copy, schema)});
    const std::string outside = may_reach_out_ ? "" : not_rehearsable(plan_);
    if (!outside.empty())
      throw Error{Failure::refused, "migrations reach beyond their own database, so they cannot be rehearsed here",
                  outside, "Name another server, on which that does no harm, with --side-server URL."};
    checks_.counts = {.critical = options_.critical_table,
                      .schema = schema,
                      .history_schema = schema,
                      .expected = options_.expect_loss};
    checks_.sql = read_verify_sql(plan_, {options_.verify_sql.begin(), options_.verify_sql.end()});
    std::vector<const Script*> scripts;
    for (const PendingMigration& pending : plan_.pending) scripts.push_back(&pending.script);
    checks_.taken = taken_from(scripts);
    return plan_;
  }

  const MigrateOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_;
  DatabaseTarget place_;
  bool may_reach_out_ = false;  ///< a server was named, and it is not the one that the backup is of
  MigrationPlan plan_;
  Checks checks_;
};

}  // namespace

int run_rehearse_on_file(const MigrateOptions& options, Tool& tool) { return FileRehearsal{options, tool}.run(); }

}  // namespace belay
