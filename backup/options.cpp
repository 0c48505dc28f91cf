#include "backup/options.hpp"

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
  add_common_options(set, options.common);
  set.example("DATABASE_URL=postgresql://app:…@db/app backup-db --output-path /var/backups/app",
              "a backup of database app");
  set.example("backup-db --output-path /var/backups/app --dry-run", "what would be done, changing nothing");
  if (!set.parse(argc, argv)) return std::nullopt;
  return options;
}

}  // namespace belay
