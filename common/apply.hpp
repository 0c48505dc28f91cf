// One migration executed on one connection, with its history row. Deploy, rehearsal and proofs share it.
//
// What is true if the process dies:
//   atomic script: before COMMIT nothing happened; after it the schema change and its finished row are both there.
//   other script:  the row (not finished) and the journal of its statements are committed before the first statement,
//   so a dead run always shows as failed, never as pending, and resume_migration() knows where it stopped.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/connection.hpp"
#include "common/error.hpp"
#include "common/history.hpp"
#include "common/script.hpp"
#include "common/statement_journal.hpp"

namespace belay {

struct SessionFacts;
class StatementMeter;

struct ApplySettings {
  std::string schema = "public";  ///< where _prisma_migrations lives
  /// Set before each script when the URL has schema=. A value as SET takes it, names in it already quoted: "app".
  std::optional<std::string> search_path;
  std::optional<std::string> lock_timeout;  ///< PostgreSQL's units; none = the server's own setting
  /// For statements where lock_timeout is not given and server, database and role set none either.
  std::optional<std::string> default_lock_timeout;
  std::optional<std::string> statement_timeout;
  /// How often a transaction that met another session's lock (lock_timeout, deadlock) is tried again.
  int lock_retries = 0;
  /// What need not be found out again for each script: of the connection, as read_session() gave it while it was clean,
  /// and this migration's own script, as parse_script() gave it.
  const SessionFacts* session = nullptr;
  const Script* script = nullptr;
  /// Hears in a line why a statement waits or is tried again: who holds the lock, how far an index build is.
  std::function<void(const std::string&)> on_wait = {};
  /// A script that stopped half-way may be gone on with. Not where it is taken back: nobody is told to.
  bool may_go_on = true;
  /// Measures the statements; its session is the script's own. Null = nobody does.
  StatementMeter* meter = nullptr;
};

struct ApplyFailure {
  Error error;                 ///< file, line, column, statement, SQLSTATE, hint
  std::string log;             ///< what goes into the row's logs
  bool in_doubt = false;       ///< the connection broke where the server may have committed
  bool lock_conflict = false;  ///< another session's lock was in the way
  bool connection_lost = false;
};

struct ApplyOutcome {
  std::string row_id;                   ///< history row written by this run; empty if none could be written
  bool committed_something = false;     ///< at least one of the script's statements is, or may be, committed
  std::optional<ApplyFailure> failure;  ///< none = applied, and the row says so
  Duration duration{};
};

/// Applies `migration` on `db`, which must be idle and is left clean for the next one: transaction closed, role,
/// settings, temporary tables, cursors and prepared statements reset, Prisma's lock kept. Bookkeeping goes through
/// `books`, a second session on the same database, wherever the script's own session cannot be trusted with it (own
/// transaction control, changed search_path). After a failure the failed row with its log is left, as Prisma leaves it.
/// `on_statement` hears of every statement before it runs; a script that the parser does not understand is one
/// statement. Throws only for what happens before the script's first statement: a folder without migration.sql (P3015),
/// settings the server does not take, a row it does not take. The failure's kind: unresolved if something is, or may
/// be, committed; else interrupted or failed.
[[nodiscard]] ApplyOutcome apply_migration(Connection& db, Connection& books, const Migration& migration,
                                           const ApplySettings& settings,
                                           const std::function<void(const Statement&)>& on_statement);

/// Goes on with a script that is not one transaction where `journal` ends: after the last finished statement, judging
/// one that was begun by its effect, and repairing what it left half done. The row is the journal's.
[[nodiscard]] ApplyOutcome resume_migration(Connection& db, Connection& books, const Migration& migration,
                                            const ApplySettings& settings, const StatementJournal& journal,
                                            const std::function<void(const Statement&)>& on_statement);

}  // namespace belay
