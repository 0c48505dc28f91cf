// "Could this database be put back now?", answered before the backup; and whether a finished deploy left what it
// should.
#pragma once
#include <string>
#include <vector>

#include "common/run_context.hpp"
#include "migrate/plan.hpp"
#include "migrate/run_record.hpp"

namespace belay {

/// Everything at once that would stop a put-back, a line each: sessions out of reach, prepared transactions,
/// slots, subscriptions, objects of roles that this one is no member of, extensions it may not create, no right to
/// create databases.
[[nodiscard]] std::vector<std::string> put_back_obstacles(RunContext& context, const SessionSettings& session);
/// Throws refused with them.
void require_put_back_possible(RunContext& context, const SessionSettings& session);

/// After the deploy: every pending migration has a finished row, none failed, no index was left invalid and no
/// constraint NOT VALID. An empty list is good.
[[nodiscard]] std::vector<std::string> verify_deployed(Connection& db, const RunRecord& record);

/// Names of indexes that are invalid now.
[[nodiscard]] std::vector<std::string> invalid_indexes(Connection& db);
/// Constraints of tables and domains that are NOT VALID now, as "name on schema.table".
[[nodiscard]] std::vector<std::string> unvalidated_constraints(Connection& db);

}  // namespace belay
