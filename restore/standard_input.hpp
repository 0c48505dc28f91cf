// A dump that comes through standard input, as a file.
//
// What is true if the process dies: a private folder with what had come is left in the work folder; the next restore
// that uses that work folder for a dump removes it.
#pragma once
#include "backup/private_folder.hpp"
#include "restore/source.hpp"

namespace belay {

class StandardInput final : public SourceFiles {
 public:
  /// Takes all of it into a file (0600) in `folder`. Throws usage where it is a terminal, storage where nothing comes
  /// or it cannot be written.
  StandardInput(const std::filesystem::path& folder, Tool& tool);
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "standard-input"; }

 private:
  PrivateFolder folder_;
};

}  // namespace belay
