// A dump that belay did not write becomes a backup: proven by a trial restore, described by what came of it.
#pragma once
#include "backup/options.hpp"
#include "backup/trial.hpp"

namespace belay {

/// The verb: every file in turn. The first that cannot be adopted ends it; those before it are adopted.
int adopt_dumps(const BackupOptions& options, TrialRestore& trial, Tool& tool);

}  // namespace belay
