// What backup-db accepts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/options.hpp"

namespace belay {

/// What may go. Nothing given = nothing goes.
struct RetentionOptions {
  std::optional<int> days, daily, weekly, monthly;
  std::optional<std::string> preset;  ///< "standard"
  [[nodiscard]] bool any() const { return days || daily || weekly || monthly || preset; }
};

/// --retention-days, --keep-daily, …
void add_retention_options(OptionSet& set, RetentionOptions& options);
/// Throws usage for rules that exclude each other.
void check_retention_rules(const RetentionOptions& options);

struct BackupOptions {
  CommonOptions common;
  std::string verb;                ///< "" = take a backup; list, show, verify, diff, prune, adopt, copy, fetch
  std::vector<std::string> files;  ///< of show, verify, diff, adopt, copy, fetch: archives
  std::optional<std::filesystem::path> output_path;
  std::optional<std::string> format;    ///< custom or plain
  std::optional<std::string> compress;  ///< zstd, gzip or none
  std::optional<int> compression_level;
  bool schema_only = false;
  bool with_globals = false;
  std::optional<std::string> verify;       ///< checksum, archive or restore
  std::optional<std::string> side_server;  ///< URL of the server that --verify restore and adopt use
  std::optional<std::uint64_t> server_free;
  RetentionOptions retention;
  std::optional<std::string> copy_to;  ///< rclone's name for a place
  std::optional<std::string> from;     ///< the same, for list, verify and fetch
  bool backup_minio = false;
};

/// std::nullopt: --help or --version was answered. Throws usage.
[[nodiscard]] std::optional<BackupOptions> read_backup_options(int argc, const char* const* argv);

}  // namespace belay
