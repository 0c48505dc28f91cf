// Where and as whom the migrations are replayed for a proof.
#pragma once
#include <optional>

#include "common/replay.hpp"
#include "common/run_context.hpp"
#include "rollback/live.hpp"
#include "rollback/options.hpp"

namespace belay {

struct SideReplay {
  std::optional<SideSessions> sessions;  ///< on another server; `request.maintenance` is to point there
  ReplayRequest request;
};

/// On --side-server's server, else the target's own, in a database like the target. `context`: with both locks. Its
/// `maintenance` is the context's where `sessions` is none.
[[nodiscard]] SideReplay side_replay(const RollbackOptions& options, RunContext& context, const LiveState& live,
                                     Tool& tool);

}  // namespace belay
