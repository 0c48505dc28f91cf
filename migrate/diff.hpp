// `migrate-production diff`: drift. The live schema against what the folder's applied migrations make when they are
// replayed in a side database, object by object, with the migration that last touched each.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// 0: no difference that counts; 9: differences. Throws refused where it cannot be compared. The target is only read.
int run_diff(const MigrateOptions& options, Tool& tool);

/// How many objects of the live schema differ from what the applied migrations make. `maintenance`: a session of a run
/// that holds the locks; null = they are taken for this. Throws as run_diff.
[[nodiscard]] std::size_t count_drift(const MigrateOptions& options, Tool& tool, Connection* maintenance);

}  // namespace belay
