// A folder for passing things, gone with everything in it at the end; where the end was a kill, at a later run's
// beginning.
#pragma once
#include <filesystem>

#include "common/files.hpp"

namespace belay {

/// TMPDIR, else `otherwise`. Absolute.
[[nodiscard]] std::filesystem::path temporary_folder(const std::filesystem::path& otherwise);

class PrivateFolder {
 public:
  /// In `parent`, mode 0700. Throws storage.
  explicit PrivateFolder(const std::filesystem::path& parent = temporary_folder("/tmp"));
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor lock_;  ///< on the folder itself: whoever may take it finds a dead run's
};

/// Removes the folders in `parent` of this user's runs that died.
void remove_dead_private_folders(const std::filesystem::path& parent = temporary_folder("/tmp"));

}  // namespace belay
