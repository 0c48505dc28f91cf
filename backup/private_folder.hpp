// A folder for passing things, gone with everything in it at the end.
#pragma once
#include <filesystem>

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
};

}  // namespace belay
