#include "restore/options.hpp"

#include "common/error.hpp"

namespace belay {

std::optional<RestoreOptions> read_restore_options(int argc, const char* const* argv) {
  RestoreOptions options;
  OptionSet set{"restore-database",
                "Builds the backup beside the live database, compares it with what the backup recorded, and swaps it "
                "in with one transaction."};
  set.path("--backup-file", options.backup_file, "FILE",
           "archive of the backup to restore; its manifest must stand beside it");
  set.path("--pre-restore-backup-path", options.pre_restore_backup_path, "DIR",
           "folder for the backup of the present state (default ./backups/pre-restore)");
  set.flag("--skip-pre-restore-backup", options.skip_pre_restore_backup,
           "do not back the present state up first; it is still kept as a database under another name",
           Where::command_line_only);
  set.flag("--from-other-server", options.from_other_server,
           "accept a backup taken on another server for a database that holds data here", Where::command_line_only);
  set.command("undo", "swap the kept previous database back in");
  set.command("drop", "remove a kept database by its name");
  set.command("list", "show side and kept databases with size and age");
  set.positional("NAME", options.name, "the kept database", {"undo", "drop"});
  add_restore_options(set, options.common);
  add_common_options(set, options.common);
  set.example("restore-database --backup-file /var/backups/app/backup_app_20261121_130700.dump.zst",
              "restore, asking first");
  set.example("restore-database undo", "go back to what was there before the last restore");
  set.example("restore-database drop app__before_20261121T130700Z-ab12",
              "remove the previous database once it is no longer needed");
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  if (options.verb.empty() && !options.backup_file) {
    throw Error{Failure::usage,
                "--backup-file is missing",
                {},
                "Name the archive to restore; `restore-database --help` shows how."};
  }
  if (options.verb == "drop" && !options.name)
    throw Error{Failure::usage, "drop needs the name of a kept database", {}, "`restore-database list` shows them."};
  return options;
}

}  // namespace belay
