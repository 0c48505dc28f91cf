// A folder for passing things, gone with everything in it at the end; where the end was a kill, at a later run's
// beginning.
#pragma once
#include <filesystem>

#include "common/files.hpp"

namespace belay {

class PrivateFolder {
 public:
  /// In TMPDIR or /tmp, mode 0700. Throws storage.
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor lock_;  ///< on the folder itself: whoever may take it finds a dead run's
};

/// Removes the folders of this user's runs that died.
void remove_dead_private_folders();

}  // namespace belay
