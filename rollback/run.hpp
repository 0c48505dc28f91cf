// rollback-migration from its options to its result.
#pragma once
#include "common/run_tool.hpp"
#include "rollback/options.hpp"

namespace belay {

int run_rollback(const RollbackOptions& options, Tool& tool);

}  // namespace belay
