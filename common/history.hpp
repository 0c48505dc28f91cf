// `_prisma_migrations`: the only place that reads or writes it. Named queries only; the table is always written with
// its schema.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/connection.hpp"
#include "common/migrations.hpp"
#include "common/statement_journal.hpp"

namespace belay {

struct HistoryRow {
  std::string id;
  std::string checksum;
  std::optional<std::string> finished_at;  ///< in UTC, "2026-11-21T13:07:00.123456Z", whatever the session's settings
  std::string migration_name;
  std::optional<std::string> logs;
  std::optional<std::string> rolled_back_at;
  std::string started_at;
  int applied_steps_count = 0;
  [[nodiscard]] bool failed() const { return !finished_at && !rolled_back_at; }
  [[nodiscard]] bool applied() const { return finished_at && !rolled_back_at; }
};

struct History {
  bool table_exists = false;
  std::vector<HistoryRow> rows;             ///< by started_at, as Prisma reads them
  std::optional<StatementJournal> journal;  ///< of a script that stopped half-way, if its row is the one that failed
  std::vector<std::string> elsewhere;       ///< if there is no table: schemas of this database that have one
};

enum class MigrationState { pending, applied, failed, rolled_back, missing_locally };
[[nodiscard]] std::string to_string(MigrationState state);

/// One migration as folder and table together see it.
struct JoinedMigration {
  std::string name;
  MigrationState state = MigrationState::pending;
  bool edited = false;  ///< the file's checksum is not the one of the row that says applied (else: failed)
  std::optional<Migration> local;
  std::vector<HistoryRow> rows;                   ///< oldest first
  [[nodiscard]] bool pending_for_deploy() const;  ///< a folder, and no row of that name that is not rolled back
};

/// Folder order first, then those missing locally by their first row. Pure.
[[nodiscard]] std::vector<JoinedMigration> join_history(const MigrationsFolder& folder, const History& history);

/// The history in `schema` of the connected database; a missing table or schema is an empty history. Throws refused if
/// the table is not Prisma's (a column of Prisma's is missing or of another type, or a further column would not let
/// rows be inserted), or if the database is managed by Prisma 8, which keeps no such table. Further columns that do no
/// harm are left alone, as Prisma does.
[[nodiscard]] History read_history(Connection& db, const std::string& schema);
/// Names of ordinary tables in `schema` that make Prisma refuse with P3005 when there is no history.
[[nodiscard]] std::vector<std::string> foreign_tables_before_history(Connection& db, const std::string& schema);
/// Creates the table exactly as Prisma does. The schema is created too if it is missing, as Prisma does.
void create_history_table(Connection& db, const std::string& schema);
/// Removes the table if it holds no row (put-back of a run that had created it).
void drop_empty_history_table(Connection& db, const std::string& schema);
/// INSERT of a starting migration (logs NULL, 0 steps). Returns the row's id (UUID v4). Times come from this machine's
/// clock, as Prisma's do.
std::string insert_started(Connection& db, const std::string& schema, const Migration& migration);
/// A row for the transaction that its script runs in: begun at `started_at`, finished now, 1 step, logs NULL.
struct NewRow {
  std::string id;
  std::string insert;  ///< the statement
};
[[nodiscard]] NewRow finished_row(const std::string& schema, const Migration& migration, const std::string& started_at);
/// This machine's time for started_at, never before what was given last.
[[nodiscard]] std::string history_time();
/// INSERT of a migration that failed: started_at as given, its log, not finished. For bookkeeping after the rollback of
/// everything else. Returns the id.
std::string insert_failed(Connection& db, const std::string& schema, const Migration& migration, TimePoint started_at,
                          const std::string& logs);
/// INSERT of a migration that is recorded as applied without having been run, as `prisma migrate resolve --applied`
/// does it: started_at = finished_at = now, logs empty (not NULL), 0 steps. Returns the id.
std::string insert_resolved(Connection& db, const std::string& schema, const Migration& migration);
/// steps 1, finished_at = now, no logs. Throws failed if the row is not there any more.
void mark_finished(Connection& db, const std::string& schema, const std::string& id);
/// logs = the error's text; finished_at stays NULL. Throws failed if the row is not there any more.
void mark_failed(Connection& db, const std::string& schema, const std::string& id, const std::string& logs);
/// finished_at as given, on the row `id` alone; none = NULL, so that the row says failed. Throws failed if it is gone.
void set_finished_at(Connection& db, const std::string& schema, const std::string& id,
                     const std::optional<std::string>& finished_at);
/// Removes the row `id`, and the journal of its statements, if there is one. Returns the number of rows removed.
std::uint64_t delete_row(Connection& db, const std::string& schema, const std::string& id);
/// `resolve --rolled-back`: rolled_back_at on every row of the name that is failed. Returns how many.
std::uint64_t mark_failed_rolled_back(Connection& db, const std::string& schema, const std::string& name);
/// Takes an applied migration back in the record: finished_at NULL and rolled_back_at now, on every row of the name
/// without rolled_back_at. Returns how many.
std::uint64_t mark_taken_back(Connection& db, const std::string& schema, const std::string& name);

/// The transactions that wrote these rows last, as xmin shows them. Of a migration that was one transaction with its
/// row it is the migration's own.
[[nodiscard]] std::vector<std::string> transactions_of(Connection& db, const std::string& schema,
                                                       const std::vector<std::string>& ids);

/// Prisma's advisory lock (72707369) in the connected database, held by this session until it ends or is released.
inline constexpr std::int64_t prisma_lock_key = 72707369;
/// How long a run waits for it, where nothing else is asked for: as long as Prisma's own engine does.
inline constexpr std::chrono::seconds prisma_lock_patience{10};
/// Polls (never waits in the server, where a queued waiter makes CREATE INDEX CONCURRENTLY deadlock) up to `limit`.
/// Throws refused, naming the holder. Does nothing while PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK is set to anything but an
/// empty text or 0, as Prisma's engine does.
void take_prisma_lock(Connection& db, std::chrono::milliseconds limit);
void release_prisma_lock(Connection& db);
/// True if this very session holds the lock.
[[nodiscard]] bool holds_prisma_lock(Connection& db);

}  // namespace belay
