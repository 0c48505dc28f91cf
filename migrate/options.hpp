// What migrate-production accepts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "backup/options.hpp"
#include "common/hooks.hpp"
#include "common/options.hpp"
#include "migrate/health.hpp"

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
  std::optional<std::string> max_lock;          ///< PostgreSQL's units: how long a rehearsed migration may hold a lock
  bool again = false;                           ///< apply what was applied or put back before, and is unchanged
  std::optional<std::string> rehearse_command;  ///< run against the rehearsed copy
  bool keep_copy = false;                       ///< rehearse: leave it
  bool read_only = false;                       ///< others are asked not to write during the run
  bool at_start = false;                        ///< called by a container's entry point: RUN_MIGRATIONS counts
  bool backup_always = false;                   ///< also where nothing is pending
  bool no_put_back = false;                     ///< whatever cannot be put back is left half-way
  bool fail_on_drift = false, require_offsite = false;
  bool check_connection = false;             ///< check: only connect
  std::optional<std::string> wait_for_lock;  ///< PostgreSQL's units
  std::vector<std::string> allow_edited;     ///< names of migrations
  std::optional<std::string> copy_to;        ///< rclone's name for a place
  bool backup_minio = false;
  RetentionOptions retention;              ///< of the run's own backups
  std::optional<std::string> applied;      ///< resolve: the migration to be recorded as applied
  std::optional<std::string> rolled_back;  ///< resolve: the migration to be recorded as rolled back
  std::optional<std::string> up_to;        ///< baseline: the last migration to be recorded
  std::optional<std::string> side_server;  ///< diff: URL of the server where the side database is made
  std::optional<std::string> to;           ///< deploy, guarded run: the last pending migration that is applied
  std::optional<int> steps;                ///< deploy, guarded run: apply the first so many pending migrations
  std::optional<int> lock_retries;  ///< deploy, guarded run: how often a migration that met a lock is tried again
  bool sql = false;                 ///< history NAME: its SQL too
  std::optional<std::string> deploy_command;  ///< what deploys instead of belay's own engine
  HealthOptions health;
  std::vector<std::string> verify_sql;      ///< further files of statements that must be true after the deploy
  std::vector<std::string> critical_table;  ///< of which no row may go
  std::vector<std::string> expect_loss;     ///< of which rows may go without the SQL saying so
  std::optional<std::string> window;        ///< when it may deploy, see migrate/window.hpp
  /// What only people can answer: belay.toml's [checklist], name and text; and what of it was said to be done.
  std::vector<std::pair<std::string, std::string>> checklist;
  std::vector<std::string> checklist_done;
  HookCommands hooks;
  std::optional<std::string> before_migration, after_migration;  ///< commands around each migration
  bool accept_as_is = false;                    ///< recover: the operator says that the database is right as it is
  std::optional<std::string> run;               ///< show: the run, or how its id begins
  std::optional<std::filesystem::path> bundle;  ///< show: pack the run into this file
  bool html = false;                            ///< show: print the page
  std::optional<std::string> fail_on;           ///< lint, guarded run: error or warning
  std::optional<std::string> name_pattern;      ///< lint: what a migration's name has to match
  std::optional<std::filesystem::path> sarif;   ///< lint: where SARIF is written
  bool lint_all = false, offline = false;       ///< lint: the whole folder; without a database
};

/// How long a lock of another run's or Prisma's is waited for: --wait-for-lock, else `usual`.
[[nodiscard]] std::chrono::milliseconds lock_patience(const MigrateOptions& options, std::chrono::milliseconds usual);

/// What only a guarded run understands (options_guard.cpp).
void add_guard_options(OptionSet& set, MigrateOptions& options);
/// Throws usage.
void check_guard_options(const MigrateOptions& options);

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<MigrateOptions> read_migrate_options(int argc, const char* const* argv);

}  // namespace belay
