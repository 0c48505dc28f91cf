#include "restore/source.hpp"

#include <fmt/format.h>

#include "backup/offsite.hpp"
#include "backup/remote_backups.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"
#include "restore/foreign_source.hpp"
#include "restore/unpacked.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

/// A backup from another place. Died here: a private folder is left in the work folder, which the next restore from
/// another place removes.
class Fetched final : public SourceFiles {
 public:
  Fetched(RemotePlace place, const std::string& name, const fs::path& work, Tool& tool)
      : folder_(work), rclone_(std::move(place), tool.processes) {
    backup_.emplace(rclone_, name, list_place(rclone_), folder_.path(), tool);
  }
  [[nodiscard]] const FetchedBackup& backup() const { return *backup_; }

 private:
  PrivateFolder folder_;
  Rclone rclone_;
  std::optional<FetchedBackup> backup_;
};

/// The archive, and the schema facts beside it.
RestoreSource check(RestoreSource source) {
  // The same bytes were decoded to their end before: doing so once more would only take time.
  const bool decoded_before = source.manifest.level() >= Level::checksum;
  try {
    decoded_before ? verify_digest(source.archive, source.manifest.archive)
                   : verify_checksum(source.archive, source.manifest.archive);
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    throw Error{error.kind, error.message, error.detail,
                "The database was not touched. Use another copy of this backup, or another backup: `backup-db list`."};
  }
  (void)read_recorded_schema(source.archive, source.manifest);
  return source;
}

RestoreSource open_remote(RemotePlace place, const RestoreOptions& options, Tool& tool) {
  const fs::path work = unpacking_folder(options.work_dir);
  make_private_directories(work);
  const std::string shown = fmt::format("{} in {}", *options.backup_file, place.shown);
  const auto fetched = std::make_shared<Fetched>(std::move(place), *options.backup_file, work, tool);
  return check({.archive = fetched->backup().archive(),
                .shown = shown,
                .manifest = fetched->backup().manifest(),
                .files = fetched});
}

/// A folder may be typed with a slash behind it.
fs::path typed_path(const std::string& text) {
  fs::path path = fs::absolute(text).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

/// Nothing but --foreign could make it serve.
void refuse_without_manifest(const fs::path& path) {
  if (!is_there(path) || is_there(manifest_path(path))) return;
  throw Error{Failure::storage, fmt::format("the archive \"{}\" has no manifest", path.string()),
              fmt::format("\"{}\" is missing: the archive is not whole, or not of belay's making.",
                          manifest_path(path).filename().string()),
              "Use a backup that has its manifest beside it. To restore a dump of another program, with fewer checks, "
              "say --foreign."};
}

}  // namespace

std::string taken_words(const RestoreSource& source) {
  const std::string time = iso_utc(source.manifest.created_at);
  if (source.foreign) return fmt::format("written {}, by {}", time, source.manifest.tool);
  return fmt::format("taken {} of database \"{}\"", time, source.manifest.database.name);
}

RestoreSource open_backup(const fs::path& archive) {
  return check({.archive = fs::absolute(archive),
                .shown = fs::absolute(archive).string(),
                .manifest = read_manifest_of(archive)});
}

RestoreSource open_source(const RestoreOptions& options, const RunContext& context, Tool& tool) {
  if (*options.backup_file == "-") return open_standard_input(options, context, tool);
  std::optional<RemotePlace> place = place_to_read(options.from, options.backup_minio ? Minio::yes : Minio::no);
  if (place) return open_remote(*std::move(place), options, tool);
  const fs::path path = typed_path(*options.backup_file);
  if (!options.foreign) refuse_without_manifest(path);
  if (!options.foreign || !is_there(path) || is_there(manifest_path(path))) return open_backup(path);
  return open_foreign(path, options, context, tool);
}

}  // namespace belay
