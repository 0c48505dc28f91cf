#include "restore/swap.hpp"

#include <fmt/format.h>

#include <thread>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"
#include "common/sql_text.hpp"
#include "restore/writes.hpp"

namespace belay {

namespace {

constexpr int most_attempts = 3;
constexpr std::chrono::seconds all_attempts{10};
constexpr std::chrono::seconds settle_patience{30};

/// One by one, because a session that may not be ended raises an error that would spare the others.
void end_sessions(Connection& terminator, const std::string& oid) {
  for (const Row& row :
       terminator.rows("SELECT pid FROM pg_stat_activity WHERE datid = $1::oid AND pid <> pg_backend_pid()", {oid})) {
    try {
      terminator.run("SELECT pg_terminate_backend($1::int)", {row.text("pid")});
    } catch (const ServerError& error) {
      if (error.connection_lost) throw;
    }
  }
}

void rename(Connection& db, const std::string& from, const std::string& to) {
  db.run(fmt::format("ALTER DATABASE {} RENAME TO {}", quote_identifier(from), quote_identifier(to)));
}

void dress(Connection& db, const SwapRequest& r) {
  if (r.properties) return apply_properties(db, r.target, *r.properties);
  db.run(fmt::format("COMMENT ON DATABASE {} IS {}", quote_identifier(r.target),
                     r.comment ? quote_literal(*r.comment) : "NULL"));
}

/// Still inside the transaction: a database that would differ from what was asked for is not swapped in.
void check_dress(Connection& db, const SwapRequest& r) {
  if (!r.properties) return;
  std::string differences;
  for (const std::string& line : compare_properties(*r.properties, read_properties(db, r.target).value()))
    differences += line + "\n";
  if (differences.empty()) return;
  throw Error{Failure::failed,
              fmt::format("database \"{}\" was not swapped: the new one would have other properties", r.target),
              differences};
}

/// In the swap's own transaction: nobody is connected to the side database yet, and whoever comes after is not seen.
Marker with_moment(Connection& db, const SwapRequest& r) {
  Marker marker = r.kept_marker;
  marker.details["swapped"] = {{"snapshot", db.value("SELECT pg_current_snapshot()::text")},
                               {"database_oid", oid_of(db, r.side)}};
  return marker;
}

/// Once the first RENAME returned nobody is connected, and everybody's statistics are in. True: leave it off.
bool must_stop(Connection& db, const SwapRequest& r, const std::string& oid, SwapReport& report) {
  report.moved = r.witness && read_witness(db, oid) != r.witness->written;
  return report.moved && r.witness->if_moved == SwapWitness::IfMoved::stop;
}

/// One transaction. The first RENAME takes the database's exclusive lock (new connections wait) and looks for up to 5 s
/// whether the others have left.
void attempt(Connection& maintenance, Connection& terminator, const SwapRequest& r, SwapReport& report) {
  const std::string oid = r.kept ? oid_of(maintenance, r.target) : "";
  Transaction transaction{maintenance};
  maintenance.run("SET LOCAL lock_timeout = '5s'");
  const auto started = std::chrono::steady_clock::now();
  if (r.kept) {
    end_sessions(terminator, oid);
    maintenance.run_while(
        fmt::format("ALTER DATABASE {} RENAME TO {}", quote_identifier(r.target), quote_identifier(*r.kept)),
        [&] { end_sessions(terminator, oid); });
    report.done = !must_stop(maintenance, r, oid, report);
    if (!report.done) return transaction.rollback();
    mark(maintenance, *r.kept, with_moment(maintenance, r));
    if (!r.kept_clause.empty())
      maintenance.run(fmt::format("ALTER DATABASE {} {}", quote_identifier(*r.kept), r.kept_clause));
  }
  rename(maintenance, r.side, r.target);
  dress(maintenance, r);
  check_dress(maintenance, r);
  transaction.commit();
  report.locked = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - started);
}

/// After a COMMIT in doubt: the names say what happened, once the session that was to commit is gone.
bool took_place(const Connection& broken, int pid, const SwapRequest& r) {
  const auto deadline = std::chrono::steady_clock::now() + settle_patience;
  for (;;) {
    try {
      Connection again{broken.url(), broken.database(), broken.settings()};
      end_broken_session(again, pid);
      return again.value("SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = $1)", {r.side}) == "t";
    } catch (const Error& error) {
      if (std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds{500});
        continue;
      }
      throw Error{
          Failure::unresolved,
          fmt::format("lost the connection while swapping database \"{}\", and the server does not answer", r.target),
          error.detail,
          fmt::format("It is either the old or the new one, whole. Once the server answers, run `migrate-production "
                      "recover`.")};
    }
  }
}

[[noreturn]] void give_up(Connection& terminator, const SwapRequest& r, const ServerError& last) {
  std::string who;
  for (const std::string& line : sessions_beyond_reach(terminator, r.target)) who += line + "\n";
  throw Error{Failure::failed, fmt::format("could not swap database \"{}\": its sessions do not end", r.target),
              last.detail + "\n" + who,
              "The database is as it was. End those sessions (or let a role do it that may), and run again."};
}

}  // namespace

std::string oid_of(Connection& db, const std::string& database) {
  return db.value("SELECT oid FROM pg_database WHERE datname = $1", {database});
}

std::optional<SwappedAt> swapped_at(const Marker& marker) {
  const auto found = marker.details.find("swapped");
  if (found == marker.details.end() || !found->is_object()) return std::nullopt;
  SwappedAt at{found->value("snapshot", ""), found->value("database_oid", "")};
  return at.snapshot.empty() || at.database_oid.empty() ? std::nullopt : std::optional{at};
}

std::vector<std::string> sessions_beyond_reach(Connection& maintenance, const std::string& database) {
  std::vector<std::string> lines;
  for (const Row& row : maintenance.rows("SELECT a.pid, a.usename, a.application_name, coalesce(host(a.client_addr), "
                                         "'local') AS client FROM pg_stat_activity a"
                                         " JOIN pg_roles r ON r.oid = a.usesysid, pg_roles me WHERE a.datname = $1 AND "
                                         "me.rolname = current_user AND a.pid <> pg_backend_pid()"
                                         " AND NOT me.rolsuper AND (r.rolsuper OR NOT (pg_has_role(a.usesysid, "
                                         "'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER')))",
                                         {database})) {
    lines.push_back(fmt::format("backend {} of role \"{}\" ({}, from {})", row.text("pid"), row.text("usename"),
                                row.text_or("application_name", ""), row.text("client")));
  }
  return lines;
}

SwapReport swap_databases(Connection& maintenance, const SwapRequest& r) {
  const InterruptShield shield;  // a swap is done or not done, never left off
  Connection terminator{maintenance.url(), maintenance.database(), maintenance.settings()};
  const auto deadline = std::chrono::steady_clock::now() + all_attempts;
  const int pid = maintenance.backend_pid();
  SwapReport report;
  for (;;) {
    ++report.attempts;
    try {
      attempt(maintenance, terminator, r, report);
      return report;
    } catch (const ServerError& error) {
      if (error.kind == Failure::unresolved) {
        if (took_place(maintenance, pid, r)) return report;
        throw Error{Failure::failed,
                    fmt::format("lost the connection while swapping database \"{}\"; nothing was swapped", r.target),
                    error.detail};
      }
      const bool busy = error.sqlstate == "55006" || error.sqlstate == "55P03";
      if (!busy) throw;
      if (report.attempts >= most_attempts || std::chrono::steady_clock::now() >= deadline)
        give_up(terminator, r, error);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

}  // namespace belay
