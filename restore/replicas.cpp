#include "restore/replicas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds follow_patience{60};
constexpr std::chrono::seconds end_patience{10};

void require_standby(Connection& db, const Replica& replica, const RunContext& context) {
  const ServerFacts found = read_server_facts(db, context.database());
  if (found.standby && found.system_identifier == context.server.system_identifier) return;
  throw Error{Failure::refused,
              found.standby ? fmt::format("the replica {} follows another server (system {}, this one is {})",
                                          replica.shown, found.system_identifier, context.server.system_identifier)
                            : fmt::format("the server {} is no standby", replica.shown),
              {},
              "Correct --replica-url. Nothing was changed."};
}

/// Empty: it has replayed the swap.
std::string wait_for(Connection& db, const std::string& lsn) {
  const auto deadline = std::chrono::steady_clock::now() + follow_patience;
  for (;;) {
    const Row row = db.one(
        "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) AS there, pg_last_wal_replay_lsn()::text AS "
        "at, pg_is_in_recovery() AS standby",
        {lsn});
    if (!row.flag("standby")) return "it was promoted, and does not follow any more";
    if (row.flag("there")) return "";
    if (std::chrono::steady_clock::now() >= deadline)
      return fmt::format("after {} s it had come to {} only, the swap is at {}", follow_patience.count(),
                         row.text_or("at", "?"), lsn);
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
}

/// One by one: a session that may not be ended must not spare the others.
std::string end_readers(Connection& db, const std::string& kept, int& ended) {
  const auto deadline = std::chrono::steady_clock::now() + end_patience;
  std::string refused;
  for (bool first = true;; first = false) {
    const Rows sessions = db.rows("SELECT pid FROM pg_stat_activity WHERE datname = $1", {kept});
    if (sessions.empty()) return "";
    if (first) ended = static_cast<int>(sessions.size());
    if (std::chrono::steady_clock::now() >= deadline)
      return fmt::format("{} sessions still read the old database{}", sessions.size(), refused);
    for (const Row& row : sessions) {
      try {
        db.run("SELECT pg_terminate_backend($1::int)", {row.text("pid")});
      } catch (const ServerError& error) {
        if (error.connection_lost) throw;
        refused = ": " + error.primary;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

ReplicaReport follow(const Replica& replica, const std::string& lsn, const std::string& kept,
                     const CommonOptions& options, Tool& tool) {
  ReplicaReport report{.shown = replica.shown};
  tool.out.progress(fmt::format("waiting for the replica {}", replica.shown), {{"phase", "replica"}});
  try {
    Connection db = connect_maintenance(replica.url, tool.session(), options.maintenance_db);
    report.problem = wait_for(db, lsn);
    if (report.problem.empty()) report.problem = end_readers(db, kept, report.ended);
  } catch (const Error& error) {
    report.problem = error.message;
  }
  return report;
}

}  // namespace

std::vector<std::string> list_replicas(Connection& maintenance) {
  std::vector<std::string> lines;
  for (const Row& row : maintenance.rows(
           "SELECT coalesce(nullif(application_name, ''), '?') AS name, coalesce(host(client_addr), 'local') AS "
           "client, "
           "coalesce(state, 'state not visible to this role') AS state FROM pg_stat_replication ORDER BY 1, 2"))
    lines.push_back(fmt::format("{} at {}, {}", row.text("name"), row.text("client"), row.text("state")));
  return lines;
}

std::string replica_note(const std::string& line) {
  return fmt::format("Replica: {}; sessions there read the old database until they reconnect", line);
}

std::vector<Replica> open_replicas(const std::vector<std::string>& urls, const RunContext& context,
                                   const CommonOptions& options, const Tool& tool) {
  std::vector<Replica> replicas;
  for (const std::string& text : urls) {
    Replica replica{parse_database_url(text), ""};  // a password in it never comes into an error's text
    replica.shown = replica.url.without_password();
    Connection db = connect_maintenance(replica.url, tool.session(), options.maintenance_db);
    require_standby(db, replica, context);
    replicas.push_back(std::move(replica));
  }
  return replicas;
}

std::vector<ReplicaReport> follow_swap(const std::vector<Replica>& replicas, const std::string& lsn,
                                       const std::string& kept, const CommonOptions& options, Tool& tool) {
  std::vector<ReplicaReport> reports;
  for (const Replica& replica : replicas) {
    if (lsn.empty()) {
      reports.push_back({replica.shown, 0, "where the swap is in the WAL is not known"});
    } else {
      reports.push_back(follow(replica, lsn, kept, options, tool));
    }
    const ReplicaReport& last = reports.back();
    if (!last.problem.empty()) tool.out.warn(fmt::format("replica {} is not verified: {}", last.shown, last.problem));
  }
  return reports;
}

void add_replicas(Result& result, const std::vector<ReplicaReport>& reports, int streaming) {
  int verified = 0;
  Json list = Json::array();
  for (const ReplicaReport& r : reports) {
    const bool good = r.problem.empty();
    verified += good ? 1 : 0;
    result.text += good ? fmt::format("Replica   {}: has the restored database; {} session{} in the old one ended\n",
                                      r.shown, r.ended, r.ended == 1 ? "" : "s")
                        : fmt::format("Not verified: replica {}: {}\n", r.shown, r.problem);
    list.push_back({{"url", r.shown},
                    {"verified", good},
                    {"sessions_ended", r.ended},
                    {"problem", good ? Json(nullptr) : Json(r.problem)}});
  }
  const int silent = std::max(0, streaming - static_cast<int>(reports.size()));
  if (silent > 0)
    result.text += fmt::format(
        "Not verified: {} replicas; sessions there go on reading the old database until they reconnect\n", silent);
  result.json["replicas"] = std::move(list);
  result.json["replicas_not_verified"] = silent + static_cast<int>(reports.size()) - verified;
}

}  // namespace belay
