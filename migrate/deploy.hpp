// The pending migrations, one after the other, on the target.
#pragma once
#include "common/apply.hpp"
#include "common/journal.hpp"
#include "common/run_context.hpp"
#include "common/run_tool.hpp"
#include "migrate/options.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct DeployedMigration {
  std::string name;
  Duration duration{};
};

struct DeployReport {
  std::vector<DeployedMigration> applied;
  bool committed_something = false;  ///< as far as belay's own sessions know
  bool in_doubt = false;             ///< a connection broke where the server may have committed
  std::optional<Error> failure;      ///< none = all applied
  std::string failed_migration;
};

/// How the scripts run: search_path of the URL's schema=, time-outs and retries of the options.
[[nodiscard]] ApplySettings deploy_settings(const RunContext& context, const MigrateOptions& options, Tool& tool);

/// `books` holds Prisma's lock. `journal`: none for an engine-only deploy. Never throws for a migration's failure: that
/// is in the report.
[[nodiscard]] DeployReport deploy(const MigrationPlan& plan, const ApplySettings& settings, Connection& db,
                                  Connection& books, Tool& tool, Journal* journal);

}  // namespace belay
