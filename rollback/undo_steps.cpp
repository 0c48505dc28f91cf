#include "rollback/undo_steps.hpp"

#include <fmt/format.h>

#include "common/apply_session.hpp"
#include "common/apply_steps.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/sha256.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

class Steps {
 public:
  Steps(const StepsUndo& request, ReversalProof& proof, Tool& tool)
      : begun_(request.begun),
        undo_(request.undo),
        step_(request.undo.steps.front()),
        proof_(proof),
        tool_(tool),
        books_(undo_.context.target.url, undo_.context.database(), tool.session()),
        say_([&tool](const std::string& line) { tool.out.note(line); }),
        session_(read_session(undo_.db)),
        watch_(books_, undo_.db.backend_pid(), say_),
        script_(parse_script(step_.script)) {
    settings_ = {.schema = undo_.context.history_schema,
                 .search_path = undo_.search_path,
                 .lock_timeout = undo_.lock_timeout,
                 .default_lock_timeout = {},
                 .statement_timeout = undo_.statement_timeout,
                 .lock_retries = undo_.lock_retries,
                 .on_wait = say_};
  }

  void run() {
    archive();
    begin();
    fault_point("undo steps: begun");
    try {
      run_statements();
      finish();
    } catch (const Error& error) {
      fail(error);
    }
  }

 private:
  void archive();
  void begin();
  void run_statements();
  void finish();
  void compare();
  [[noreturn]] void fail(const Error& error);
  void put_row_back();
  [[nodiscard]] const HistoryRow& row() const;

  const std::optional<StatementJournal>& begun_;
  const UndoRequest& undo_;
  const UndoStep& step_;
  ReversalProof& proof_;
  Tool& tool_;
  Connection books_;
  std::function<void(const std::string&)> say_;
  SessionFacts session_;
  StatementWatch watch_;
  Script script_;
  ApplySettings settings_;
  StepsResult so_far_;
  const Statement* at_ = nullptr;
};

/// What is written between this and the statement that drops it is not in the archive.
void Steps::archive() {
  if (begun_ || !step_.between) return;
  Transaction transaction{undo_.db};
  step_.between(0);
  transaction.commit();
}

/// The one that says applied.
const HistoryRow& Steps::row() const {
  for (const HistoryRow& row : step_.migration.rows) {
    if (row.applied()) return row;
  }
  throw Error{Failure::refused,
              fmt::format("no row of the history says that migration \"{}\" is applied", step_.migration.name),
              {},
              "Nothing was changed. A reversal with CONCURRENTLY is for applied migrations."};
}

void Steps::begin() {
  if (begun_) {
    so_far_.journal = begun_;
    return;
  }
  const JournalOnServer found = read_journal(books_, settings_.schema);
  if (!found.writable || found.journal) {
    throw Error{Failure::refused, "how far the reversal has come could not be kept on the server",
                found.journal ? "The comment of _prisma_migrations holds the journal of another script."
                              : "This role may not comment on _prisma_migrations.",
                "Nothing was changed. Leave CONCURRENTLY out of the reversal, or run as the table's owner."};
  }
  so_far_.journal = StatementJournal{.row_id = row().id,
                                     .migration = step_.migration.name,
                                     .checksum = reversal_checksum(step_.script),
                                     .statements = script_.statements.size(),
                                     .before = nlohmann::ordered_json::object(),
                                     .table_comment = found.table_comment,
                                     .finished_at = row().finished_at};
  Transaction transaction{books_};
  set_finished_at(books_, settings_.schema, row().id, std::nullopt);
  write_journal(books_, settings_.schema, *so_far_.journal);
  transaction.commit();
}

void Steps::run_statements() {
  const std::string settings = set_for_script_sql(settings_, SettingScope::session);
  if (!settings.empty()) undo_.db.run_script(settings);
  become(undo_.db, undo_.objects_owner, SettingScope::session);
  run_in_steps({undo_.db, books_, script_, session_, settings_, {}, watch_}, at_, so_far_);
  undo_.db.run_script("RESET ROLE; RESET ALL");
}

void Steps::compare() {
  std::string left;
  for (const SchemaDifference& difference :
       proof_.remaining(read_schema_fingerprint(undo_.db, settings_.schema), undo_.drift))
    left += difference.describe() + "\n";
  if (left.empty()) return;
  throw Error{Failure::unresolved, "the schema is not what the history without the migration makes", left};
}

void Steps::finish() {
  fault_point("undo steps: statements done");
  const InterruptShield shield;
  Transaction transaction{undo_.db};
  if (!begun_ && step_.between) step_.between(script_.statements.size());
  compare();
  const std::string& schema = settings_.schema;
  const std::uint64_t rows = undo_.history == HistoryFate::remove
                                 ? delete_row(undo_.db, schema, so_far_.journal->row_id)
                                 : mark_taken_back(undo_.db, schema, step_.migration.name);
  if (rows == 0) throw Error{Failure::unresolved, "the migration's row in the history is not there any more"};
  if (undo_.history == HistoryFate::mark) remove_journal(undo_.db, schema, *so_far_.journal);
  fault_point("undo steps: before COMMIT");
  transaction.commit();
}

/// Nothing of it was committed: the row says applied again.
void Steps::put_row_back() {
  const InterruptShield shield;
  if (undo_.db.usable()) clean_session(undo_.db, session_);
  Transaction transaction{books_};
  set_finished_at(books_, settings_.schema, so_far_.journal->row_id, so_far_.journal->finished_at);
  remove_journal(books_, settings_.schema, *so_far_.journal);
  transaction.commit();
}

void Steps::fail(const Error& error) {
  const std::string where = at_ != nullptr ? fmt::format("line {}: ", at_->line) : "";
  const std::string goes_on = fmt::format(
      "Type rollback-migration --migration-name {} again: it goes on after the finished statements. Until "
      "then nothing can be deployed (P3009).",
      step_.migration.name);
  if (!so_far_.committed_something && !so_far_.in_doubt) {
    try {
      put_row_back();
    } catch (const Error& second) {
      throw Error{Failure::unresolved,
                  "the reversal failed before anything was committed, but the history could not "
                  "be told so",
                  where + error.message + "\n" + error.detail + "\n" + second.message, goes_on};
    }
    const Failure kind = error.kind == Failure::interrupted ? Failure::interrupted : Failure::failed;
    throw Error{kind, "could not take the migration back", where + error.message + "\n" + error.detail,
                "Nothing of the reversal was committed: the database is as it was before."};
  }
  throw Error{Failure::unresolved, "the reversal stopped half-way",
              fmt::format("{}{}\n{}\n{} of {} statements are done{}", where, error.message, error.detail,
                          so_far_.journal->done, so_far_.journal->statements,
                          so_far_.left_behind.empty() ? "" : "; left behind: " + so_far_.left_behind),
              goes_on};
}

}  // namespace

std::string reversal_checksum(const std::string& script) { return sha256_hex(script); }

void undo_in_steps(const StepsUndo& request, ReversalProof& proof, Tool& tool) { Steps{request, proof, tool}.run(); }

}  // namespace belay
