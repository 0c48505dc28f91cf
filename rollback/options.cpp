#include "rollback/options.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace belay {

namespace {

[[noreturn]] void refuse_both(const std::string& one, const std::string& other) {
  throw Error{Failure::usage, fmt::format("{} and {} exclude each other", one, other), {}, "Give one of them."};
}

void check(const RollbackOptions& options) {
  const int ways_to_name = options.migration_name.has_value() + options.to.has_value() + options.steps.has_value();
  if (ways_to_name == 0)
    throw Error{
        Failure::usage,
        "--migration-name is missing",
        {},
        "Name the migration to take back, or give --to NAME or --steps N. `rollback-migration list` shows all."};
  if (ways_to_name > 1)
    refuse_both(options.migration_name ? "--migration-name" : "--to", options.steps ? "--steps" : "--to");
  const bool several = options.to || options.steps || options.with_dependents;
  const std::string which = options.to ? "--to" : options.steps ? "--steps" : "--with-dependents";
  if (several && options.mark_only) refuse_both(which, "--mark-only");
  if (several && options.restore_backup) refuse_both(which, "--restore-backup");
  if (several && options.down) refuse_both(which, "--down");
  if (options.mark_only && options.restore_backup) refuse_both("--mark-only", "--restore-backup");
  if (options.keep_folder + options.move_folder + options.delete_history > 1)
    throw Error{Failure::usage,
                "--keep-folder, --move-folder and --delete-history exclude each other",
                {},
                "Give one of them."};
  if (options.archive && options.no_archive) refuse_both("--archive", "--no-archive");
  if (options.recover_data && options.no_recover_data) refuse_both("--recover-data", "--no-recover-data");
  if (options.recover_data && !options.recover_data->empty() && several) refuse_both(which, "--recover-data=FILE");
  if (options.write_down && options.down) refuse_both("--write-down", "--down");
}

void add_data_options(OptionSet& set, RollbackOptions& options) {
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
}

}  // namespace

std::optional<RollbackOptions> read_rollback_options(int argc, const char* const* argv) {
  RollbackOptions options;
  OptionSet set{"rollback-migration",
                "Takes one named migration back: by a reversal that is proven first, by restoring the backup from "
                "before it, or in "
                "the history alone."};
  set.text("--migration-name", options.migration_name, "NAME",
           "the migration's folder name (a unique part of it is enough)");
  set.flag("--with-dependents", options.with_dependents,
           "take back the later migrations that need it too, the one applied last first");
  set.text("--to", options.to, "NAME", "take back everything that was applied after this migration, the last one first",
           Where::command_line_only);
  set.number("--steps", options.steps, 1, 100000, "take back the last N applied migrations, the last one first",
             Where::command_line_only);
  set.path("--down", options.down, "FILE",
           "the reversal, instead of down.sql in the migration's folder; without either it is derived");
  set.choice("--prove", options.prove, {"schema", "data"},
             "schema: by the schema alone; data: on a copy of a backup with its rows too (default where there is one, "
             "and room for it)");
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
  add_data_options(set, options);
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
  for (const char* option : {"--migration-name",
                             "--with-dependents",
                             "--to",
                             "--steps",
                             "--prove",
                             "--down",
                             "--write-down",
                             "--keep-folder",
                             "--move-folder",
                             "--delete-history",
                             "--accept-drift",
                             "--skip-backup",
                             "--archive",
                             "--no-archive",
                             "--recover-data",
                             "--no-recover-data",
                             "--disable-triggers",
                             "--lock-retries",
                             "--restore-backup",
                             "--backup-path",
                             "--mark-only",
                             "--pre-restore-backup-path",
                             "--skip-pre-restore-backup"})
    set.only_for(option, {""});
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  if (options.verb != "list") check(options);
  return options;
}

}  // namespace belay
