#include "migrate/options.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "migrate/lint_verb.hpp"
#include "migrate/runs_verb.hpp"
#include "migrate/verify_options.hpp"

namespace belay {

namespace {

void check_verb(const MigrateOptions& options) {
  if (options.to && options.steps)
    throw Error{
        Failure::usage, "--to and --steps exclude each other", {}, "Both say where the deploy stops; give one."};
  if (options.rehearse && options.no_rehearse)
    throw Error{Failure::usage, "--rehearse and --no-rehearse exclude each other", {}, "Give one of them."};
  if (options.spare && options.no_spare)
    throw Error{Failure::usage, "--spare and --no-spare exclude each other", {}, "Give one of them."};
  check_retention_rules(options.retention);
  if (options.copy_to && options.backup_minio)
    throw Error{Failure::usage, "--copy-to and --backup-minio both name a place", {}, "Use one of them."};
  if (options.skip_backup && (options.rehearse || options.spare))
    throw Error{Failure::usage,
                "without a backup nothing can be rehearsed, and there is no spare",
                {},
                "Leave out --skip-backup, or --rehearse and --spare."};
  if (options.html && (options.bundle || options.common.json))
    throw Error{
        Failure::usage, "--html excludes --json and --bundle", {}, "Each of them is a form of its own; give one."};
  if (options.sql && !options.name)
    throw Error{Failure::usage, "--sql needs the migration's name", {}, "Type migrate-production history NAME --sql."};
  check_verify_options(options);
  check_guard_options(options);
  if (options.lint_all && options.offline)
    throw Error{Failure::usage, "--offline looks at the whole folder anyway", {}, "Leave out --all."};
  check_name_pattern(options.name_pattern);
  if (options.verb != "resolve" || options.applied.has_value() != options.rolled_back.has_value()) return;
  throw Error{Failure::usage,
              options.applied ? "--applied and --rolled-back exclude each other"
                              : "--applied NAME or --rolled-back NAME is missing",
              {},
              "Type migrate-production resolve --applied 20201231000000_example, or --rolled-back."};
}

/// Where a flag and its opposite were said in different places, the nearer one counts: a job's environment says what is
/// usual, the command line what is wanted now.
struct Opposites {
  std::string yes, no;  ///< where each was said, see OptionSet::remember_source
};
int distance(const std::string& source) {
  return source.starts_with("--") ? 0 : source.starts_with("environment") ? 1 : 2;
}
void keep_nearer(bool& yes, bool& no, const Opposites& sources) {
  if (!yes || !no) return;
  if (distance(sources.yes) < distance(sources.no)) no = false;
  if (distance(sources.no) < distance(sources.yes)) yes = false;
}

/// What only some verbs have a use for.
void name_verbs(OptionSet& set) {
  const std::vector<std::string> guarded{"", "rehearse"}, deploys{"deploy", "", "rehearse"};
  const std::vector<std::string> checked{"", "check", "rehearse"};
  for (const char* option : {"--skip-backup", "--rehearse", "--no-rehearse", "--spare", "--no-spare"})
    set.only_for(option, checked);
  for (const char* option : {"--max-lock", "--again", "--local-only"}) set.only_for(option, guarded);
  set.only_for("--backup-path", {"", "check", "rehearse", "runs", "show"});
  set.only_for("--on-lost-writes", {"", "recover"});
  for (const char* option : {"--to", "--steps", "--lock-retries", "--statement-timeout"}) set.only_for(option, deploys);
  set.only_for("--backup-file", {"recover", "rehearse"});
  set.only_for("--accept-as-is", {"recover"});
  set.only_for("--sql", {"history"});
  set.only_for("--side-server", {"diff", "check", "rehearse", ""});
  for (const char* option : {"--applied", "--rolled-back"}) set.only_for(option, {"resolve"});
  set.only_for("--up-to", {"baseline"});
  name_verify_verbs(set);
}

}  // namespace

std::optional<MigrateOptions> read_migrate_options(int argc, const char* const* argv) {
  MigrateOptions options;
  OptionSet set{"migrate-production",
                "Runs the pending migrations of a Prisma folder under guard: backup, deploy, verify; if anything "
                "fails, the database is put back by itself."};
  set.path("--backup-path", options.backup_path, "DIR",
           "folder for the backup and the run's report (default ./backups/pre-migration)");
  set.flag("--skip-backup", options.skip_backup, "no backup: then nothing that was committed can be put back",
           Where::command_line_only);
  set.flag("--rehearse", options.rehearse,
           "run the migrations on a restored copy of the backup first (default where the free space is known to "
           "suffice)");
  set.flag("--no-rehearse", options.no_rehearse, "do not run the migrations on a restored copy first");
  set.flag("--spare", options.spare,
           "keep a second restored copy ready while they run: putting back is then one swap (default with a "
           "rehearsal)");
  set.flag("--no-spare", options.no_spare, "do not: the backup is restored when it is needed");
  set.duration("--max-lock", options.max_lock,
               "stop before the deploy if the rehearsal held a lock that blocks others for longer");
  set.flag("--again", options.again, "apply a migration again that was taken back or put back, and is unchanged since",
           Where::command_line_only);
  set.choice(
      "--on-lost-writes", options.on_lost_writes, {"stop", "restore"},
      "with --force, where putting back would lose rows that others wrote since the backup: stop (default: status "
      "7, everything prepared for `recover`) or restore all the same");
  set.path(
      "--backup-file", options.backup_file, "FILE",
      "recover: the dead run's backup, if it is not where the run had written it; rehearse: the backup to rehearse on");
  set.flag("--accept-as-is", options.accept_as_is,
           "recover: the database is right as it is now; only remove what the dead run left", Where::command_line_only);
  set.flag("--sql", options.sql, "history NAME: print the migration's SQL too", Where::command_line_only);
  set.positional("NAME", options.name, "history: the migration", {"history"});
  set.text("--side-server", options.side_server, "URL",
           "diff, rehearsals: where the side database is made, instead of the target's own server; also "
           "SHADOW_DATABASE_URL");
  set.command("status",
              "which migrations are applied, pending, failed, rolled back, edited or missing; 0 = up to date");
  set.command("history", "the rows of the history; with NAME all that is known of one migration, 0 = applied");
  set.command("validate", "the folder alone, without a database: what would stop a deploy, and what is worth knowing");
  set.command("diff",
              "drift: the live schema against the folder replayed in a side database; 0 = no difference that counts");
  set.text("--applied", options.applied, "NAME", "resolve: record this migration as applied, without running it",
           Where::command_line_only);
  set.text("--rolled-back", options.rolled_back, "NAME",
           "resolve: record this failed migration as rolled back; the next deploy applies it again",
           Where::command_line_only);
  set.text("--up-to", options.up_to, "NAME", "baseline: the last migration that the database already has [all]",
           Where::command_line_only);
  set.command("resolve", "settles the record of one migration, as `prisma migrate resolve` does; runs nothing");
  set.command("baseline", "records the folder's migrations as applied on a database that was made without them");
  set.command("deploy",
              "runs the pending migrations as `prisma migrate deploy` does: no backup, no guard, nothing put back");
  set.text("--to", options.to, "NAME", "stop after this pending migration (deploy, and a guarded run)",
           Where::command_line_only);
  set.number("--steps", options.steps, 1, 100000, "apply only the first N pending migrations",
             Where::command_line_only);
  set.number("--lock-retries", options.lock_retries, 0, 1000,
             "how often a migration that waited --lock-timeout for another session's lock is tried again [5]");
  add_show_options(set, options);
  set.command("recover",
              "after a run that was killed: says which state the database is in, and finishes or undoes that run");
  add_guard_options(set, options);
  set.command("rehearse",
              "a rehearsal alone: of what is pending, on a backup taken now or on --backup-file; 0 = it passed");
  set.command("check", "the checklist before a run, alone: what would stop it, what should be known");
  add_verify_options(set, options);
  add_lint_options(set, options);
  add_migrations_option(set, options.common);
  add_restore_options(set, options.common);
  set.duration("--statement-timeout", options.common.statement_timeout,
               "the server ends a migration's statement after this time (30s, 2h)");
  set.flag("--local-only", options.common.local_only,
           "in CI: accept that the backup lies in a folder that goes away with the runner");
  add_common_options(set, options.common);
  set.example("migrate-production --rehearse", "a guarded run, rehearsed on a restored copy, asking first");
  set.example("migrate-production --rehearse --dry-run", "what would be done, with checklist and lint");
  set.example("migrate-production check --rehearse", "the checklist alone; 9 if something would stop a run");
  set.example("migrate-production status", "folder against database; changes nothing");
  set.example("migrate-production deploy --steps 1", "the next migration alone, without a backup");
  set.example("migrate-production recover", "after a crash: put things in order");
  name_verbs(set);
  Opposites rehearse, spare;
  set.remember_source("--rehearse", rehearse.yes);
  set.remember_source("--no-rehearse", rehearse.no);
  set.remember_source("--spare", spare.yes);
  set.remember_source("--no-spare", spare.no);
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  keep_nearer(options.rehearse, options.no_rehearse, rehearse);
  keep_nearer(options.spare, options.no_spare, spare);
  check_verb(options);
  return options;
}

}  // namespace belay
