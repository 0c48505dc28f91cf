// What the checklist needs to know, asked of the server, the folder and this machine. Changes nothing.
#pragma once
#include "common/run_context.hpp"
#include "migrate/guard_rehearsal.hpp"
#include "migrate/options.hpp"
#include "migrate/plan.hpp"
#include "migrate/preflight.hpp"

namespace belay {

struct PreflightRequest {
  const MigrateOptions& options;
  RunContext& context;
  Connection& db;  ///< on the target, idle
  const MigrationPlan& plan;
  std::filesystem::path catalogue;
  const RehearsalChoice& choice;
};
/// All but the history's problem, drift and the rehearsal's refusal, which whoever asks knows better.
[[nodiscard]] PreflightFacts read_preflight_facts(const PreflightRequest& request, Tool& tool);

/// Statements that would give this role what the pending migrations need and it has not: membership in the roles that
/// own what they alter, rights on what they write to, CREATE in the schemas that they make things in.
[[nodiscard]] std::vector<std::string> missing_rights(Connection& db, const MigrationPlan& plan,
                                                      const std::string& schema);

/// Version, address, database, role and what it may do, in a line.
[[nodiscard]] std::string describe_connection(const RunContext& context);

}  // namespace belay
