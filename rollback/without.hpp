// The history without one migration: what it makes, or which later migrations cannot be run without it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "common/replay.hpp"

namespace belay {

struct WithoutRequest {
  const ReplayRequest& replay;
  const std::vector<Migration>& applied;  ///< in the folder's order
  std::size_t at = 0;                     ///< index in `applied` of the one that is left out
};

struct HistoryWithout {
  std::optional<SchemaFingerprint> schema;  ///< what it makes; none = `dependents` need the migration
  std::vector<std::string> dependents;      ///< in order
  std::string why;                          ///< why the first of them cannot be run
  std::string role;                         ///< whose the objects were
};

/// Replays it in a side database, which is dropped. Which later migrations need it is found by leaving out each that
/// fails. Throws refused where an earlier one cannot be replayed.
[[nodiscard]] HistoryWithout replay_without(const WithoutRequest& request, Tool& tool);

}  // namespace belay
