#include "rollback/options.hpp"

#include "common/error.hpp"

namespace belay {

std::optional<RollbackOptions> read_rollback_options(int argc, const char* const* argv) {
  RollbackOptions options;
  OptionSet set{"rollback-migration",
                "Takes one named migration back: by restoring the backup from before it, or in the history alone."};
  set.text("--migration-name", options.migration_name, "NAME",
           "the migration's folder name (a unique part of it is enough)");
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
  set.example("rollback-migration --migration-name 20261105101500_add_priority --restore-backup",
              "back to the last backup from before it");
  set.example("rollback-migration --migration-name add_priority --mark-only", "only in the history");
  if (!set.parse(argc, argv)) return std::nullopt;
  if (!options.migration_name)
    throw Error{Failure::usage, "--migration-name is missing", {}, "Name the migration to take back."};
  if (options.mark_only && options.restore_backup)
    throw Error{Failure::usage, "--mark-only and --restore-backup exclude each other"};
  return options;
}

}  // namespace belay
