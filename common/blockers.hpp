// Who keeps a session waiting.
#pragma once
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay {

struct Blocker {
  int pid = 0;              ///< 0 = a prepared transaction
  std::string description;  ///< one line: who it is, since when, its last statement
  bool waits_for_prisma_lock = false;
};

/// Whom session `pid` waits for at this moment. Of other roles' sessions the server shows only a superuser, or a member
/// of pg_read_all_stats, more than the pid.
[[nodiscard]] std::vector<Blocker> find_blockers(Connection& look, int pid);

/// A line each, "Blocked by …\n"; empty if nobody.
[[nodiscard]] std::string describe_blockers(Connection& look, int pid);

}  // namespace belay
