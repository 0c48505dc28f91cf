// `migrate-production check`: the checklist alone. Nothing is locked and nothing changed.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// 0: nothing would stop a run; 9: something would.
int run_check(const MigrateOptions& options, Tool& tool);

}  // namespace belay
