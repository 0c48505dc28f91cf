// The pending migrations, one after the other, on the target.
#pragma once
#include <functional>

#include "common/apply.hpp"
#include "common/journal.hpp"
#include "common/run_context.hpp"
#include "common/run_tool.hpp"
#include "common/statement_meter.hpp"
#include "migrate/options.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct DeployedMigration {
  std::string name;
  Duration duration{};
  std::vector<MeasuredStatement> statements = {};  ///< only timed
};

struct DeployReport {
  std::vector<DeployedMigration> applied;
  bool committed_something = false;  ///< as far as belay's own sessions know
  bool in_doubt = false;             ///< a connection broke where the server may have committed
  bool connection_lost = false;      ///< that is the failure
  std::optional<Error> failure;      ///< none = all applied
  std::string failed_migration;
  std::vector<std::string> verified;      ///< what was found good afterwards, besides what always is, a line each
  std::vector<std::string> not_verified;  ///< of the rows, a line each
  Json row_counts = Json::array();        ///< of the critical tables, and of those that rows may have gone from
};

/// Who hears of each migration: before it, by its name, and after it was applied. What `before` throws is the failure
/// of that migration, which is not run then.
struct DeployListeners {
  Journal* journal = nullptr;  ///< none for an engine-only deploy
  std::function<void(const std::string&name)> before = {}, after = {};
};

/// How the scripts run: search_path of the URL's schema=, time-outs and retries of the options.
[[nodiscard]] ApplySettings deploy_settings(const RunContext& context, const MigrateOptions& options, Tool& tool);

/// `books` holds Prisma's lock. Never throws for a migration's failure: that is in the report.
[[nodiscard]] DeployReport deploy(const MigrationPlan& plan, const ApplySettings& settings, Connection& db,
                                  Connection& books, Tool& tool, const DeployListeners& listeners);

}  // namespace belay
