// `migrate-production recover`: after a run of any of the four tools was killed. It works from the server alone: the
// markers of side databases say what was meant, the history says what came of it.
//
//   no marker, or a run that had not begun to deploy  → what it left is removed; the target was not touched
//   deploying, nothing committed                      → settled: its failed row goes, the schema is compared
//   deploying, everything applied                     → verified again, finished: the new state
//   deploying, something else; or a put-back under way → put back (again): build, prove, swap
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// 0: the database is in order, and the result says in which state. Throws unresolved if an operator is needed, refused
/// if a live run holds the lock.
int run_recover(const MigrateOptions& options, Tool& tool);

}  // namespace belay
