#include "backup/options.hpp"

#include "common/error.hpp"

namespace belay {

std::optional<BackupOptions> read_backup_options(int argc, const char* const* argv) {
  BackupOptions options;
  OptionSet set{
      "backup-db",
      "Takes a backup of one PostgreSQL database that is proven to be readable, with a fingerprint of every row."};
  set.path("--output-path", options.output_path, "DIR", "folder for archive and manifest (default ./backups)");
  set.choice("--compress", options.compress, {"zstd", "none"}, "compression of the archive (default zstd)");
  set.number("--compression-level", options.compression_level, 1, 19, "zstd level (default 3)");
  set.choice("--verify", options.verify, {"checksum", "archive"},
             "how far to verify before the backup counts: checksum = complete stream and digest; archive (default) = "
             "pg_restore reads all of it, "
             "and rows and hash of every table are recomputed from the file");
  set.command("list",
              "the backups in --output-path, or in ./backups, ./backups/pre-migration and ./backups/pre-restore");
  set.command("show", "what one backup holds and how far it was verified");
  set.command("verify", "verify one backup again, here or on another machine, and record the result in its manifest");
  set.positional("FILE", options.file, "a backup's archive", {"show", "verify"});
  add_common_options(set, options.common);
  set.example("DATABASE_URL=postgresql://app:…@db/app backup-db --output-path /var/backups/app",
              "a backup of database app");
  set.example("backup-db list --output-path /var/backups/app", "what is there, how old, how far verified");
  set.example("backup-db --output-path /var/backups/app --dry-run", "what would be done, changing nothing");
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  if ((options.verb == "show" || options.verb == "verify") && !options.file) {
    throw Error{
        Failure::usage, options.verb + " needs a backup's archive", {}, "`backup-db list` shows what there is."};
  }
  return options;
}

}  // namespace belay
