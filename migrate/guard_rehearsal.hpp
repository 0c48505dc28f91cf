// What a guarded run does between its backup and its deploy: the rehearsal, and the spare.
#pragma once
#include <optional>

#include "backup/report.hpp"
#include "migrate/put_back.hpp"
#include "migrate/rehearsal.hpp"

namespace belay {

struct RehearsalChoice {
  bool rehearse = false;
  bool spare = false;
};

/// By the options; where they are silent both are done if the server's free space is known to suffice, no replication
/// slot would keep the WAL of it all, and it will not take long. Throws refused where it has to be said.
[[nodiscard]] RehearsalChoice choose_rehearsal(const MigrateOptions& options, RunContext& context,
                                               const MigrationPlan& plan);

/// Runs them on a copy of the backup. Throws refused, the target untouched, if they fail there, or hold a lock for
/// longer than --max-lock. Warns of roles and settings of the server that changed meanwhile.
[[nodiscard]] Rehearsal rehearse_on_backup(const RehearsalRequest& request, const MigrateOptions& options, Tool& tool);

/// Fills the run's side database with the backup and proves it, so that putting back is one swap. Died here: it is
/// marked "restoring" or "verified" without the record of a deploy, so `recover` removes it. Throws as build_side.
void build_spare(RunContext& context, Rope& rope, const MigrateOptions& options, Tool& tool, Journal& journal);

/// Hard differences of the deployed schema from the rehearsed one, a line each.
[[nodiscard]] std::vector<std::string> differs_from_rehearsed(Connection& db, const Rehearsal& rehearsal,
                                                              const std::string& schema);

}  // namespace belay
