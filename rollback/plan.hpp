// What taking a migration back means, decided from folder and history alone.
#pragma once
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/script.hpp"

namespace belay {

struct RollbackPlan {
  JoinedMigration migration;
  std::vector<Statement> statements;  ///< of its script; empty if the folder is gone
  std::vector<std::string> later;     ///< migrations applied after it: restoring takes them back too
  bool usual_name = true;             ///< YYYYMMDDHHMMSS_name
};

/// `name` may be a unique part. Throws usage if it fits none or several (with the list); refused if that migration is
/// pending or was already rolled back.
[[nodiscard]] RollbackPlan plan_rollback(const std::string& name, const std::vector<JoinedMigration>& migrations);

/// Everything that was applied, or tried, after `name` (which may be a unique part), the last one first. Throws usage;
/// refused if that is nothing.
[[nodiscard]] std::vector<RollbackPlan> plan_rollback_to(const std::string& name,
                                                         const std::vector<JoinedMigration>& migrations);
/// The last `steps` that were applied or tried, the last one first. Throws refused if there are fewer.
[[nodiscard]] std::vector<RollbackPlan> plan_rollback_steps(int steps, const std::vector<JoinedMigration>& migrations);

/// What the migration did, a line per statement, and what its history rows say.
[[nodiscard]] std::string describe_migration(const RollbackPlan& plan);

}  // namespace belay
