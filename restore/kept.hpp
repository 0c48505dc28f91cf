// Kept databases: what a restore or a put-back left under another name. Swapped back, removed, listed.
#pragma once
#include "backup/remote_place.hpp"
#include "common/run_tool.hpp"
#include "restore/options.hpp"

namespace belay {

/// Swaps the kept database (the newest, or the one named) back in; the present one is kept instead.
int undo_restore(const RestoreOptions& options, Tool& tool);
/// Removes a kept database, by marker: any other database is refused.
int drop_kept(const RestoreOptions& options, Tool& tool);
int list_kept(const RestoreOptions& options, Tool& tool);

}  // namespace belay
