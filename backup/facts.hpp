// What a backup's plan needs to know, read in one place. The other tools take their backups through here too.
#pragma once
#include "backup/plan.hpp"
#include "common/run_context.hpp"

namespace belay {

/// Reads the folder and what this role may read of the database, and finds the server's own programs. Changes nothing.
[[nodiscard]] BackupFacts read_backup_facts(Tool& tool, const RunContext& context, const CommonOptions& options,
                                            const BackupWishes& wishes);

struct GuardBackup {
  std::filesystem::path folder;
  std::string purpose;  ///< see Manifest::purpose
};
/// The backup that restore-database, rollback-migration and migrate-production begin with: level archive.
[[nodiscard]] BackupPlan plan_guard_backup(Tool& tool, const RunContext& context, const CommonOptions& options,
                                           const GuardBackup& wanted);

}  // namespace belay
