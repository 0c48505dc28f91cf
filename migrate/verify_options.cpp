#include "migrate/verify_options.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace belay {

void add_verify_options(OptionSet& set, MigrateOptions& options) {
  set.text("--deploy-command", options.deploy_command, "COMMAND",
           "deploy by this command (`npx prisma migrate deploy`), guarded all the same");
  set.list("--verify-sql", options.verify_sql, "FILE",
           "after the deploy: statements of which none may fail or be false");
  set.list("--critical-table", options.critical_table, "NAME", "a table that may not lose a single row in the run");
  set.list("--expect-loss", options.expect_loss, "NAME",
           "a table that loses rows in this run though its SQL does not say so", Where::command_line_only);
  add_health_options(set, options.health);
  add_hook_options(set, options.hooks);
  set.text("--before-migration", options.before_migration, "COMMAND",
           "run before each migration; if it fails, the deploy fails there");
  set.text("--after-migration", options.after_migration, "COMMAND", "run after each migration that was applied");
}

void name_verify_verbs(OptionSet& set) {
  for (const char* option : {"--deploy-command", "--health-check", "--health-command", "--health-status",
                             "--health-retries", "--health-interval", "--health-timeout", "--watch", "--before",
                             "--after", "--on-failure", "--before-migration", "--after-migration"})
    set.only_for(option, {""});
  // A rehearsal alone asks the same of its copy.
  for (const char* option : {"--verify-sql", "--critical-table", "--expect-loss"})
    set.only_for(option, {"", "rehearse"});
}

void check_verify_options(const MigrateOptions& options) {
  check_health_options(options.health);
  if (!options.deploy_command) return;
  if (options.to || options.steps || options.lock_retries) {
    throw Error{Failure::usage,
                "--deploy-command applies everything that is pending, in its own way",
                {},
                "Leave out --to, --steps and --lock-retries, or --deploy-command."};
  }
  if (options.before_migration || options.after_migration) {
    throw Error{Failure::usage,
                "with --deploy-command there is nothing to be run around each migration",
                {},
                "Use --before and --after, or leave out --deploy-command."};
  }
}

}  // namespace belay
