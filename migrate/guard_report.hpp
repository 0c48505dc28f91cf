// What a guarded run says: before it (question and dry run) and after it.
#pragma once
#include "migrate/deploy.hpp"
#include "migrate/guard_rehearsal.hpp"
#include "migrate/options.hpp"
#include "migrate/preflight.hpp"
#include "migrate/put_back.hpp"
#include "migrate/report.hpp"

namespace belay {

/// Server, pending migrations, backup place, the way back: what the question before the run shows.
[[nodiscard]] std::string describe_run(const MigrationPlan& plan, const RunContext& context,
                                       const std::string& catalogue, const MigrateOptions& options,
                                       const RehearsalChoice& choice, const std::vector<Check>& checks,
                                       const std::vector<ReportedFinding>& lint);
[[nodiscard]] Result show_dry_run(const MigrationPlan& plan, const RunContext& context, const std::string& catalogue,
                                  const MigrateOptions& options, const RehearsalChoice& choice,
                                  const std::vector<Check>& checks, const std::vector<ReportedFinding>& lint);
[[nodiscard]] Result show_done(const RunContext& context, const Rope& rope, const MigrationPlan& plan,
                               const DeployReport& report, const std::optional<Rehearsal>& rehearsal);
[[nodiscard]] Result show_put_back(const RunContext& context, const Rope& rope, const DeployReport& deployed,
                                   const PutBackReport& report);

}  // namespace belay
