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

/// The rows written to the target so far, as restore/writes has them: looked at again once nobody is connected.
struct SwapWitness {
  enum class IfMoved { stop, swap };
  std::int64_t written = 0;
  IfMoved if_moved = IfMoved::stop;
};

struct SwapRequest {
  std::string target;
  std::string side;                    ///< becomes the target
  std::optional<std::string> kept;     ///< the old target's new name; none = the target does not exist
  Marker kept_marker;                  ///< its details get what `swapped_at` reads
  std::string kept_clause = {};        ///< of ALTER DATABASE, for the kept one; empty = nothing is changed
  std::optional<SwapWitness> witness;  ///< none = nobody is looked for
  std::optional<DatabaseProperties>
      properties;  ///< put on the new target; none = it has its own already, only the comment is set
  std::optional<std::string> comment;  ///< the new target's comment where `properties` is none
};

struct SwapReport {
  bool done = true;    ///< false: others wrote since the witness, and nothing was swapped
  bool moved = false;  ///< others wrote since the witness
  int attempts = 0;
  Duration
      locked{};  ///< from the first RENAME to the COMMIT of the attempt that succeeded: how long new connections waited
};

/// `maintenance` holds the run lock. Nobody of this run may be connected to either database. At most three attempts,
/// about ten seconds in all; others' sessions on the target are ended meanwhile. Throws failed if sessions could not be
/// ended (the old database stays in place), unresolved if the connection broke at COMMIT and the server cannot be
/// asked.
SwapReport swap_databases(Connection& maintenance, const SwapRequest& request);

/// What the kept database's marker says of the moment at which another took its place.
struct SwappedAt {
  std::string snapshot;      ///< rows of the successor that it does not see were written since
  std::string database_oid;  ///< of the successor
};
/// std::nullopt: a marker that does not say it.
[[nodiscard]] std::optional<SwappedAt> swapped_at(const Marker& marker);

/// Which database it is, whatever its name becomes. It has to exist.
[[nodiscard]] std::string oid_of(Connection& db, const std::string& database);

/// Sessions on `database` that this role may not end, a line each: they would stop a swap.
[[nodiscard]] std::vector<std::string> sessions_beyond_reach(Connection& maintenance, const std::string& database);

}  // namespace belay
