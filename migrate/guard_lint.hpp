// What the lint says of a guarded run's migrations.
#pragma once
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "migrate/options.hpp"
#include "migrate/plan.hpp"
#include "migrate/report.hpp"

namespace belay {

/// Against the catalog of `db`. Throws refused, with nothing changed, for a finding that reaches --fail-on; without
/// that option none does.
[[nodiscard]] std::vector<ReportedFinding> lint_before_run(const MigrationPlan& plan, Connection& db,
                                                           const MigrateOptions& options);

}  // namespace belay
