#include "migrate/options.hpp"

namespace belay {

std::optional<MigrateOptions> read_migrate_options(int argc, const char* const* argv) {
  MigrateOptions options;
  OptionSet set{"migrate-production",
                "Runs the pending migrations of a Prisma folder under guard: backup, deploy, verify; if anything "
                "fails, the database is put back by itself."};
  set.path("--backup-path", options.backup_path, "DIR", "folder for the backup (default ./backups/pre-migration)");
  set.flag("--skip-backup", options.skip_backup, "no backup: then nothing that was committed can be put back",
           Where::command_line_only);
  set.flag("--no-rehearse", options.no_rehearse,
           "do not run the migrations on a restored copy first (this version cannot, so it has to be said)");
  set.choice(
      "--on-lost-writes", options.on_lost_writes, {"stop", "restore"},
      "with --force, where putting back would lose rows that others wrote since the backup: stop (default: status "
      "7, everything prepared for `recover`) or restore all the same");
  set.path("--backup-file", options.backup_file, "FILE",
           "recover: the dead run's backup, if it is not where the run had written it");
  set.flag("--accept-as-is", options.accept_as_is,
           "recover: the database is right as it is now; only remove what the dead run left", Where::command_line_only);
  set.command("recover",
              "after a run that was killed: says which state the database is in, and finishes or undoes that run");
  add_migrations_option(set, options.common);
  add_restore_options(set, options.common);
  set.duration("--statement-timeout", options.common.statement_timeout,
               "the server ends a migration's statement after this time (30s, 2h)");
  set.flag("--local-only", options.common.local_only,
           "in CI: accept that the backup lies in a folder that goes away with the runner");
  add_common_options(set, options.common);
  set.example("migrate-production --no-rehearse", "a guarded run, asking first");
  set.example("migrate-production --no-rehearse --dry-run", "what would be done");
  set.example("migrate-production recover", "after a crash: put things in order");
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  return options;
}

}  // namespace belay
