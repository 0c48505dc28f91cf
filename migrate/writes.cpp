#include "migrate/writes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/sql_text.hpp"
#include "restore/writes.hpp"

namespace belay {

std::int64_t count_sessions(Connection& maintenance, const std::string& database) {
  if (maintenance.server_version() < 140000) return -1;
  return maintenance.one("SELECT sessions FROM pg_stat_database WHERE datname = $1", {database}).number("sessions");
}

Strangers find_strangers(Connection& maintenance, const std::string& database, const std::string& since,
                         std::int64_t sessions_then, std::int64_t own) {
  Strangers strangers;
  // A session whose state this role may not see counts as one that was at work.
  for (const Row& row : maintenance.rows(
           "SELECT pid, coalesce(usename, '?') AS usename, application_name FROM pg_stat_activity WHERE datname = $1"
           " AND backend_type = 'client backend' AND application_name NOT LIKE 'belay/%'"
           " AND NOT coalesce(state = 'idle' AND state_change < $2::timestamptz, false)",
           {database, since})) {
    strangers.present.push_back(fmt::format("backend {} of role \"{}\" ({})", row.text("pid"), row.text("usename"),
                                            row.text_or("application_name", "")));
  }
  if (sessions_then >= 0)
    strangers.came = std::max<std::int64_t>(0, count_sessions(maintenance, database) - sessions_then - own);
  return strangers;
}

std::string TableEstimate::describe() const {
  return fmt::format("{}: about {} rows inserted, updated or deleted",
                     quote_identifier(schema) + "." + quote_identifier(name), changes);
}

std::vector<TableEstimate> estimate_writes_since(Connection& db, const Manifest& manifest) {
  std::vector<TableEstimate> estimates;
  for (const auto& [name, since] : moved_since(db, manifest)) {
    if (rows_in_backup(manifest, name.first, name.second)) estimates.push_back({name.first, name.second, since});
  }
  return estimates;
}

}  // namespace belay
