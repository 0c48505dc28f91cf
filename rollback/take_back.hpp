// Migrations taken back by reversals: where their SQL comes from, their proofs, the question, the run. Several are
// taken back one after the other, the one applied last first, in one transaction.
#pragma once
#include <filesystem>

#include "common/hooks.hpp"
#include "common/run_context.hpp"
#include "rollback/options.hpp"
#include "rollback/plan.hpp"

namespace belay {

struct TakeBackRequest {
  const RollbackOptions& options;
  RunContext& context;  ///< with both locks
  Hooks& hooks;
  std::vector<RollbackPlan> plans;  ///< in the order in which they are taken back
  std::filesystem::path folder;     ///< of the migrations
};

/// Throws refused without a proof, and whatever undo() throws.
int take_back(const TakeBackRequest& request, Tool& tool);

}  // namespace belay
