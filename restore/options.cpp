#include "restore/options.hpp"

#include "common/error.hpp"

namespace belay {

namespace {

void refuse(const std::string& message, const std::string& hint) { throw Error{Failure::usage, message, {}, hint}; }

void add_source(OptionSet& set, RestoreOptions& options) {
  set.text("--backup-file", options.backup_file, "FILE",
           "archive of the backup to restore, its manifest beside it; with --from its name there; - reads a dump from "
           "standard input");
  set.text("--from", options.from, "REMOTE", "the backup lies in this place of rclone");
  set.flag("--backup-minio", options.backup_minio,
           "the backup lies in MINIO_BUCKET at MINIO_ENDPOINT with MINIO_ACCESS_KEY and MINIO_SECRET_KEY");
  set.flag("--foreign", options.foreign,
           "accept a dump without a manifest (plain, .gz, .zst, pg_dump's custom or directory format); what cannot be "
           "checked then is said",
           Where::command_line_only);
  set.flag("--from-other-server", options.from_other_server,
           "accept a backup taken on another server for a database that holds data here", Where::command_line_only);
}

void add_safety(OptionSet& set, RestoreOptions& options) {
  set.path("--pre-restore-backup-path", options.pre_restore_backup_path, "DIR",
           "folder for the backup of the present state (default ./backups/pre-restore)");
  set.flag("--skip-pre-restore-backup", options.skip_pre_restore_backup,
           "do not back the present state up first; it is still kept as a database under another name",
           Where::command_line_only);
  set.list("--replica-url", options.replica_urls, "URL",
           "a physical replica: wait there for the swap, and end the sessions that still read the old database");
  set.flag("--resync", options.resync,
           "afterwards compare the restored history with the migrations folder, and offer to settle what would stop "
           "the next deploy");
}

void add_work(OptionSet& set, RestoreOptions& options) {
  set.number("--jobs", options.jobs, 1, 64, "connections that load and compare (default: processors, at most 4)");
  set.path("--work-dir", options.work_dir, "DIR",
           "folder for the unpacked archive that several jobs need (default TMPDIR, else /var/tmp)");
  set.size("--server-free", options.server_free, "free space on the server, where it cannot be seen from here");
  add_hook_options(set, options.hooks);
}

void add_elsewhere(OptionSet& set, ElsewhereOptions& options) {
  set.group("Another place");
  set.text("--to", options.to, "DATABASE",
           "restore into a database of this name, made new, and leave the target alone");
  set.flag("--replace", options.replace, "with --to: a database that holds something is removed first",
           Where::command_line_only);
  set.flag("--no-owner", options.no_owner, "with --to: everything belongs to the role that restores");
  set.text("--owner", options.owner, "ROLE", "everything, and the database, belongs to ROLE");
  set.flag("--no-privileges", options.no_privileges, "with --to: leave GRANTs out");
}

void add_verbs(OptionSet& set, RestoreOptions& options) {
  set.command("undo", "swap the kept previous database back in");
  set.command("drop", "remove a kept database by its name");
  set.command("list", "show side and kept databases with size and age");
  set.command("cleanup", "remove what restores that died have left");
  set.positional("NAME", options.name, "the kept database", {"undo", "drop"});
}

void add_examples(OptionSet& set) {
  set.example("restore-database --backup-file /var/backups/app/backup_app_20261121_130700.dump.zst",
              "restore, asking first");
  set.example("restore-database --backup-file backup_app_20261121_130700.dump.zst --from offsite:belay",
              "the same from another place");
  set.example("restore-database --backup-file old.sql.gz --foreign", "a dump that belay did not write");
  set.example("restore-database --backup-file backup_app_20261121_130700.dump.zst --to app_copy",
              "a copy beside it, to look something up");
  set.example("restore-database undo", "go back to what was there before the last restore");
  set.example("restore-database drop app__before_20261121T130700Z-ab12",
              "remove the previous database once it is no longer needed");
}

void check_places(const RestoreOptions& o) {
  if (o.from && o.backup_minio) refuse("--from and --backup-minio both name a place", "Use one of them.");
  const bool remote = o.from || o.backup_minio;
  const bool standard_input = o.backup_file == "-";
  if (standard_input && remote)
    refuse("--backup-file - reads standard input, not another place", "Leave out --from and --backup-minio.");
  if (standard_input && !o.foreign)
    refuse("a dump from standard input has no manifest", "Say --foreign, or name the archive with --backup-file FILE.");
  if (remote && o.foreign)
    refuse("--foreign is for files of this machine", "Bring the dump here first, then restore it with --foreign.");
}

void check_elsewhere(const RestoreOptions& o) {
  const ElsewhereOptions& e = o.elsewhere;
  if (e.to && e.to->empty()) refuse("--to needs a database's name", "Write it like --to app_copy.");
  if (!e.to && (e.replace || e.no_owner || e.no_privileges))
    refuse("--replace, --no-owner and --no-privileges belong to --to",
           "A restore into the target's place keeps its owner and privileges.");
  if (e.no_owner && e.owner) refuse("--no-owner and --owner contradict each other", "Use one of them.");
  if (e.owner && !e.to && !o.foreign)
    refuse("--owner belongs to --to or --foreign", "A backup of belay's knows the owner of everything in it.");
  if (e.to && !o.replica_urls.empty())
    refuse("--replica-url is for a restore into the target's place", "Leave it out with --to.");
}

void check_restore(const RestoreOptions& o) {
  if (!o.backup_file)
    refuse("--backup-file is missing", "Name the archive to restore; `restore-database --help` shows how.");
  check_places(o);
  check_elsewhere(o);
}

}  // namespace

std::optional<RestoreOptions> read_restore_options(int argc, const char* const* argv) {
  RestoreOptions options;
  OptionSet set{"restore-database",
                "Builds the backup beside the live database, compares it with what the backup recorded, and swaps it "
                "in with one transaction."};
  add_source(set, options);
  add_safety(set, options);
  add_work(set, options);
  add_elsewhere(set, options.elsewhere);
  add_verbs(set, options);
  add_restore_options(set, options.common);
  add_migrations_option(set, options.common);
  add_common_options(set, options.common);
  add_examples(set);
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  if (options.verb.empty()) check_restore(options);
  if (options.verb == "drop" && !options.name)
    refuse("drop needs the name of a kept database", "`restore-database list` shows them.");
  return options;
}

}  // namespace belay
