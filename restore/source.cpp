#include "restore/source.hpp"

#include "backup/verify.hpp"

namespace belay {

namespace fs = std::filesystem;

RestoreSource open_backup(const fs::path& archive) {
  RestoreSource source{
      .archive = fs::absolute(archive), .shown = archive.string(), .manifest = read_manifest_of(archive)};
  verify_checksum(archive, source.manifest.archive);
  (void)read_recorded_schema(archive, source.manifest);
  return source;
}

RestoreSource open_source(const RestoreOptions& options, const RunContext& /*context*/, Tool& /*tool*/) {
  return open_backup(*options.backup_file);
}

}  // namespace belay
