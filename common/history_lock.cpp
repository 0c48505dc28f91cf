// Prisma's advisory lock. Prisma waits for it in the server for 10 s; a session that waits there holds a snapshot, and
// two of them make CREATE INDEX CONCURRENTLY deadlock. So it is asked for again and again instead, and each question
// ends at once.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string_view>
#include <thread>

#include "common/history.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"

namespace belay {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool lock_disabled() {
  const char* value = std::getenv("PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK");
  return value != nullptr && *value != '\0' && std::string_view{value} != "0";
}

bool try_lock(Connection& db) {
  return db.value(fmt::format("SELECT pg_try_advisory_lock({})", prisma_lock_key)) == "t";
}

/// Who has the lock, as a sentence; empty: nobody any more. The columns that only a superuser sees of other roles'
/// sessions may be missing.
std::string describe_holder(Connection& db) {
  const Rows holders = db.rows(
      "SELECT l.pid::text AS pid, coalesce(a.application_name, '') AS application, coalesce(a.usename::text, '?') AS "
      "role, "
      "coalesce(host(a.client_addr), '') AS address, "
      "to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"') AS since, a.client_port = -1 AS "
      "local "
      "FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
      "WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = $1::oid AND l.objsubid = 1 AND l.granted "
      "AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
      {std::to_string(prisma_lock_key)});
  if (holders.empty()) return {};
  const Row& holder = holders.front();
  std::string text = fmt::format("It is held by pid {} (application \"{}\", role \"{}\"", holder.text("pid"),
                                 holder.text("application"), holder.text("role"));
  if (!holder.text("address").empty()) text += fmt::format(", from {}", holder.text("address"));
  if (holder.text_or("local", "f") == "t") text += ", from the server's own host";
  if (holder.cell("since")) text += fmt::format(", connected since {}", holder.text("since"));
  return text + ").";
}

/// 100 to 200 ms, so that several waiting runs do not ask in step.
milliseconds pause() {
  static std::mt19937 random{std::random_device{}()};
  return milliseconds{std::uniform_int_distribution<int>{100, 200}(random)};
}

}  // namespace

void take_prisma_lock(Connection& db, milliseconds limit) {
  if (lock_disabled()) return;
  const steady_clock::time_point until = steady_clock::now() + limit;
  std::string holder;
  int late_tries = 0;
  for (;;) {
    throw_if_interrupted();
    if (try_lock(db)) return;
    const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    if (left > milliseconds::zero()) {
      std::this_thread::sleep_for(std::min(left, pause()));
      continue;
    }
    holder = describe_holder(db);
    // One that is given up just now is asked for again, not refused without a name.
    if (!holder.empty() || ++late_tries > most_late_tries) break;
  }
  throw Error{Failure::refused,
              fmt::format("could not get Prisma's migration lock in database \"{}\" within {} ms (P1002)",
                          db.database(), limit.count()),
              holder.empty() ? "Others take it and give it up all the time." : holder,
              "Another migration is running, or its session was left behind. Wait for it; if it is dead, end it with "
              "pg_terminate_backend(PID)."};
}

bool holds_prisma_lock(Connection& db) {
  return db.value(
             "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = "
             "$1::oid "
             "AND objsubid = 1 AND granted AND pid = pg_backend_pid())",
             {std::to_string(prisma_lock_key)}) == "t";
}

void release_prisma_lock(Connection& db) {
  if (!holds_prisma_lock(db)) return;
  db.run(fmt::format("SELECT pg_advisory_unlock({})", prisma_lock_key));
}

}  // namespace belay
