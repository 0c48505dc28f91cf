// PgBouncer answers a new connection with a process number of its own making, since it has to tell its clients apart
// when they cancel a query; the server's own number comes with the first query. Where the two differ something stands
// in between. Then a second session shows the rest: two sessions at the same time have two server processes, unless a
// pooler hands them on. Poolers take the session used last or the one idle longest, so the second one is held in a
// transaction while the first asks again: sooner or later one of them meets the other's process, or its own changes.
#include "common/pooler.hpp"

#include <fmt/format.h>

#include <vector>

#include "common/session_setup.hpp"

namespace belay {

namespace {

constexpr int most_sessions = 3;
constexpr int questions_each = 5;

int process_now(Connection& db) { return std::stoi(db.value("SELECT pg_catalog.pg_backend_pid()")); }

std::string changed_process(Connection& db) {
  for (int i = 0; i < questions_each; ++i) {
    const int now = process_now(db);
    if (now != db.backend_pid())
      return fmt::format("The session's server process was {} and then {}.", db.backend_pid(), now);
  }
  return {};
}

/// A pooler in statement mode has no transactions, says so, and hangs up.
std::string begin_refused(Connection& other) {
  try {
    other.run("BEGIN");
    return {};
  } catch (const ServerError& error) {
    if (error.detail.find("statement pooling") == std::string::npos) throw;
    return "It does not let a transaction begin: " + error.primary;
  }
}

std::string same_process(Connection& db, Connection& other) {
  const auto shared = [&](int process) {
    return fmt::format("Two sessions at the same time were given the same server process, {}.", process);
  };
  if (other.backend_pid() == db.backend_pid()) return shared(db.backend_pid());
  if (const std::string refused = begin_refused(other); !refused.empty()) return refused;
  return process_now(other) == db.backend_pid() ? shared(db.backend_pid()) : "";
}

/// A sentence; empty if the session was seen to stay what it is.
std::string proof_of_handing_on(Connection& db, std::vector<Connection>& others) {
  std::string proof = changed_process(db);
  for (int i = 0; i < most_sessions && proof.empty(); ++i) {
    others.emplace_back(db.url(), db.database(), db.settings());
    proof = same_process(db, others.back());
    if (proof.empty()) proof = changed_process(db);
  }
  return proof;
}

/// The proof, with every session that was touched on the way given back as it was.
std::string look_behind(Connection& db) {
  std::vector<Connection> others;
  const std::string proof = proof_of_handing_on(db, others);
  if (proof.empty()) return proof;  // a session of one's own ends with its settings
  for (Connection& other : others) {
    if (!other.usable()) continue;
    give_back_settings(other);
    if (other.transaction_state() != TransactionState::idle) other.finish_transaction("COMMIT");
  }
  give_back_settings(db);
  return proof;
}

}  // namespace

void give_back_settings(Connection& db) {
  if (db.through_pooler()) db.run_script(session_reset(db.settings(), db.server_version()));
}

Pooling find_pooling(Connection& db) {
  if (!db.through_pooler()) return Pooling::none;
  return look_behind(db).empty() ? Pooling::whole_session : Pooling::handed_on;
}

void refuse_handed_on_sessions(Connection& db) {
  if (!db.through_pooler()) return;
  const std::string proof = look_behind(db);
  if (proof.empty()) return;
  throw Error{
      Failure::refused,
      fmt::format("the way to database \"{}\" leads through a pooler that hands server sessions on "
                  "(PgBouncer: pool_mode=transaction)",
                  db.database()),
      proof + "\nLocks and settings of a run would belong to whoever is given that session next.",
      "Nothing was changed. Give the server's own address, without the pooler: in DIRECT_URL beside DATABASE_URL, "
      "or host and port (usually 5432) in the URL itself; or let the pooler use pool_mode=session for this role "
      "and database."};
}

}  // namespace belay
