#include "backup/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"

namespace belay {

namespace {

void add_archive_options(OptionSet& set, BackupOptions& options) {
  set.path("--output-path", options.output_path, "DIR", "folder for archive and manifest [./backups]");
  set.choice("--format", options.format, {"custom", "plain"},
             "custom = pg_dump's own format, for pg_restore; plain = an SQL script, for psql [custom]");
  set.optional_choice("--compress", options.compress, "zstd", {"zstd", "gzip", "none"},
                      "alone = zstd; gzip only with --format plain [custom: zstd, plain: none]");
  set.number("--compression-level", options.compression_level, 1, 19, "zstd 1 to 19 [3], gzip 1 to 9 [6]");
  set.flag("--schema-only", options.schema_only, "definitions without rows: no backup that a full restore accepts");
  set.flag("--with-globals", options.with_globals,
           "roles, memberships and tablespaces of the whole server beside it (pg_dumpall --globals-only); with the "
           "roles' passwords if this role may read them");
}

void add_verification_options(OptionSet& set, BackupOptions& options) {
  set.group("Verification");
  set.optional_choice("--verify", options.verify, "archive", {"checksum", "archive", "restore"},
                      "how far: checksum = complete stream and digest; archive = pg_restore reads all of it, and rows "
                      "and hash of every table are recomputed from the file; restore = restored into a side database "
                      "that is compared object by object and row by row, and dropped again [archive]");
  set.text("--side-server", options.side_server, "URL",
           "where side databases are made, instead of the target's own server; also SHADOW_DATABASE_URL");
  set.size("--server-free", options.server_free,
           "free space on the server that makes the side database, where it cannot be seen from here");
}

/// Where the options of places came from, see OptionSet::remember_source.
struct PlaceSources {
  std::string copy_to, minio;
};

void add_off_site_options(OptionSet& set, BackupOptions& options, PlaceSources& sources) {
  set.group("Off-site");
  set.text("--copy-to", options.copy_to, "REMOTE",
           "copy the finished backup to this place of rclone (name:path, from rclone.conf or RCLONE_CONFIG_…)");
  set.flag("--backup-minio", options.backup_minio,
           "copy it to, or read from, MINIO_BUCKET at MINIO_ENDPOINT with MINIO_ACCESS_KEY and MINIO_SECRET_KEY");
  set.text("--from", options.from, "REMOTE", "list, verify and fetch: look at this place of rclone instead");
  set.remember_source("--copy-to", sources.copy_to);
  set.remember_source("--backup-minio", sources.minio);
}

void add_commands(OptionSet& set, BackupOptions& options) {
  set.command("list",
              "the backups in --output-path, or in ./backups, ./backups/pre-migration and ./backups/pre-restore");
  set.command("show", "what one backup holds and how far it was verified");
  set.command("verify", "verify backups again, here or on another machine, and record the result in their manifests");
  set.command("diff", "what changed from one backup to another: schema, rows per table, sequences, properties");
  set.command("prune", "remove what the retention options do not keep; shows the plan and asks");
  set.command("adopt", "prove a dump that belay did not write by a trial restore, and write its manifest");
  set.command("copy", "copy finished backups to --copy-to or --backup-minio");
  set.command("fetch", "bring backups back from --from or --backup-minio");
  set.positionals("FILE", options.files, "a backup's archive; for fetch and verify --from its name there",
                  {"show", "verify", "diff", "adopt", "copy", "fetch"});
}

void add_examples(OptionSet& set) {
  set.example("DATABASE_URL=postgresql://app:…@db/app backup-db --output-path /var/backups/app",
              "a backup of database app");
  set.example("backup-db --output-path /var/backups/app --verify restore --retention standard",
              "one that is proven by a trial restore, and older ones thinned out");
  set.example("backup-db --format plain --compress gzip", "the .sql.gz that psql reads");
  set.example("backup-db list --output-path /var/backups/app", "what is there, how old, how far verified");
  set.example("backup-db --output-path /var/backups/app --dry-run", "what would be done, changing nothing");
}

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error{Failure::usage, message, {}, hint};
}

void check_files(const BackupOptions& options) {
  const std::string& verb = options.verb;
  const std::size_t count = options.files.size();
  const bool one_or_more = verb == "verify" || verb == "adopt" || verb == "copy" || verb == "fetch";
  const std::string hint = "`backup-db list` shows what there is.";
  if (verb == "diff" && count != 2) refuse("diff needs two backups' archives", hint);
  if (verb == "show" && count != 1) refuse("show needs one backup's archive", hint);
  if (one_or_more && count == 0) refuse(verb + " needs a backup's archive", hint);
}

void check_compression(const BackupOptions& options) {
  if (options.compress == "gzip" && options.format.value_or("custom") != "plain")
    refuse("--compress gzip is for --format plain",
           "Add --format plain, or leave --compress away: the custom format is in zstd then.");
  if (options.compression_level && options.compress == "gzip" && *options.compression_level > 9)
    refuse("--compression-level is 1 to 9 with gzip", "");
  const bool packed = options.compress.value_or(options.format == "plain" ? "none" : "zstd") != "none";
  if (options.compression_level && !packed)
    refuse("--compression-level without compression", "Add --compress zstd or --compress gzip.");
}

/// A job's environment or belay.toml says where its copies go. What is typed wins over it, and whoever looks at a
/// folder beside that job means the folder.
void forget_farther_places(BackupOptions& options, const PlaceSources& sources) {
  const bool writes = options.verb.empty() || options.verb == "copy";
  const bool looks = !writes && options.verb != "fetch";
  const bool minio_typed = sources.minio == "--backup-minio";
  const bool copy_to_typed = sources.copy_to == "--copy-to";
  if (!writes || (minio_typed && !copy_to_typed)) options.copy_to.reset();
  if (!minio_typed && (looks || options.from || copy_to_typed)) options.backup_minio = false;
}

void check_places(const BackupOptions& options) {
  const bool reads = options.verb == "list" || options.verb == "verify" || options.verb == "fetch";
  if (options.from && options.backup_minio) refuse("--from and --backup-minio both name a place", "Use one of them.");
  if (options.copy_to && options.backup_minio)
    refuse("--copy-to and --backup-minio both name a place", "Use one of them.");
  if (options.from && !reads)
    refuse("--from is for list, verify and fetch", "To copy a backup somewhere, use --copy-to.");
  if (options.verb == "copy" && !options.copy_to && !options.backup_minio)
    refuse("copy needs a place to copy to", "Name it with --copy-to REMOTE or --backup-minio.");
  if (options.verb == "fetch" && !options.from && !options.backup_minio)
    refuse("fetch needs a place to fetch from", "Name it with --from REMOTE or --backup-minio.");
}

void check_retention(const BackupOptions& options) {
  const RetentionOptions& keep = options.retention;
  check_retention_rules(keep);
  if (options.verb == "prune" && !keep.any())
    refuse("prune needs to know what to keep", "For example --retention-days 30 or --retention standard.");
}

}  // namespace

void add_retention_options(OptionSet& set, RetentionOptions& keep) {
  set.number("--retention-days", keep.days, 1, 36500, "keep what is at most so many days old");
  set.number("--keep-daily", keep.daily, 1, 10000, "keep one of each of the last N days that have a backup");
  set.number("--keep-weekly", keep.weekly, 1, 10000, "keep one of each of the last N weeks that have a backup");
  set.number("--keep-monthly", keep.monthly, 1, 10000, "keep one of each of the last N months that have a backup");
  set.choice("--retention", keep.preset, {"standard"},
             "standard: all for 7 days, daily up to 30, weekly up to 90, monthly up to 365; those before a migration 7 "
             "days");
}

void check_retention_rules(const RetentionOptions& keep) {
  if (keep.preset && (keep.days || keep.daily || keep.weekly || keep.monthly))
    refuse("--retention standard is a whole plan of its own", "Leave out --retention-days and --keep-….");
}

std::optional<BackupOptions> read_backup_options(int argc, const char* const* argv) {
  BackupOptions options;
  OptionSet set{
      "backup-db",
      "Takes a backup of one PostgreSQL database that is proven to be readable, with a fingerprint of every row."};
  add_archive_options(set, options);
  add_verification_options(set, options);
  set.group("Retention (of this database's backups, after success only)");
  add_retention_options(set, options.retention);
  PlaceSources sources;
  add_off_site_options(set, options, sources);
  add_commands(set, options);
  add_common_options(set, options.common);
  add_examples(set);
  const std::optional<std::string> verb = set.parse(argc, argv);
  if (!verb) return std::nullopt;
  options.verb = *verb;
  check_files(options);
  check_compression(options);
  forget_farther_places(options, sources);
  check_places(options);
  check_retention(options);
  return options;
}

}  // namespace belay
