// backup-db without a verb: a backup, and all that was asked for it besides.
#pragma once
#include "backup/options.hpp"
#include "backup/trial.hpp"

namespace belay {

/// Takes it, proves it, copies it, thins out the older ones, and shows the result. Throws what failed first; whatever
/// fails behind the backup itself leaves it in place.
int take_and_keep(const BackupOptions& options, TrialRestore& trial, Tool& tool);

}  // namespace belay
