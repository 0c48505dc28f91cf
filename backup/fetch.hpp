// The verbs that look at another place: fetch, and list and verify with --from.
#pragma once
#include "backup/options.hpp"
#include "backup/trial.hpp"

namespace belay {

/// The backups there, as the verb list shows those of a folder.
int list_remote(const BackupOptions& options, Tool& tool);

/// Brings backups into --output-path. Throws storage for damage and for a place that cannot be reached, refused where
/// another file is in the way.
int fetch_backups(const BackupOptions& options, Tool& tool);

/// Fetches each backup, verifies it, removes it again, and records the result in the manifest there. 9 if one did not
/// pass.
int verify_remote_backups(const BackupOptions& options, TrialRestore& trial, Tool& tool);

}  // namespace belay
