// `rollback-migration list`: which migrations could be taken back, and how. Nothing is proven.
#pragma once
#include <filesystem>

#include "common/run_context.hpp"
#include "common/run_tool.hpp"
#include "rollback/options.hpp"

namespace belay {

/// `context`: with both locks. Replays the applied migrations once, and derives each one's reversal on the way.
int list_reversals(const RollbackOptions& options, RunContext& context, const std::filesystem::path& folder,
                   Tool& tool);

}  // namespace belay
