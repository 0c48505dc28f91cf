// `migrate-production rehearse --backup-file FILE`: the rehearsal alone, on a backup that is there already, in CI for
// instance. The database that the backup is of need not be reachable.
//
// What is true if the process dies: the copy is there, marked "trying"; the next run on that server removes it.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// 0: what is pending runs on the backup's rows; throws refused if it does not, or if what is asked of the copy
/// afterwards is not true.
int run_rehearse_on_file(const MigrateOptions& options, Tool& tool);

}  // namespace belay
