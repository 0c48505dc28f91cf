// One migration taken back by a reversal: where its SQL comes from, its proof, the question, the run.
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
  const RollbackPlan& plan;
  std::filesystem::path folder;  ///< of the migrations
};

/// Throws refused without a proof, and whatever undo() throws.
int take_back(const TakeBackRequest& request, Tool& tool);

}  // namespace belay
