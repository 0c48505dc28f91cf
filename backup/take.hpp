// Takes a backup. What is true if the process dies:
//   before the manifest's rename: a .partial, or files without a manifest; no backup exists, and the next run in this
//   folder removes them; after it: the backup exists, whole and verified to the level that its manifest names.
#pragma once
#include "backup/plan.hpp"
#include "common/files.hpp"
#include "common/run_tool.hpp"

namespace belay {

struct BackupReport {
  std::filesystem::path archive;
  Manifest manifest;
  SchemaFingerprint schema;
  Duration duration{};
};

/// The caller holds the run lock. Throws refused, failed or storage; then no backup was made.
[[nodiscard]] BackupReport take_backup(const BackupPlan& plan, Tool& tool);

/// Without belay: the command that puts the archive back.
[[nodiscard]] std::string restore_without_belay(const ArchiveFacts& archive, const DatabaseProperties& database);

}  // namespace belay
