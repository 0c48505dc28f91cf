// What rollback-migration accepts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/hooks.hpp"
#include "common/options.hpp"

namespace belay {

struct RollbackOptions {
  CommonOptions common;
  std::optional<std::string> migration_name;
  std::optional<std::string> restore_backup;  ///< a file, or "" = the newest good backup from before the migration
  std::optional<std::filesystem::path> pre_restore_backup_path;
  std::optional<std::filesystem::path>
      backup_path;  ///< where to look without FILE, instead of the three default folders
  bool mark_only = false;
  bool skip_pre_restore_backup = false;
  HookCommands hooks;
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<RollbackOptions> read_rollback_options(int argc, const char* const* argv);

}  // namespace belay
