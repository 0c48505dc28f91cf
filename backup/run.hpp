// backup-db from its options to its result.
#pragma once
#include "backup/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

int run_backup(const BackupOptions& options, Tool& tool);

}  // namespace belay
