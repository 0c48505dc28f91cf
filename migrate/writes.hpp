// Whether others were at work since the backup, and "about" what was written (by the server's statistics, the run's own
// writes included) once the deploy has begun. Until then it is counted exactly: restore/writes.
#pragma once
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"

namespace belay {

/// Whether anybody but belay may have written to `database` since a moment.
struct Strangers {
  std::vector<std::string> present;  ///< sessions that are not ours and were not idle all the time since, a line each
  std::int64_t came = 0;             ///< sessions made since, beyond our own
  [[nodiscard]] bool any() const { return !present.empty() || came > 0; }
};

/// Sessions made to `database` so far, by the server's statistics; -1 before PostgreSQL 14.
[[nodiscard]] std::int64_t count_sessions(Connection& maintenance, const std::string& database);

/// `since`: the server's clock, as text. `sessions_then`: count_sessions() at that time, -1 = unknown (then `came`
/// stays 0); `own`: sessions of ours made since.
[[nodiscard]] Strangers find_strangers(Connection& maintenance, const std::string& database, const std::string& since,
                                       std::int64_t sessions_then, std::int64_t own);

struct TableEstimate {
  std::string schema, name;
  std::int64_t changes = 0;
  [[nodiscard]] std::string describe() const;
};
/// By statistics alone: tables of the backup whose counters moved since the snapshot.
[[nodiscard]] std::vector<TableEstimate> estimate_writes_since(Connection& db, const Manifest& manifest);

}  // namespace belay
