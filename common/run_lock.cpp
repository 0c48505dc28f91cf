#include "common/run_lock.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "common/interrupt.hpp"
#include "common/session_setup.hpp"
#include "common/side_database.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::chrono::milliseconds poll_every{100};
constexpr std::chrono::seconds sessions_patience{10};

std::string lock_key(Connection& session, const std::string& name, const std::string& target) {
  return session.value("SELECT hashtextextended('belay ' || $1 || ' lock ' || $2, 0)", {name, target});
}

/// The comment is for people: it stays in pg_stat_activity.query as long as the session is idle, so whoever is refused
/// learns who holds the lock.
std::string signed_query(const std::string& tool, const std::string& target, const std::string& expression) {
  std::string who = fmt::format("{} for \"{}\", pid {} on host {}", tool, target, ::getpid(), this_host());
  for (const char* mark : {"*/", "/*"}) {
    for (std::size_t at = who.find(mark); at != std::string::npos; at = who.find(mark)) who.replace(at, 2, "**");
  }
  return fmt::format("SELECT /* belay: {} */ {}", who, expression);
}

/// Advisory locks belong to one database, and another run may have come through another maintenance database. Their
/// keys are seen from everywhere.
std::string nobody_elsewhere(const std::string& key) {
  return fmt::format(
      "NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> "
      "pg_backend_pid()"
      " AND ((classid::bigint << 32) | objid::bigint) = {})",
      key);
}

/// Empty: nobody holds it any more.
std::string holder(Connection& maintenance, const std::string& key) {
  const std::optional<Row> row = maintenance.maybe(
      "SELECT a.pid, a.application_name, coalesce(host(a.client_addr), 'local socket') AS client, a.backend_start,"
      " substring(a.query from '/[*] belay: (.*) [*]/') AS who"
      " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND "
      "l.objsubid = 1 AND l.pid <> pg_backend_pid()"
      " AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint LIMIT 1",
      {key});
  if (!row) return {};
  return fmt::format("Held by {}: {}, backend {}, from {}, since {}.", row->text_or("application_name", "?"),
                     row->text_or("who", "a session whose query is hidden"), row->text("pid"), row->text("client"),
                     row->text("backend_start"));
}

}  // namespace

Connection connect_maintenance(const DatabaseUrl& url, const SessionSettings& settings,
                               const std::optional<std::string>& name) {
  if (name) return Connection{url, *name, settings};
  try {
    return Connection{url, "postgres", settings};
  } catch (const Error& error) {
    // Only where this very database is missing or closed to the role is another one worth a try; else the error is
    // about the target's server.
    const bool other_may_do =
        error.message.find("P1003") != std::string::npos || error.message.find("P1010") != std::string::npos;
    if (!other_may_do) throw connection_error(url, error.detail);
    return Connection{url, "template1", settings};
  }
}

namespace {

void take_lock(Connection& session, const std::string& name, const std::string& target, const std::string& tool,
               std::chrono::milliseconds patience) {
  const std::string key = lock_key(session, name, target);
  const std::string lock = signed_query(tool, target, fmt::format("pg_try_advisory_lock({})", key));
  const std::string alone = signed_query(tool, target, nobody_elsewhere(key));
  const auto deadline = std::chrono::steady_clock::now() + patience;
  int late_tries = 0;  // one that is given up just now is asked for again, not refused without a name
  for (;;) {
    const bool ours = session.value(lock) == "t";
    if (ours && session.value(alone) == "t") return;
    const std::string who = holder(session, key);
    if (ours) session.run(fmt::format("SELECT pg_advisory_unlock({})", key));
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (late && (!who.empty() || ++late_tries > most_late_tries)) {
      throw Error{Failure::refused, fmt::format("another belay run is at work on database \"{}\"", target),
                  who.empty() ? "Others take the lock and give it up all the time." : who,
                  "Wait for it to end. If its process is gone, its session ends by itself once the server notices."};
    }
    throw_if_interrupted();
    std::this_thread::sleep_for(poll_every);
  }
}

}  // namespace

void take_run_lock(Connection& session, const std::string& target, const std::string& tool,
                   std::chrono::milliseconds patience) {
  take_lock(session, "run", target, tool, patience);
}

void take_work_lock(Connection& maintenance, const std::string& target, const std::string& tool,
                    std::chrono::milliseconds patience) {
  take_lock(maintenance, "work", target, tool, patience);
}

namespace {

/// Ends the sessions that `where` finds and waits until they are gone.
void end_sessions(Connection& db, const std::string& where, const Params& params) {
  const auto deadline = std::chrono::steady_clock::now() + sessions_patience;
  for (;;) {
    db.run("SELECT pg_terminate_backend(pid)" + where, params);
    const std::string left = db.value("SELECT count(*)" + where, params);
    if (left == "0") return;
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error{
          Failure::refused,
          fmt::format("{} sessions of an earlier belay run do not end", left),
          {},
          "See pg_stat_activity for application_name belay/…, end them, and run `migrate-production recover` again."};
    }
    std::this_thread::sleep_for(poll_every);
  }
}

constexpr const char* of_this_run =
    " AND pid <> pg_backend_pid() AND application_name = current_setting('application_name')";

}  // namespace

void end_dead_sessions(Connection& maintenance, const std::vector<std::string>& databases) {
  std::string names = "{";
  for (const std::string& name : databases) {
    std::string escaped;
    for (const char c : name) escaped += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
    names += fmt::format("{}\"{}\"", names.size() > 1 ? "," : "", escaped);
  }
  names += "}";
  end_sessions(maintenance,
               " FROM pg_stat_activity WHERE datname = ANY ($1::text[]) AND application_name LIKE 'belay/%' AND pid <> "
               "pg_backend_pid() AND application_name <> current_setting('application_name')",
               {names});
}

void end_broken_sessions(Connection& maintenance, const std::string& database) {
  end_sessions(maintenance, std::string{" FROM pg_stat_activity WHERE datname = $1"} + of_this_run, {database});
}

void end_broken_session(Connection& db, int pid) {
  end_sessions(db, std::string{" FROM pg_stat_activity WHERE pid = $1::int"} + of_this_run, {std::to_string(pid)});
}

void refuse_system_database(const std::string& target) {
  if (target != "postgres" && target != "template0" && target != "template1") return;
  throw Error{Failure::refused,
              fmt::format("\"{}\" is a database of the server's own", target),
              {},
              "belay restores by swapping names, which it does not do to this one. Move the application to a database "
              "of its own."};
}

}  // namespace belay
