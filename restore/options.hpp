// What restore-database accepts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/options.hpp"

namespace belay {

struct RestoreOptions {
  CommonOptions common;
  std::string verb;  ///< "" = restore, "undo", "drop", "list"
  std::optional<std::filesystem::path> backup_file;
  std::optional<std::filesystem::path> pre_restore_backup_path;
  bool skip_pre_restore_backup = false;
  bool from_other_server = false;
  std::optional<std::string> name;  ///< drop NAME, undo [NAME]
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<RestoreOptions> read_restore_options(int argc, const char* const* argv);

}  // namespace belay
