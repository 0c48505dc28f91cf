// What migrate-production accepts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/options.hpp"

namespace belay {

struct MigrateOptions {
  CommonOptions common;
  std::string verb;                 ///< "" = a guarded run; else the name of a verb
  std::optional<std::string> name;  ///< history: the migration
  std::optional<std::filesystem::path> backup_path;
  std::optional<std::filesystem::path> backup_file;  ///< recover: where the backup is now, if it was moved
  std::optional<std::string> on_lost_writes;         ///< stop or restore
  bool skip_backup = false;
  bool rehearse = false, no_rehearse = false;
  bool spare = false, no_spare = false;
  std::optional<std::string> max_lock;     ///< PostgreSQL's units: how long a rehearsed migration may hold a lock
  bool again = false;                      ///< apply what was applied, taken back, and is unchanged
  std::optional<std::string> applied;      ///< resolve: the migration to be recorded as applied
  std::optional<std::string> rolled_back;  ///< resolve: the migration to be recorded as rolled back
  std::optional<std::string> up_to;        ///< baseline: the last migration to be recorded
  std::optional<std::string> side_server;  ///< diff: URL of the server where the side database is made
  std::optional<std::string> to;           ///< deploy, guarded run: the last pending migration that is applied
  std::optional<int> steps;                ///< deploy, guarded run: apply the first so many pending migrations
  std::optional<int> lock_retries;     ///< deploy, guarded run: how often a migration that met a lock is tried again
  bool sql = false;                    ///< history NAME: its SQL too
  std::optional<std::string> fail_on;  ///< lint, guarded run: error or warning
  std::optional<std::string> name_pattern;     ///< lint: what a migration's name has to match
  std::optional<std::filesystem::path> sarif;  ///< lint: where SARIF is written
  bool lint_all = false, offline = false;      ///< lint: the whole folder; without a database
  bool accept_as_is = false;                   ///< recover: the operator says that the database is right as it is
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<MigrateOptions> read_migrate_options(int argc, const char* const* argv);

}  // namespace belay
