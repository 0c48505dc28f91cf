// What a backup's plan needs to know, read in one place. The other tools take their backups through here too.
#pragma once
#include "backup/plan.hpp"
#include "common/run_context.hpp"

namespace belay {

/// Reads the folder and finds the server's own programs. Changes nothing.
[[nodiscard]] BackupFacts read_backup_facts(Tool& tool, const RunContext& context, const CommonOptions& options,
                                            const std::filesystem::path& folder);

/// The backup that restore-database, rollback-migration and migrate-production begin with: level archive, into
/// `folder`.
[[nodiscard]] BackupPlan plan_guard_backup(Tool& tool, const RunContext& context, const CommonOptions& options,
                                           const std::filesystem::path& folder);

}  // namespace belay
