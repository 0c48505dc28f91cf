// `migrate-production diff`: drift. The live schema against what the folder's applied migrations make when they are
// replayed in a side database, object by object, with the migration that last touched each.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// 0: no difference that counts; 9: differences. Throws refused where it cannot be compared. The target is only read.
int run_diff(const MigrateOptions& options, Tool& tool);

}  // namespace belay
