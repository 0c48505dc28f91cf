#include "migrate/writes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace belay {

namespace {

/// -1 before PostgreSQL 14.
std::int64_t count_sessions(Connection& maintenance, const std::string& database) {
  if (maintenance.server_version() < 140000) return -1;
  return maintenance.one("SELECT sessions FROM pg_stat_database WHERE datname = $1", {database}).number("sessions");
}

constexpr const char* of_others =
    " FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND application_name NOT LIKE "
    "'belay/%'";

}  // namespace

SessionsThen look_at_sessions(Connection& maintenance, const std::string& database) {
  SessionsThen then{.at = maintenance.value("SELECT clock_timestamp()"), .own = sessions_made(database), .others = {}};
  then.made = count_sessions(maintenance, database);
  for (const Row& row : maintenance.rows(std::string{"SELECT pid::text"} + of_others, {database}))
    then.others.push_back(row.text(0));
  return then;
}

Strangers find_strangers(Connection& maintenance, const std::string& database, const SessionsThen& then,
                         std::int64_t own) {
  Strangers strangers;
  std::set<std::string> there;
  // A session whose state this role may not see counts as one that was at work.
  for (const Row& row :
       maintenance.rows(std::string{"SELECT pid::text, coalesce(usename, '?') AS usename, application_name,"
                                    " coalesce(state = 'idle' AND state_change < $2::timestamptz, false) AS resting"} +
                            of_others,
                        {database, then.at})) {
    there.insert(row.text("pid"));
    if (row.flag("resting")) continue;
    strangers.present.push_back(fmt::format("backend {} of role \"{}\" ({})", row.text("pid"), row.text("usename"),
                                            row.text_or("application_name", "")));
  }
  strangers.went = std::count_if(then.others.begin(), then.others.end(),
                                 [&](const std::string& pid) { return there.count(pid) == 0; });
  if (then.made >= 0)
    strangers.came = std::max<std::int64_t>(0, count_sessions(maintenance, database) - then.made - own);
  return strangers;
}

}  // namespace belay
