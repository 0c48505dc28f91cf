#include "restore/source.hpp"

#include "backup/verify.hpp"

namespace belay {

namespace fs = std::filesystem;

RestoreSource open_backup(const fs::path& archive) {
  RestoreSource source{
      .archive = fs::absolute(archive), .shown = archive.string(), .manifest = read_manifest_of(archive)};
  // The same bytes were decoded to their end before: doing so once more would only take time.
  const bool decoded_before = source.manifest.level() >= Level::checksum;
  decoded_before ? verify_digest(archive, source.manifest.archive) : verify_checksum(archive, source.manifest.archive);
  (void)read_recorded_schema(archive, source.manifest);
  return source;
}

RestoreSource open_source(const RestoreOptions& options, const RunContext& /*context*/, Tool& /*tool*/) {
  return open_backup(*options.backup_file);
}

}  // namespace belay
