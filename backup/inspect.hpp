// Looking at backups without a server: list and show.
#pragma once
#include "backup/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// Every backup of the folder (or of the three default folders), and what lies there that cannot be used.
int list_backups_command(const BackupOptions& options, Tool& tool);
/// One backup's manifest, for people.
int show_backup(const BackupOptions& options, Tool& tool);

}  // namespace belay
