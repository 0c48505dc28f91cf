// "Could this database be put back now?": what the server answers before anything is done.
#pragma once
#include "restore/plan.hpp"

namespace belay {

/// Checks the archive against its manifest (Failure::storage), then asks the server. Changes nothing.
[[nodiscard]] RestoreFacts read_restore_facts(const Tool& tool, RunContext& context,
                                              const std::filesystem::path& archive, bool from_other_server);

/// Prepared transactions, logical slots and subscriptions of the target, a line each: any of them stops a swap, or
/// would be lost by it.
[[nodiscard]] std::vector<std::string> swap_obstacles(RunContext& context, const SessionSettings& session);

}  // namespace belay
