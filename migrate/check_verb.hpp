// `migrate-production check`: the checklist alone. The target is only read. For the drift the applied migrations are
// replayed in a side database, under the run lock, and it is dropped afterwards; while another run holds that lock the
// drift is "not compared".
//
// What is true if the process dies: at most that side database is there; see common/replay.hpp.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// 0: nothing would stop a run; 9: something would.
int run_check(const MigrateOptions& options, Tool& tool);

}  // namespace belay
