#include "common/blockers.hpp"

#include <fmt/format.h>

#include "common/history.hpp"

namespace belay {

std::vector<Blocker> find_blockers(Connection& look, int pid) {
  std::vector<Blocker> found;
  for (const Row& row :
       look.rows("SELECT a.pid, a.application_name, coalesce(a.usename::text, '?') AS role, a.state,"
                 " date_trunc('second', now() - a.xact_start) AS age, left(a.query, 200) AS query,"
                 " EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted AND l.locktype = 'advisory'"
                 " AND l.classid = 0 AND l.objid = $2::oid) AS prisma"
                 " FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1::int)) ORDER BY a.xact_start",
                 {std::to_string(pid), std::to_string(prisma_lock_key)})) {
    found.push_back({static_cast<int>(row.number("pid")),
                     fmt::format("backend {} ({}, role {}, {}, transaction open for {}): {}", row.text("pid"),
                                 row.text_or("application_name", ""), row.text("role"), row.text_or("state", "?"),
                                 row.text_or("age", "?"), row.text_or("query", "")),
                     row.flag("prisma")});
  }
  // One that nobody is connected to has no backend; the server says 0.
  for (const Row& row :
       look.rows("SELECT gid, now() - prepared AS age FROM pg_prepared_xacts WHERE database = current_database() AND 0 "
                 "= ANY (pg_blocking_pids($1::int))",
                 {std::to_string(pid)})) {
    found.push_back(
        {0, fmt::format("a prepared transaction, perhaps {} ({} old)", row.text("gid"), row.text("age")), false});
  }
  return found;
}

std::string describe_blockers(Connection& look, int pid) {
  std::string text;
  for (const Blocker& blocker : find_blockers(look, pid)) text += "Blocked by " + blocker.description + "\n";
  return text;
}

}  // namespace belay
