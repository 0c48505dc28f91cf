// What backup-db accepts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/options.hpp"

namespace belay {

struct BackupOptions {
  CommonOptions common;
  std::string verb;                 ///< "" = take a backup, "list", "show", "verify"
  std::optional<std::string> file;  ///< show FILE, verify FILE
  std::optional<std::filesystem::path> output_path;
  std::optional<std::string> compress;  ///< zstd or none
  std::optional<int> compression_level;
  std::optional<std::string> verify;  ///< checksum or archive
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<BackupOptions> read_backup_options(int argc, const char* const* argv);

}  // namespace belay
