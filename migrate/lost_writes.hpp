// What putting the database back would take away from others: counted row by row, the run's own rows told apart by the
// numbers of its transactions.
#pragma once
#include "migrate/put_back.hpp"

namespace belay {

struct LostWrites {
  std::vector<std::string> told;        ///< everything that is known, a line each
  std::vector<std::string> others;      ///< the part that others wrote, or may have written
  std::optional<std::int64_t> witness;  ///< of the moment before the count (restore/writes); none = it is blind
  std::string snapshot;                 ///< of the count
};

/// Reads whole tables where others were at work. What cannot be found out counts as others'. Never throws but for an
/// interruption.
[[nodiscard]] LostWrites count_lost_writes(RunContext& context, Rope& rope, Tool& tool);

/// In the kept database, after a swap that nobody could hold up any more: what was written since that count, a line
/// each.
[[nodiscard]] std::vector<std::string> count_unannounced(RunContext& context, const LostWrites& counted,
                                                         const std::string& kept, Tool& tool);

}  // namespace belay
