#include "common/apply.hpp"

#include <fmt/format.h>

#include "common/apply_failure.hpp"
#include "common/apply_session.hpp"
#include "common/apply_steps.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/statement_meter.hpp"
#include "common/statement_watch.hpp"

namespace belay {

namespace {

using OnStatement = std::function<void(const Statement&)>;

/// Leaves the session clean also when something is thrown.
class CleanSession {
 public:
  CleanSession(Connection& db, const SessionFacts& facts) : db_(db), facts_(facts) {}
  ~CleanSession() {
    if (is_clean_) return;
    try {
      clean_session(db_, facts_);
    } catch (const std::exception&) {
      // The session cannot be used any more; its next statement says why.
    }
  }
  void is_clean() { is_clean_ = true; }
  CleanSession(const CleanSession&) = delete;
  CleanSession& operator=(const CleanSession&) = delete;

 private:
  Connection& db_;
  const SessionFacts& facts_;
  bool is_clean_ = false;
};

/// Everything one application of a migration needs.
struct Run {
  Connection& db;
  Connection& books;
  const Migration& migration;
  ApplySettings settings;
  const OnStatement& on_statement;
  SessionFacts session;
  Script script;
  StatementWatch watch;
  std::optional<StatementJournal> journal;  ///< of an earlier run that this one goes on with
  const Statement* at = nullptr;            ///< the statement being run
  bool session_is_clean = false;            ///< after a COMMIT that cleaned it too
};

[[nodiscard]] const std::string& script_text(const Migration& migration) {
  if (migration.script) return *migration.script;
  throw Error{Failure::usage, fmt::format("could not read the script of migration \"{}\" (P3015)", migration.name),
              fmt::format("{} is missing or is no readable file.", migration.file.string()),
              "Restore the file from version control, or remove the folder if the migration was never deployed."};
}

/// A script that the parser does not understand, or reads differently than this server, is one statement: all of it.
Script script_for(const std::string& text, const SessionFacts& session, const Script* parsed) {
  Script script = parsed != nullptr ? *parsed : parse_script(text);
  if (script.parsed && !session.standard_strings && text.find('\\') != std::string::npos) {
    script.parsed = false;
    script.parse_error = "standard_conforming_strings is off on this server";
  }
  if (script.parsed) return script;
  Statement whole;
  whole.text = text;
  whole.kind = "script";
  script.statements = {whole};
  return script;
}

void refuse_what_cannot_be_sent(const Script& script) {
  if (script.text.find('\0') == std::string::npos) return;
  throw Error{Failure::failed, "the script holds a NUL byte, which cannot be sent to the server", script.parse_error,
              "Save the file as UTF-8 without NUL bytes (it may have been saved as UTF-16)."};
}

ApplyFailure failure_of(const Run& run, const Error& cause) {
  ApplyFailure failure =
      describe_failure({run.migration, run.script, run.at, run.settings, run.session, run.watch.blocked_by()}, cause);
  failure.lock_conflict = is_lock_conflict(cause);
  return failure;
}

/// Any exception as the suite's own: whatever a listener throws, the script has begun, and the outcome is the answer.
template <typename Action>
std::optional<ApplyFailure> attempt(const Run& run, Action action) {
  try {
    action();
  } catch (const Error& error) {
    return failure_of(run, error);
  } catch (const std::exception& error) {
    return failure_of(run, Error{Failure::bug, "unexpected error while a migration ran", error.what()});
  }
  return std::nullopt;
}

/// Bookkeeping through `books`; if that session is gone, through the script's own, which is clean by now. False, with
/// the reason in the failure's detail, if neither can.
template <typename Action>
bool keep_books(const Run& run, ApplyFailure& failure, Action write) {
  const InterruptShield shield;
  std::string why;
  for (Connection* session : {&run.books, &run.db}) {
    try {
      write(*session);
      return true;
    } catch (const Error& error) {
      if (why.empty()) why = error.message;
    }
  }
  failure.error.detail += "\nThe history could not be told: " + why;
  return false;
}

/// The kind says what a script may believe about the database: nothing committed, or not.
void judge(ApplyOutcome& outcome) {
  if (outcome.committed_something) outcome.failure->error.kind = Failure::unresolved;
}

void run_atomic_statements(Run& run) {
  for (const Statement& statement : run.script.statements) {
    run.at = &statement;
    if (run.on_statement) run.on_statement(statement);
    fault_point("apply: statement");
    if (run.settings.meter != nullptr) run.settings.meter->before(statement);
    send_statement(run.db, statement, run.session, run.watch);
    if (run.db.transaction_state() != TransactionState::open) {
      throw Error{Failure::unresolved, "the statement ended the transaction that the migration runs in"};
    }
    if (run.settings.meter != nullptr) run.settings.meter->after(statement);
  }
  run.at = nullptr;
}

/// The finished row is part of the script's own transaction: both are there, or neither is.
std::string finish_in_transaction(Run& run, const std::string& started_at) {
  fault_point("apply: statements done");
  const NewRow row = finished_row(run.settings.schema, run.migration, started_at);
  const std::string tag = run.db.run_script(bookkeeping_setup_sql() + row.insert);
  if (tag != "INSERT 0 1") {
    throw Error{Failure::failed, "the history took no row",
                fmt::format("The server answered INSERT with {}; a trigger or rule of the table may be why.", tag)};
  }
  keep_prisma_lock(run.db, run.session);
  fault_point("apply: before COMMIT");
  return row.id;
}

void record_atomic_failure(const Run& run, TimePoint started_at, ApplyOutcome& outcome) {
  clean_session(run.db, run.session);
  ApplyFailure& failure = *outcome.failure;
  if (failure.in_doubt) return;  // a second row could contradict the first, if that one was committed after all
  outcome.row_id.clear();
  fault_point("apply: rolled back");
  keep_books(run, failure, [&](Connection& books) {
    outcome.row_id = insert_failed(books, run.settings.schema, run.migration, started_at, failure.log);
  });
  fault_point("apply: failed row written");
}

/// One try of the whole transaction. After a failure it is rolled back, if the connection still stands.
ApplyOutcome try_atomic(Run& run) {
  const std::string started_at = history_time();
  Transaction transaction{run.db, Transaction::With{set_for_script_sql(run.settings, SettingScope::transaction)}};
  ApplyOutcome outcome;
  outcome.failure = attempt(run, [&] {
    run_atomic_statements(run);
    outcome.row_id = finish_in_transaction(run, started_at);
  });
  if (!outcome.failure) {
    outcome.failure =
        attempt(run, [&] { run.session_is_clean = transaction.commit_and(clean_session_sql(run.db, run.session)); });
    fault_point("apply: after COMMIT");
    // Only a connection lost at COMMIT, or a statement that ended the transaction, leaves it open what the server did.
    if (outcome.failure) outcome.failure->in_doubt = outcome.failure->error.kind == Failure::unresolved;
  }
  if (!outcome.failure) {
    outcome.committed_something = !run.script.statements.empty();
    return outcome;
  }
  outcome.committed_something = outcome.failure->error.kind == Failure::unresolved;
  if (!outcome.failure->in_doubt && run.db.usable()) transaction.rollback();
  return outcome;
}

/// Everything was rolled back, so it can be run once more.
bool try_again(Run& run, ApplyOutcome& outcome, int tries) {
  const ApplyFailure& failure = *outcome.failure;
  if (!failure.lock_conflict || outcome.committed_something || tries > run.settings.lock_retries || !run.db.usable())
    return false;
  if (run.settings.on_wait) {
    run.settings.on_wait(fmt::format("{}; all of it was rolled back; try {} of {} follows", failure.error.message,
                                     tries, run.settings.lock_retries));
  }
  clean_session(run.db, run.session);
  const std::optional<ApplyFailure> interrupted = attempt(run, [&] { back_off(tries); });
  if (interrupted) outcome.failure = interrupted;
  return !interrupted;
}

ApplyOutcome apply_atomic(Run& run) {
  const TimePoint started_at = SystemClock{}.now();
  ApplyOutcome outcome = try_atomic(run);
  for (int tries = 1; outcome.failure && try_again(run, outcome, tries); ++tries) outcome = try_atomic(run);
  if (!outcome.failure) return outcome;
  record_atomic_failure(run, started_at, outcome);
  judge(outcome);
  return outcome;
}

/// Run one by one, the script may end inside a transaction that it began. Prisma would call that a success, and lose
/// it.
void refuse_open_transaction(const Run& run) {
  if (run.db.transaction_state() == TransactionState::idle) return;
  throw Error{Failure::failed, "the script ends inside a transaction that it began",
              "Its BEGIN has no COMMIT; what it did since then is rolled back.", "Add the COMMIT to the script."};
}

/// How far it came, and what the next deploy does about it.
void describe_progress(const StepsResult& steps, const ApplySettings& settings, ApplyFailure& failure) {
  if (!steps.left_behind.empty()) failure.error.detail += "\nLeft behind: " + steps.left_behind;
  if (!steps.journal) return;
  const StatementJournal& journal = *steps.journal;
  failure.error.detail +=
      fmt::format("\nFinished, and journalled on the server: {} of {} statements.", journal.done, journal.statements);
  if (!settings.may_go_on || (journal.done == 0 && !journal.begun)) return;
  failure.error.hint += fmt::format(
      " If the script need not change, type `migrate-production deploy` again: it goes on {}.",
      journal.begun ? "with the statement that failed, after looking at what it left" : "after the last finished one");
}

void record_step_failure(const Run& run, const StepsResult& steps, ApplyOutcome& outcome) {
  clean_session(run.db, run.session);  // the rollback comes first: the script's locks may stand in the way
  fault_point("apply: steps rolled back");
  ApplyFailure& failure = *outcome.failure;
  describe_progress(steps, run.settings, failure);
  keep_books(run, failure,
             [&](Connection& books) { mark_failed(books, run.settings.schema, outcome.row_id, failure.log); });
  fault_point("apply: steps failed row written");
}

/// All statements are committed; only the row is left to say so.
void finish_after_steps(Run& run, const StepsResult& steps, ApplyOutcome& outcome) {
  clean_session(run.db, run.session);
  fault_point("apply: steps done");
  ApplyFailure unrecorded = failure_of(
      run, Error{Failure::failed, "every statement of the script succeeded, but the history could not be told",
                 "The row of this migration still looks failed.",
                 fmt::format("Record it: migrate-production resolve --applied \"{}\".", run.migration.name)});
  const auto write = [&](Connection& books) {
    Transaction transaction{books};
    mark_finished(books, run.settings.schema, outcome.row_id);
    if (steps.journal) remove_journal(books, run.settings.schema, *steps.journal);
    transaction.commit();
  };
  if (!keep_books(run, unrecorded, write)) {
    outcome.failure = unrecorded;
    judge(outcome);
  }
  fault_point("apply: steps recorded");
}

/// The row, and the journal of its statements, before the first one. Returns the row's id.
std::string begin_steps(Run& run, StepsResult& steps) {
  if (run.journal) {
    steps.journal = run.journal;
    return run.journal->row_id;
  }
  const JournalOnServer on_server = read_journal(run.books, run.settings.schema);
  Transaction transaction{run.books};
  const std::string row_id = insert_started(run.books, run.settings.schema, run.migration);
  if (on_server.writable && can_be_journalled(run.script)) {
    steps.journal = StatementJournal{.row_id = row_id,
                                     .migration = run.migration.name,
                                     .checksum = run.migration.checksum,
                                     .statements = run.script.statements.size(),
                                     .before = nlohmann::ordered_json::object(),
                                     .table_comment = on_server.table_comment};
    write_journal(run.books, run.settings.schema, *steps.journal);
  }
  transaction.commit();
  return row_id;
}

ApplyOutcome apply_in_steps(Run& run) {
  if (const std::string sql = set_for_script_sql(run.settings, SettingScope::session); !sql.empty())
    run.db.run_script(sql);
  ApplyOutcome outcome;
  StepsResult steps;
  outcome.row_id = begin_steps(run, steps);
  fault_point("apply: row written");
  outcome.failure = attempt(run, [&] {
    refuse_what_cannot_be_sent(run.script);
    run_in_steps({run.db, run.books, run.script, run.session, run.settings, run.on_statement, run.watch}, run.at,
                 steps);
    refuse_open_transaction(run);
    keep_prisma_lock(run.db, run.session);
  });
  outcome.committed_something = steps.committed_something;
  if (!outcome.failure) {
    finish_after_steps(run, steps, outcome);
    return outcome;
  }
  outcome.failure->in_doubt = steps.in_doubt;
  record_step_failure(run, steps, outcome);
  judge(outcome);
  return outcome;
}

ApplySettings with_default(ApplySettings settings, const SessionFacts& session) {
  if (!settings.lock_timeout && !session.lock_timeout_set) settings.lock_timeout = settings.default_lock_timeout;
  return settings;
}

ApplyOutcome apply(Connection& db, Connection& books, const Migration& migration, const ApplySettings& settings,
                   const std::optional<StatementJournal>& journal, const OnStatement& on_statement) {
  const std::string& text = script_text(migration);
  if (db.transaction_state() != TransactionState::idle)
    throw Error{Failure::bug, "a migration was to be applied inside an open transaction"};
  const auto start = std::chrono::steady_clock::now();
  const SessionFacts session = settings.session != nullptr ? *settings.session : read_session(db);
  Run run{db,
          books,
          migration,
          with_default(settings, session),
          on_statement,
          session,
          script_for(text, session, settings.script),
          StatementWatch{books, session.backend_pid, settings.on_wait},
          journal};
  CleanSession clean{db, session};
  ApplyOutcome outcome = run.script.atomic() ? apply_atomic(run) : apply_in_steps(run);
  if (run.session_is_clean) clean.is_clean();
  outcome.duration = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
  return outcome;
}

}  // namespace

ApplyOutcome apply_migration(Connection& db, Connection& books, const Migration& migration,
                             const ApplySettings& settings, const OnStatement& on_statement) {
  return apply(db, books, migration, settings, std::nullopt, on_statement);
}

ApplyOutcome resume_migration(Connection& db, Connection& books, const Migration& migration,
                              const ApplySettings& settings, const StatementJournal& journal,
                              const OnStatement& on_statement) {
  return apply(db, books, migration, settings, journal, on_statement);
}

}  // namespace belay
