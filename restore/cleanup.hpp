// What restores that died have left on the server.
#pragma once
#include "common/run_tool.hpp"
#include "restore/options.hpp"

namespace belay {

/// Removes side databases of dead runs, by marker; kept databases stay. Throws refused, having removed nothing, where
/// one of them says that a deploy had begun: that is for `migrate-production recover`.
int clean_up(const RestoreOptions& options, Tool& tool);

}  // namespace belay
