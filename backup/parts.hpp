// The files of a backup, as its manifest has them.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.hpp"

namespace belay {

struct BackupPart {
  std::string name;            ///< without folder
  std::optional<Bytes> bytes;  ///< none: the manifest has only its digest
  std::string sha256;
};

/// Archive first, then the others; not the manifest itself. Pure.
[[nodiscard]] std::vector<BackupPart> parts_of(const Manifest& manifest);

struct FileDigest {
  Bytes bytes = 0;
  std::string sha256;
};

/// Reads all of the file. Throws storage, interrupted.
[[nodiscard]] FileDigest digest_of(const std::filesystem::path& file);

}  // namespace belay
