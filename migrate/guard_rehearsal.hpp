// What a guarded run does between its backup and its deploy: the rehearsal, and the spare.
#pragma once
#include <optional>

#include "backup/report.hpp"
#include "common/replay.hpp"
#include "migrate/put_back.hpp"
#include "migrate/rehearsal.hpp"

namespace belay {

struct RehearsalChoice {
  bool rehearse = false;
  bool spare = false;
};

/// By the options; where they are silent both are done if the server's free space is known to suffice, no replication
/// slot would keep the WAL of it all, and it will not take long. Throws refused where it has to be said, and where the
/// migrations reach beyond their database and would do so on the target's own cluster, or on one that --side-server did
/// not name.
[[nodiscard]] RehearsalChoice choose_rehearsal(const MigrateOptions& options, RunContext& context,
                                               const MigrationPlan& plan, const Tool& tool);

/// Runs them on a copy of the backup and says what it saw. Warns of roles and settings of the server that changed
/// meanwhile.
[[nodiscard]] Rehearsal rehearse_on_backup(RehearsalRequest request, const MigrateOptions& options, Tool& tool);
/// Throws refused, the target untouched, if they failed there, were not verified, or held a lock for longer than
/// --max-lock.
void require_passed(const Rehearsal& rehearsal, const MigrateOptions& options);

/// Another server for the copy.
struct RehearsalServer {
  DatabaseTarget target;
  SideSessions sessions;
};
/// The server named for side databases, with both locks there; none = the target's own. Throws refused for another
/// major version.
[[nodiscard]] std::optional<RehearsalServer> find_rehearsal_server(const MigrateOptions& options,
                                                                   const RunContext& context, Tool& tool);

/// Fills the run's side database with the backup and proves it, so that putting back is one swap. Died here: it is
/// marked "restoring" or "verified" without the record of a deploy, so `recover` removes it. Throws as build_side.
void build_spare(RunContext& context, Rope& rope, const MigrateOptions& options, Tool& tool, Journal& journal);

/// Hard differences of the deployed schema from the rehearsed one, a line each.
[[nodiscard]] std::vector<std::string> differs_from_rehearsed(Connection& db, const Rehearsal& rehearsal,
                                                              const std::string& schema);

}  // namespace belay
