// backup-db from its options to its result.
#pragma once
#include "backup/options.hpp"
#include "backup/trial.hpp"

namespace belay {

/// `trial`: how a backup is restored for trial; the program brings it, because restores build on this folder.
int run_backup(const BackupOptions& options, TrialRestore& trial, Tool& tool);

}  // namespace belay
