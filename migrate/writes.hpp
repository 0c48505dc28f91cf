// Whether others were at work since a moment. What they wrote is counted by migrate/lost_writes.
#pragma once
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay {

/// Whether anybody but belay may have written to `database` since a moment.
struct Strangers {
  std::vector<std::string> present;  ///< sessions that are not ours and were not idle all the time since, a line each
  std::int64_t came = 0;             ///< sessions made since, beyond our own
  std::int64_t went = 0;             ///< sessions that were there then, and are not any more
  [[nodiscard]] bool any() const { return !present.empty() || came > 0 || went > 0; }
};

/// Who was there at a moment.
struct SessionsThen {
  std::string at;          ///< the server's clock, as text
  std::int64_t made = -1;  ///< sessions made to the database so far, by the server's statistics; -1 = not known
  std::int64_t own = 0;    ///< of them by this process: sessions_made()
  std::vector<std::string> others;  ///< process numbers of sessions that are not ours
};
[[nodiscard]] SessionsThen look_at_sessions(Connection& maintenance, const std::string& database);

/// `own`: sessions of ours made since. `came` stays 0 where it is not known (before PostgreSQL 14).
[[nodiscard]] Strangers find_strangers(Connection& maintenance, const std::string& database, const SessionsThen& then,
                                       std::int64_t own);

}  // namespace belay
