// "Could this database be put back now?": what the server answers before anything is done.
#pragma once
#include "restore/plan.hpp"

namespace belay {

/// Asks the server. Changes nothing. Throws refused where there is no room for another database.
[[nodiscard]] RestoreFacts read_restore_facts(Tool& tool, RunContext& context, RestoreSource source,
                                              const RestoreWishes& wishes);

/// Prepared transactions, logical slots and subscriptions of the target, a line each: any of them stops a swap, or
/// would be lost by it.
[[nodiscard]] std::vector<std::string> swap_obstacles(RunContext& context, const SessionSettings& session);

}  // namespace belay
