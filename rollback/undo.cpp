#include "rollback/undo.hpp"

#include <fmt/format.h>

#include "common/apply_steps.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"
#include "common/sql_text.hpp"
#include "common/statement_watch.hpp"

namespace belay {

namespace {

class Undo {
 public:
  Undo(const UndoRequest& request, ReversalProof& proof, Tool& tool)
      : request_(request),
        proof_(proof),
        tool_(tool),
        look_(request.context.target.url, request.context.database(), tool.session()),
        say_([&tool](const std::string& line) { tool.out.note(line); }),
        session_(read_session(request.db)),
        watch_(look_, request.db.backend_pid(), say_) {
    for (const UndoStep& step : request.steps) scripts_.push_back(parse_script(step.script));
  }

  void run() {
    for (int attempt = 1; !try_once(attempt); ++attempt) back_off(attempt);
  }

 private:
  bool try_once(int attempt);
  void run_statements(std::size_t step);
  void compare();
  void write_history(const JoinedMigration& migration);
  void commit(Transaction& transaction);
  void settle(const Error& lost);
  Connection& db() { return request_.db; }

  const UndoRequest& request_;
  ReversalProof& proof_;
  Tool& tool_;
  Connection look_;
  std::function<void(const std::string&)> say_;
  SessionFacts session_;
  StatementWatch watch_;
  std::vector<Script> scripts_;
  const Statement* at_ = nullptr;
};

/// False: another session's lock was in the way, everything was rolled back, and it is worth another try.
bool Undo::try_once(int attempt) {
  Transaction transaction{db()};
  try {
    for (std::size_t step = 0; step < scripts_.size(); ++step) {
      run_statements(step);
      db().run_script(bookkeeping_setup_sql());
    }
    compare();
    for (const UndoStep& step : request_.steps) write_history(step.migration);
  } catch (const ServerError& error) {
    const bool again = is_lock_conflict(error) && attempt <= request_.lock_retries && db().usable();
    const std::string where = at_ ? fmt::format("line {}: ", at_->line) : "";
    if (!again) {
      throw Error{Failure::failed, "could not take the migration back",
                  where + error.detail + (watch_.blocked_by().empty() ? "" : "\n" + watch_.blocked_by()),
                  "Its transaction was rolled back: the database is as it was before."};
    }
    transaction.rollback();
    tool_.out.warn(fmt::format("{}{}; all of it was rolled back; try {} of {} follows. {}", where, error.primary,
                               attempt, request_.lock_retries, watch_.blocked_by()));
    return false;
  }
  commit(transaction);
  return true;
}

void Undo::run_statements(std::size_t step) {
  const auto set = [&](const char* name, const std::optional<std::string>& value) {
    if (value) db().run("SELECT pg_catalog.set_config($1, $2, true)", {name, *value});
  };
  db().run("SET LOCAL search_path TO DEFAULT");  // an earlier script's bookkeeping has set it
  become(db(), request_.objects_owner, SettingScope::transaction);
  set("lock_timeout", request_.lock_timeout);
  set("statement_timeout", request_.statement_timeout);
  set("search_path", request_.search_path);
  const auto between = [&](std::size_t done) {
    if (request_.steps[step].between) request_.steps[step].between(done);
  };
  between(0);
  std::size_t done = 0;
  for (const Statement& statement : scripts_[step].statements) {
    at_ = &statement;
    fault_point("undo: statement");
    send_statement(db(), statement, session_, watch_);
    if (db().transaction_state() != TransactionState::open)
      throw Error{Failure::unresolved, "a statement ended the transaction that the reversal runs in", statement.text,
                  "Look at the schema and the history: `migrate-production diff`, `migrate-production status`."};
    at_ = nullptr;
    between(++done);
  }
}

void Undo::compare() {
  fault_point("undo: statements done");
  std::string left;
  for (const SchemaDifference& difference :
       proof_.remaining(read_schema_fingerprint(db(), request_.context.history_schema), request_.drift))
    left += difference.describe() + "\n";
  if (left.empty()) return;
  throw Error{Failure::failed, "the schema would not be what the history without the migration makes", left,
              "Compared inside the transaction, which was rolled back: the database is as it was before."};
}

void Undo::write_history(const JoinedMigration& migration) {
  const InterruptShield shield;
  const std::string& schema = request_.context.history_schema;
  std::uint64_t rows = 0;
  if (request_.history == HistoryFate::remove) {
    for (const HistoryRow& row : migration.rows) rows += delete_row(db(), schema, row.id);
  } else if (migration.state == MigrationState::failed) {
    rows = mark_failed_rolled_back(db(), schema, migration.name);
  } else {
    rows = mark_taken_back(db(), schema, migration.name);
  }
  const JournalOnServer found = read_journal(db(), schema);  // of one that failed half-way: nobody goes on with it
  if (found.journal && found.writable && found.journal->migration == migration.name)
    remove_journal(db(), schema, *found.journal);
  if (rows > 0) return;
  throw Error{Failure::failed,
              fmt::format("the history of migration \"{}\" changed meanwhile", migration.name),
              {},
              "The transaction was rolled back: the database is as it was before. Run again."};
}

void Undo::commit(Transaction& transaction) {
  const InterruptShield shield;
  fault_point("undo: before COMMIT");
  try {
    transaction.commit();
  } catch (const Error& error) {
    if (error.kind != Failure::unresolved) {
      throw Error{Failure::failed, "could not commit the reversal", error.message + "\n" + error.detail,
                  "The database is as it was before."};
    }
    settle(error);
  }
  fault_point("undo: after COMMIT");
}

/// The connection broke at COMMIT. Once that backend is gone, the history row says what became of it: it is part of the
/// transaction.
void Undo::settle(const Error& lost) {
  const std::string hint =
      fmt::format("Ask `migrate-production history {}`: rolled back means that it was taken back, schema and all.",
                  request_.steps.front().migration.name);
  try {
    Connection fresh{request_.context.target.url, request_.context.database(), tool_.session()};
    end_broken_session(fresh, session_.backend_pid);
    bool applied = false;
    for (const HistoryRow& row : read_history(fresh, request_.context.history_schema).rows)
      applied = applied || (row.migration_name == request_.steps.front().migration.name && !row.rolled_back_at);
    if (!applied) return;
  } catch (const Error& error) {
    throw Error{Failure::unresolved, lost.message, lost.detail + "\n" + error.message, hint};
  }
  throw Error{Failure::failed, "lost the connection while committing the reversal", lost.detail,
              "It was rolled back: the database is as it was before."};
}

}  // namespace

void become(Connection& db, const std::string& owner, SettingScope scope) {
  const bool may = db.maybe(
                         "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1 AND rolname <> current_user AND "
                         "pg_catalog.pg_has_role(oid, 'USAGE')",
                         {owner})
                       .has_value();
  if (!may) return;
  db.run(
      fmt::format("SET {} ROLE {}", scope == SettingScope::transaction ? "LOCAL" : "SESSION", quote_identifier(owner)));
}

void undo(const UndoRequest& request, ReversalProof& proof, Tool& tool) { Undo{request, proof, tool}.run(); }

}  // namespace belay
