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
      backup_path;                            ///< where to look without FILE, instead of the three default folders
  std::string verb;                           ///< "" or "list"
  std::optional<std::filesystem::path> down;  ///< the reversal, instead of the folder's down.sql
  std::optional<std::string> side_server;     ///< URL of the server where the side database is made
  std::optional<int> lock_retries;
  std::optional<std::string> to;     ///< everything after this migration is taken back
  std::optional<int> steps;          ///< so many are, from the one applied last
  std::optional<std::string> prove;  ///< "schema" or "data"; none = data where there is a backup to try it on
  bool with_dependents = false;      ///< the later migrations that need it too
  bool write_down = false;           ///< only write the derived reversal into the folder
  bool accept_drift = false;
  bool skip_backup = false;
  bool archive = false, no_archive = false;  ///< neither: as archive
  std::optional<std::string> recover_data;   ///< a backup, or "" = the newest good one, which has to be there
  bool no_recover_data = false;
  bool disable_triggers = false;                                          ///< while values come back
  bool keep_folder = false, move_folder = false, delete_history = false;  ///< at most one
  bool mark_only = false;
  bool skip_pre_restore_backup = false;
  HookCommands hooks;
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<RollbackOptions> read_rollback_options(int argc, const char* const* argv);

}  // namespace belay
