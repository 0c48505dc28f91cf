#include "backup/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr int attempts = 5;
constexpr std::size_t tables_per_statement = 500;

/// Above half of the shared lock table other databases would get "out of shared memory"; storage is compared before and
/// after instead.
bool too_many_to_lock(Connection& db, std::size_t tables) {
  const Row row = db.one(
      "SELECT current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint"
      " + current_setting('max_prepared_transactions')::bigint) AS slots");
  return tables > static_cast<std::size_t>(row.number("slots")) / 2;
}

std::string blockers(Connection& look, int pid) {
  std::string text;
  for (const Row& row :
       look.rows("SELECT a.pid, a.application_name, a.state, now() - a.xact_start AS age, left(a.query, 200) AS query"
                 " FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1::int))",
                 {std::to_string(pid)})) {
    text += fmt::format("Blocked by backend {} ({}, {}, transaction open for {}): {}\n", row.text("pid"),
                        row.text_or("application_name", ""), row.text_or("state", "?"), row.text_or("age", "?"),
                        row.text_or("query", ""));
  }
  return text;
}

}  // namespace

std::vector<WriteCounter> read_write_counters(Connection& db) {
  std::vector<WriteCounter> counters;
  for (const Row& row :
       db.rows("SELECT schemaname, relname, n_tup_ins + n_tup_upd + n_tup_del AS changes FROM pg_stat_user_tables"
               " ORDER BY schemaname, relname")) {
    counters.push_back({row.text("schemaname"), row.text("relname"), row.number("changes")});
  }
  return counters;
}

BackupSnapshot::BackupSnapshot(const DatabaseUrl& url, const SessionSettings& settings, const std::string& lock_timeout)
    : session_(url, url.database, settings), look_(url, url.database, settings) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (take(lock_timeout)) return;
    session_.finish_transaction("ROLLBACK");
  }
  throw Error{Failure::failed,
              "tables were created or rewritten faster than they could be locked",
              {},
              "Nothing was changed. Run the backup when no DDL is running."};
}

/// In `db`'s view; the file node always as of now.
std::vector<BackupSnapshot::Table> BackupSnapshot::list(Connection& db) const {
  std::vector<Table> tables;
  for (const Row& row :
       db.rows("SELECT c.oid, n.nspname, c.relname, coalesce(pg_relation_filenode(c.oid), 0) AS storage"
               " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')"
               " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' ORDER "
               "BY c.oid")) {
    tables.push_back({row.text("oid"), row.text("nspname"), row.text("relname"), row.text("storage")});
  }
  return tables;
}

void BackupSnapshot::lock(const std::vector<Table>& tables, const std::string& lock_timeout) {
  session_.run(fmt::format("SET LOCAL lock_timeout = {}", quote_literal(lock_timeout)));
  for (std::size_t from = 0; from < tables.size(); from += tables_per_statement) {
    std::string names;
    for (std::size_t i = from; i < std::min(tables.size(), from + tables_per_statement); ++i) {
      names += fmt::format("{}{}.{}", names.empty() ? "" : ", ", quote_identifier(tables[i].schema),
                           quote_identifier(tables[i].name));
    }
    // ONLY is not needed: partitions are in the list themselves, and locking them twice costs nothing.
    looked_ = std::chrono::steady_clock::now();
    session_.run_while(fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", names), [&] { watch_blockers(); });
  }
  session_.run("SET LOCAL lock_timeout = 0");
}

/// After the wait nobody blocks us any more, so whoever does is asked for while we wait.
void BackupSnapshot::watch_blockers() {
  throw_if_interrupted();
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < std::chrono::milliseconds{100}) return;
  looked_ = now;
  const std::string found = blockers(look_, session_.backend_pid());
  if (!found.empty()) blocked_by_ = found;
}

/// One attempt. False if the tables changed between the list and the snapshot.
bool BackupSnapshot::take(const std::string& lock_timeout) {
  const std::vector<Table> before = list(look_);
  // Materialized views cannot be locked, and need not be: a dump holds none of their rows.
  const bool lockable = !too_many_to_lock(look_, before.size());
  session_.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (lockable) {
    try {
      lock(before, lock_timeout);
    } catch (const ServerError& error) {
      if (error.sqlstate == "42P01") return false;  // dropped meanwhile
      if (error.sqlstate != "55P03") throw;
      throw Error{Failure::refused, fmt::format("could not lock every table for the backup within {}", lock_timeout),
                  error.detail + "\n" + blocked_by_,
                  "Nothing was changed. Wait for that transaction, or end it, and run again."};
    }
  }
  const Row row = session_.one(
      "SELECT pg_export_snapshot() AS exported, pg_current_snapshot()::text AS snapshot,"
      " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn,"
      " to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS time");
  exported_ = row.text("exported");
  facts_ = {read_write_counters(session_), row.text("lsn"), row.text("time"), row.text("snapshot"),
            lockable ? "locked" : "compared"};
  tables_ = list(session_);
  const auto same = [](const Table& a, const Table& b) { return a.oid == b.oid && a.storage == b.storage; };
  return std::equal(before.begin(), before.end(), tables_.begin(), tables_.end(), same);
}

void BackupSnapshot::check_nothing_moved() {
  session_.check_alive();  // a snapshot whose session ended protected nothing
  std::map<std::string, std::string> now;
  for (const Table& table : list(look_)) now[table.oid] = table.storage;
  for (const Table& table : tables_) {
    const auto found = now.find(table.oid);
    if (found != now.end() && found->second == table.storage) continue;
    throw Error{
        Failure::failed, "the backup was given up: a table moved while it was being dumped",
        fmt::format("{}.{} was {} meanwhile; its rows may be missing from the dump.", quote_identifier(table.schema),
                    quote_identifier(table.name), found == now.end() ? "dropped" : "rewritten or truncated"),
        "No backup was kept. Run it again when no DDL is running."};
  }
}

}  // namespace belay
