// A guarded run, step by step. What is true if the process dies is said at each step in guard.cpp; `recover`
// (recover.hpp) takes it from there.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// Returns 0, or 6/130 after the database was put back. Throws Error with the status of everything else.
int run_guarded(const MigrateOptions& options, Tool& tool);

}  // namespace belay
