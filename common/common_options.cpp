// What every tool understands, in the same words; and what several do. A tool declares only what it acts on.
#include "common/options.hpp"

namespace belay {

namespace {

void add_database(OptionSet& set, CommonOptions& options) {
  set.group("Database");
  set.text("--database-url", options.database_url, "URL",
           "the database, instead of DATABASE_URL; without a password, which only the environment or .env may hold");
  set.remember_source("--database-url", options.database_url_source);
  set.text("--maintenance-db", options.maintenance_db, "NAME",
           "connected to for CREATE, RENAME and DROP DATABASE [postgres, else template1]");
  set.duration("--connect-timeout", options.connect_timeout, "give up connecting after this time (5s, 2min) [5s]");
  set.duration("--lock-timeout", options.lock_timeout, "give up waiting for a table's lock after this time (5s, 2min)");
}

void add_files(OptionSet& set, CommonOptions& options) {
  set.group("Files");
  set.path("--prisma-schema", options.prisma_schema, "FILE",
           "schema.prisma: .env, and the migrations where they are needed, are looked for beside it");
  set.path("--config", options.config, "FILE", "belay.toml; no other configuration file is ever looked for");
  set.path("--pg-bin", options.pg_bin, "DIR",
           "where pg_dump, pg_restore and psql are [PATH, /usr/lib/postgresql/*/bin]");
  set.path("--log-file", options.log_file, "FILE", "write a diary of what was done");
}

void add_behaviour(OptionSet& set, CommonOptions& options) {
  set.group("Behaviour");
  set.flag("--force", options.force, "ask nothing", Where::command_line_only);
  set.flag("--dry-run", options.dry_run, "print the plan that would run, and change nothing");
}

void add_output(OptionSet& set, CommonOptions& options) {
  set.group("Output");
  set.flag("--json", options.json, "the result as one JSON object, progress as one JSON object a line");
  set.flag("--quiet", options.quiet, "no progress; warnings and errors stay");
  set.flag("--verbose", options.verbose, "say more about what is done");
  set.flag("--no-color", options.no_color, "no colours");
}

}  // namespace

void add_migrations_option(OptionSet& set, CommonOptions& options) {
  set.path("--migrations", options.migrations, "DIR",
           "the migrations folder [the one found below: prisma/migrations, migrations, packages/*/…, apps/*/…]");
}

void add_restore_options(OptionSet& set, CommonOptions& options) {
  set.number("--keep", options.keep, 1, 1000, "how many previous databases may be kept beside the target [1]");
  set.choice("--environment", options.environment, {"production", "staging", "test", "development"},
             "what the database is for; also BELAY_ENV or NODE_ENV [production]");
}

void add_common_options(OptionSet& set, CommonOptions& options) {
  add_database(set, options);
  add_files(set, options);
  add_behaviour(set, options);
  add_output(set, options);
}

}  // namespace belay
