#include "rollback/options.hpp"

#include "common/error.hpp"

namespace belay {

std::optional<RollbackOptions> read_rollback_options(int argc, const char* const* argv) {
  RollbackOptions options;
  OptionSet set{"rollback-migration",
                "Takes one named migration back: by a reversal that is proven first, by restoring the backup from "
                "before it, or in "
                "the history alone."};
  set.text("--migration-name", options.migration_name, "NAME",
           "the migration's folder name (a unique part of it is enough)");
  set.path("--down", options.down, "FILE",
           "the reversal, instead of down.sql in the migration's folder; without either it is derived");
  set.flag("--write-down", options.write_down,
           "write the derived reversal as down.sql into the migration's folder, and run nothing");
  set.flag("--keep-folder", options.keep_folder,
           "leave the migration's folder where it is: the next deploy applies it again");
  set.flag("--move-folder", options.move_folder,
           "move the migration's folder to migrations-rolled-back beside the migrations");
  set.flag("--delete-history", options.delete_history,
           "delete the migration's rows instead of marking them as rolled back: it is pending then");
  set.flag("--accept-drift", options.accept_drift,
           "go on although the live schema is not what the applied migrations make; what differs stays as it is",
           Where::command_line_only);
  set.flag("--skip-backup", options.skip_backup, "do not take a backup before the reversal", Where::command_line_only);
  set.flag("--archive", options.archive,
           "write the rows and columns that the reversal discards to a file first, beside the backup (the default)");
  set.flag("--no-archive", options.no_archive, "discard them", Where::command_line_only);
  set.optional_text(
      "--recover-data", options.recover_data, "", "FILE",
      "bring back from this backup what the migration dropped; without FILE from the newest good one from "
      "before it (the default where there is one)");
  set.flag("--no-recover-data", options.no_recover_data,
           "dropped tables come back empty, dropped columns without values", Where::command_line_only);
  set.flag("--disable-triggers", options.disable_triggers,
           "switch the triggers of tables off while rows and values are brought back", Where::command_line_only);
  set.text("--side-server", options.side_server, "URL",
           "server where the proof's side database is made; without it the target's own (or SHADOW_DATABASE_URL)");
  set.number("--lock-retries", options.lock_retries, 0, 1000,
             "how often the reversal is tried again after another session's lock was in the way (default 10)");
  set.optional_text("--restore-backup", options.restore_backup, "", "FILE",
                    "restore this backup; without FILE the newest good one from before the migration, from ./backups, "
                    "./backups/pre-migration and ./backups/pre-restore");
  set.path("--backup-path", options.backup_path, "DIR",
           "where to look for that backup, instead of the three folders above");
  set.flag("--mark-only", options.mark_only,
           "only mark the migration as rolled back in the history; schema and data stay as they are");
  set.path("--pre-restore-backup-path", options.pre_restore_backup_path, "DIR",
           "folder for the backup of the present state (default ./backups/pre-restore)");
  set.flag("--skip-pre-restore-backup", options.skip_pre_restore_backup,
           "do not back the present state up before restoring", Where::command_line_only);
  add_hook_options(set, options.hooks);
  add_migrations_option(set, options.common);
  add_restore_options(set, options.common);
  add_common_options(set, options.common);
  set.example("rollback-migration --migration-name add_priority --dry-run", "the reversal, its proof, what it loses");
  set.example("rollback-migration --migration-name 20261105101500_add_priority --restore-backup",
              "back to the last backup from before it");
  set.example("rollback-migration --migration-name add_priority --mark-only", "only in the history");
  set.command("list", "every migration of the history, and whether and how it could be taken back; proves nothing");
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  if (options.verb == "list") return options;
  if (!options.migration_name)
    throw Error{Failure::usage, "--migration-name is missing", {}, "Name the migration to take back."};
  if (options.mark_only && options.restore_backup)
    throw Error{Failure::usage, "--mark-only and --restore-backup exclude each other"};
  if (options.keep_folder + options.move_folder + options.delete_history > 1)
    throw Error{Failure::usage, "--keep-folder, --move-folder and --delete-history exclude each other"};
  if (options.archive && options.no_archive)
    throw Error{Failure::usage, "--archive and --no-archive exclude each other"};
  if (options.recover_data && options.no_recover_data)
    throw Error{Failure::usage, "--recover-data and --no-recover-data exclude each other"};
  if (options.write_down && options.down) throw Error{Failure::usage, "--write-down and --down exclude each other"};
  return options;
}

}  // namespace belay
