// Removing what the retention options do not keep. The plan is retention.hpp's; nothing is decided here but whether
// the clocks can be trusted.
#pragma once
#include "backup/options.hpp"
#include "backup/retention.hpp"
#include "common/run_context.hpp"

namespace belay {

/// The verb: shows the plan, asks, removes. Throws refused (clocks apart, nobody to ask), cancelled, storage.
int prune_backups(const BackupOptions& options, Tool& tool);

/// How the retention after a backup came out: a line and a member "retention" for the run's result, and what went wrong
/// with it. The backup itself is good either way.
struct RetentionOutcome {
  std::string line;
  Json json;
  std::optional<Error> failed;
};

/// After a backup that succeeded in everything that was asked of it: shows the plan and acts on it, for `folder` alone.
/// The caller holds the run lock. Where the clocks are apart nothing is removed, and a warning says so.
[[nodiscard]] RetentionOutcome retain_after_backup(const RetentionOptions& options, const std::filesystem::path& folder,
                                                   RunContext& context, Tool& tool);

/// Archives that runs on this target still need or could be put back from, by their markers; kept databases included.
[[nodiscard]] std::set<std::filesystem::path> pinned_archives(const std::vector<SideDatabase>& sides);

}  // namespace belay
