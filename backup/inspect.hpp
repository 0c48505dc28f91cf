// Looking at backups without a server: list, show, verify.
#pragma once
#include "backup/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// Every backup of the folder (or of the three default folders), and what lies there that cannot be used.
int list_backups_command(const BackupOptions& options, Tool& tool);
/// One backup's manifest, for people.
int show_backup(const BackupOptions& options, Tool& tool);
/// Verifies one backup again and records the result in its manifest. 9: it did not pass.
int verify_backup(const BackupOptions& options, Tool& tool);

}  // namespace belay
