// An archive decoded into a file, for programs that must jump about in it.
#pragma once
#include <optional>

#include "backup/private_folder.hpp"
#include "restore/load.hpp"

namespace belay {

/// Where it goes: the folder that was named, else TMPDIR, else /var/tmp, which is meant for what is large.
[[nodiscard]] std::filesystem::path unpacking_folder(const std::optional<std::filesystem::path>& work_dir);

/// True if the decoded archive of the manifest fits there; an unknown free space counts as enough.
[[nodiscard]] bool fits_unpacked(const LoadRequest& request);

/// The whole archive, decoded and checked against its manifest, in a file of mode 0600. Gone at the end; after a kill,
/// at the next run.
class UnpackedArchive {
 public:
  /// Throws storage: damage, or the folder cannot take it.
  UnpackedArchive(const LoadRequest& request, Tool& tool);
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "archive"; }

 private:
  PrivateFolder folder_;
};

}  // namespace belay
