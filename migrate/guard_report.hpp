// What a guarded run says: before it (question and dry run) and after it.
#pragma once
#include "migrate/deploy.hpp"
#include "migrate/guard_rehearsal.hpp"
#include "migrate/last_rehearsal.hpp"
#include "migrate/options.hpp"
#include "migrate/preflight.hpp"
#include "migrate/put_back.hpp"
#include "migrate/report.hpp"

namespace belay {

/// A run as far as it is known before it.
struct RunSketch {
  const MigrationPlan& plan;
  const RunContext& context;
  const std::string& catalogue;
  const MigrateOptions& options;
  const RehearsalChoice& choice;
  const std::vector<Check>& checks;
  const std::vector<ReportedFinding>& lint;
  std::optional<LastRehearsal> last;
};

/// Pending migrations, checklist, lint, backup place, the way back: what the question before the run shows.
[[nodiscard]] std::string describe_run(const RunSketch& run);
[[nodiscard]] Result show_dry_run(const RunSketch& run);
/// What the question after the rehearsal shows: locks, durations, and each migration's way back.
[[nodiscard]] std::string describe_rehearsed(const Rehearsal& rehearsal, const RehearsalChoice& choice);
[[nodiscard]] Result show_done(const RunContext& context, const Rope& rope, const MigrationPlan& plan,
                               const DeployReport& report, const std::optional<Rehearsal>& rehearsal);
[[nodiscard]] Result show_put_back(const RunContext& context, const Rope& rope, const DeployReport& deployed,
                                   const PutBackReport& report);

/// After a put-back: what to do before the next run, with the command.
[[nodiscard]] std::string what_next(const std::optional<std::string>& kept);

}  // namespace belay
