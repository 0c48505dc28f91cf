// The swap: one transaction that renames the target away and the side database into its place, with owner, privileges,
// settings and comments.
//
// What is true if the process dies: before COMMIT nothing happened (the renames are undone, waiting clients go on);
// after it the new database is the target, and the old one bears a name and a marker that say what it is. There is no
// state between.
#pragma once
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/side_database.hpp"

namespace belay {

struct SwapRequest {
  std::string target;
  std::string side;                 ///< becomes the target
  std::optional<std::string> kept;  ///< the old target's new name; none = the target does not exist
  Marker kept_marker;
  std::optional<DatabaseProperties>
      properties;  ///< put on the new target; none = it has its own already, only the comment is set
  std::optional<std::string> comment;  ///< the new target's comment where `properties` is none
};

struct SwapReport {
  int attempts = 0;
  Duration
      locked{};  ///< from the first RENAME to the COMMIT of the attempt that succeeded: how long new connections waited
};

/// `maintenance` holds the run lock. Nobody of this run may be connected to either database. At most three attempts,
/// about ten seconds in all; others' sessions on the target are ended meanwhile. Throws failed if sessions could not be
/// ended (the old database stays in place), unresolved if the connection broke at COMMIT and the server cannot be
/// asked.
SwapReport swap_databases(Connection& maintenance, const SwapRequest& request);

/// Sessions on `database` that this role may not end, a line each: they would stop a swap.
[[nodiscard]] std::vector<std::string> sessions_beyond_reach(Connection& maintenance, const std::string& database);

}  // namespace belay
