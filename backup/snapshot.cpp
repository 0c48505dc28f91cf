#include "backup/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backup/preflight.hpp"
#include "common/blockers.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/savepoint.hpp"
#include "common/schema_difference.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr int lock_attempts = 5;
constexpr std::size_t tables_per_statement = 500;
constexpr std::size_t most_rows_named = 20;

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
  for (int attempt = 0; attempt < lock_attempts; ++attempt) {
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
               " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND " +
               dumped_relation() + " ORDER BY c.oid")) {
    tables.push_back({row.text("oid"), row.text("nspname"), row.text("relname"), row.text("storage")});
  }
  return tables;
}

void BackupSnapshot::lock(const std::vector<Table>& tables) {
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
}

/// After the wait nobody blocks us any more, so whoever does is asked for while we wait.
void BackupSnapshot::watch_blockers() {
  throw_if_interrupted();
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < std::chrono::milliseconds{100}) return;
  looked_ = now;
  const std::string found = describe_blockers(look_, session_.backend_pid());
  if (!found.empty()) blocked_by_ = found;
}

/// One attempt. False if the tables changed between the list and the snapshot.
bool BackupSnapshot::take(const std::string& lock_timeout) {
  const std::vector<Table> before = list(look_);
  LockTable room = read_lock_table(look_);
  room.tables = before.size();
  // Materialized views cannot be locked, and need not be: a dump holds none of their rows.
  locked_ = room.tables_can_be_locked_before();
  session_.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  // It holds for what is read later too: a definition or a sequence may be locked as well.
  session_.run(fmt::format("SET LOCAL lock_timeout = {}", quote_literal(lock_timeout)));
  if (locked_) {
    try {
      lock(before);
    } catch (const ServerError& error) {
      if (error.sqlstate == "42P01") return false;  // dropped meanwhile
      if (error.sqlstate != "55P03") throw;
      throw Error{Failure::refused, fmt::format("could not lock every table for the backup within {}", lock_timeout),
                  error.detail + "\n" + blocked_by_,
                  "Nothing was changed. Wait for that transaction, or end it, and run again."};
    }
  }
  export_snapshot();
  tables_ = list(session_);
  const auto same = [](const Table& a, const Table& b) { return a.oid == b.oid && a.storage == b.storage; };
  return std::equal(before.begin(), before.end(), tables_.begin(), tables_.end(), same);
}

void BackupSnapshot::export_snapshot() {
  const Row row = session_.one(
      "SELECT pg_export_snapshot() AS exported, pg_current_snapshot()::text AS snapshot, pg_is_in_recovery() AS "
      "standby,"
      " (SELECT oid FROM pg_database WHERE datname = current_database())::text AS database_oid,"
      " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn,"
      " to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS time");
  exported_ = row.text("exported");
  standby_ = row.flag("standby");
  // A standby's counters are its own: they say nothing about who wrote on the primary.
  facts_ = {standby_ ? std::vector<WriteCounter>{} : read_write_counters(session_),
            row.text("lsn"),
            row.text("time"),
            row.text("snapshot"),
            locked_ ? "locked" : "compared",
            row.text("database_oid")};
  definitions_ = read_definition_rows(session_);
}

std::vector<std::string> BackupSnapshot::changed_before_dump() {
  return describe_rows(session_, changed_rows(definitions_, read_definition_rows(look_)), most_rows_named);
}

std::vector<std::string> BackupSnapshot::moved(const SchemaFingerprint& schema, const std::string& history_schema) {
  session_.check_alive();  // a snapshot whose session ended protected nothing
  std::vector<std::string> lines;
  if (standby_ && look_.value("SELECT pg_is_in_recovery()") == "f") lines.emplace_back("the standby became a primary");
  moved_tables(lines);
  moved_definitions(schema, history_schema, lines);
  return lines;
}

void BackupSnapshot::moved_tables(std::vector<std::string>& lines) {
  std::map<std::string, std::string> now;
  for (const Table& table : list(look_)) now[table.oid] = table.storage;
  for (const Table& table : tables_) {
    const auto found = now.find(table.oid);
    if (found != now.end() && found->second == table.storage) continue;
    lines.push_back(fmt::format("table {}.{} was {}", quote_identifier(table.schema), quote_identifier(table.name),
                                found == now.end() ? "dropped" : "rewritten or truncated"));
  }
}

namespace {

/// Differences on what the snapshot has, and on what became a part of it. What is new beside it is no part of its dump.
void add_differences(const SchemaFingerprint& then, const SchemaFingerprint& now, std::vector<std::string>& lines) {
  std::set<std::pair<std::string, std::string>> objects;
  std::set<std::string> wholes;
  for (const SchemaFact& fact : then.facts) {
    objects.emplace(fact.kind, fact.object);
    if (has_parts(fact.kind)) wholes.insert(fact.object);
  }
  for (const SchemaDifference& difference : compare_schema(then, now, nullptr)) {
    const bool new_part = is_part(difference.kind) && wholes.contains(parent_path(difference.object));
    if (new_part || objects.contains({difference.kind, difference.object})) lines.push_back(difference.describe());
  }
}

}  // namespace

/// Row versions first: they cost little, and where none changed nothing else can have. One that changed need not matter
/// (a GRANT is one too), so then the definitions themselves are read again. With every table locked that is done in the
/// snapshot, where all but the definitions is as it was; otherwise in the present.
void BackupSnapshot::moved_definitions(const SchemaFingerprint& schema, const std::string& history_schema,
                                       std::vector<std::string>& lines) {
  const std::vector<std::string> changed = changed_rows(definitions_, read_definition_rows(look_));
  if (locked_ && changed.empty()) return;
  try {
    if (locked_) {
      const Savepoint locks(session_);
      add_differences(schema, read_schema_fingerprint(session_, history_schema), lines);
    } else {
      add_differences(schema, read_schema_fingerprint(look_, history_schema), lines);
    }
  } catch (const ServerError& error) {
    // What was dropped has no definition any more; the server calls that an internal error.
    if (error.connection_lost || error.sqlstate == "57014") throw;
    for (std::string& line : describe_rows(session_, changed, most_rows_named))
      lines.push_back(line + " was changed or dropped");
  }
}

}  // namespace belay
