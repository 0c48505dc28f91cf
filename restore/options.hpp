// What restore-database accepts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/hooks.hpp"
#include "common/options.hpp"

namespace belay {

/// Where a restored database goes instead of the target's place.
struct ElsewhereOptions {
  std::optional<std::string> to;     ///< a database's name, on the server of DATABASE_URL
  std::optional<std::string> owner;  ///< of the database and of everything in it
  bool no_owner = false;             ///< everything belongs to the role that restores
  bool no_privileges = false;
  bool replace = false;  ///< one that holds something goes
};

struct RestoreOptions {
  CommonOptions common;
  std::string verb;                        ///< "" = restore, "undo", "drop", "list", "cleanup"
  std::optional<std::string> backup_file;  ///< a file or folder, its name at `from`, or "-" for standard input
  std::optional<std::string> from;         ///< rclone's name for a place
  bool backup_minio = false;
  bool foreign = false;
  std::optional<std::filesystem::path> pre_restore_backup_path;
  bool skip_pre_restore_backup = false;
  bool from_other_server = false;
  std::optional<int> jobs;
  std::optional<std::filesystem::path> work_dir;
  std::optional<std::uint64_t> server_free;
  ElsewhereOptions elsewhere;
  std::vector<std::string> replica_urls;
  bool resync = false;
  HookCommands hooks;
  std::optional<std::string> name;  ///< drop NAME, undo [NAME]
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<RestoreOptions> read_restore_options(int argc, const char* const* argv);

}  // namespace belay
