#include <fmt/format.h>

#include "common/hooks.hpp"
#include "migrate/check.hpp"
#include "migrate/deploy_command.hpp"
#include "migrate/guard_run.hpp"
#include "migrate/writes.hpp"
#include "restore/writes.hpp"

namespace belay {

/// Counting reads whole tables, so it is done only where it can find something: in all of them if somebody else was at
/// work since the snapshot.
void Guard::count_others_writes() {
  if (!rope_.manifest) return;
  constexpr std::int64_t of_pg_dump = 1;
  const Strangers strangers = find_strangers(context_.maintenance, context_.database(), before_backup_,
                                             sessions_made(context_.database()) - before_backup_.own + of_pg_dump);
  for (const TableWrites& table :
       count_writes_since(books(), *rope_.manifest, strangers.any() ? Tables::all : Tables::moved))
    rope_.record.others_wrote.push_back("between backup and deploy, by others: " + table.describe());
  rope_.others_before = rope_.record.others_wrote;
}

/// What the database is compared with after the deploy.
void Guard::remember_before() {
  rope_.record.invalid_before = invalid_indexes(books());
  rope_.record.unvalidated_before = unvalidated_constraints(books());
  rope_.record.by_command = options_.deploy_command.has_value();
  if (rope_.record.by_command) {
    rope_.record.then.made = -1;     // it makes sessions of its own, nobody knows how many
    rope_.record.reversals.clear();  // they take back what the migrations do, not what else a command did
  }
  tables_before_ = read_tables_before(books(), checks_.counts, rope_.manifest ? &*rope_.manifest : nullptr);
}

DeployListeners Guard::listeners(Journal& journal) {
  const auto call = [this](const std::string& hook, const std::string& command, const std::string& migration) {
    return run_hook(
        {.hook = hook, .command = command, .database = context_.database(), .status = {}, .migration = migration},
        tool_);
  };
  DeployListeners all{.journal = &journal};
  if (options_.before_migration) {
    all.before = [this, call](const std::string& name) {
      if (call("before-migration", *options_.before_migration, name)) return;
      throw Error{Failure::failed, fmt::format("--before-migration failed, so migration \"{}\" was not run", name),
                  *options_.before_migration};
    };
  }
  if (options_.after_migration)
    all.after = [this, call](const std::string& name) {
      (void)call("after-migration", *options_.after_migration, name);
    };
  return all;
}

DeployReport Guard::run_deploy(Connection& db, Journal& journal) {
  if (options_.deploy_command) {
    return deploy_by_command({.context = context_,
                              .plan = plan_,
                              .before = history_,
                              .command = *options_.deploy_command,
                              .server_options = options_.read_only ? "-c default_transaction_read_only=off" : "",
                              .schema_before = rope_.schema_before,
                              .backup = rope_.manifest},
                             books(), tool_);
  }
  if (plan_.creates_history) create_history_table(books(), rope_.record.schema);
  return deploy(plan_, deploy_settings(context_, options_, tool_), db, books(), tool_, listeners(journal));
}

/// The marker says "deploying", with everything recover needs, before the first statement. Died here: the history says
/// which migrations are whole.
void Guard::deploy_pending(Journal& journal) {
  tool_.out.heading("Step 3: Running Database Migration");
  report_.step_begun("Deploy");
  std::optional<Connection> db;
  try {
    rope_.record.then = look_at_sessions(context_.maintenance, context_.database());
    count_others_writes();
    for (const std::string& line : rope_.record.others_wrote) {
      tool_.out.warn("putting back would lose what others wrote since the backup; " + line);
    }
    SessionSettings session = tool_.session();
    session.keep_timeouts = true;
    db.emplace(context_.target.url, context_.database(), session);
    db->check_alive();  // so that the statistics know of this session before sessions are counted
    remember_before();
    report_.others_wrote(rope_.record.others_wrote);
    report_.write(tool_.files, catalogue_, tool_.out);  // what is left of a run that dies from here on
    rope_.marker.details = to_json(rope_.record);
    set_step("deploying");
    journal.record("deploying");
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
  journal.go_on_without();  // from here on the run ends in order, whatever the disk says
  try {
    deployed_ = run_deploy(*db, journal);
  } catch (const Error& error) {
    deployed_.failure = error;
    deployed_.connection_lost = is_lost_connection(error);
  }
  tell_deployed();
}

}  // namespace belay
