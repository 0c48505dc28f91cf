#include "common/apply_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/parse_tree.hpp"
#include "common/sql_text.hpp"
#include "common/statement_effect.hpp"
#include "common/statement_meter.hpp"

namespace belay {

namespace {

/// A procedure or DO block that commits as it goes. An error without a context came before its code began.
bool may_commit_inside(const Statement& statement, const ServerError* error) {
  if (statement.kind != "CALL" && !(statement.kind == "DO" && statement.outside_transaction)) return false;
  return error == nullptr || !error->context.empty();
}

/// A script sent whole is one transaction unless it says otherwise. The parser did not understand it, so words have to
/// do: they err on the side of "may be".
bool may_commit_in_the_middle(const std::string& text, const ServerError* error) {
  if (error != nullptr && error->sqlstate == "42601")
    return false;  // the server reads all of it before it runs any of it
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array words{"commit", "end",     "prepare", "concurrently", "call",
                             "vacuum", "reindex", "cluster", "database",     "do"};
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return lower.find(word) != std::string::npos; });
}

bool refused_in_a_block(const ServerError& error) { return error.sqlstate == "25001" || error.sqlstate == "2D000"; }

/// What a new session needs of the statements that an earlier one has finished.
bool sets_the_session(const Statement& statement) {
  if (statement.kind == "SET" || statement.kind == "RESET" || statement.kind == "DISCARD") return true;
  return statement.kind == "SELECT" && statement.text.find("set_config") != std::string::npos;
}

class Steps {
 public:
  Steps(const StepsRun& run, const Statement*& at, StepsResult& so_far)
      : db_(run.db), run_(run), at_(at), so_far_(so_far) {}

  void run_all() {
    std::size_t i = resume();
    while (i < statements().size()) {
      if (idle()) begin_unit(i);
      at_ = &statements()[i];
      if (run_.on_statement) run_.on_statement(*at_);
      fault_point("apply: step");
      try {
        if (meter() != nullptr) meter()->before(*at_);
        execute(i);
        ++i;
      } catch (const ServerError& error) {
        i = go_back(error);
      }
      fault_point("apply: step done");
    }
    at_ = nullptr;
  }

 private:
  [[nodiscard]] const std::vector<Statement>& statements() const { return run_.script.statements; }
  [[nodiscard]] StatementMeter* meter() const { return run_.settings.meter; }
  void measured(const Statement& statement) {
    if (meter() != nullptr) meter()->after(statement);
  }
  [[nodiscard]] bool idle() const { return db_.transaction_state() == TransactionState::idle; }

  void begin_unit(std::size_t index) {
    if (index != unit_) tries_ = 0;
    unit_ = index;
    committed_in_unit_ = false;
  }

  void tell(const std::string& text) const {
    if (run_.settings.on_wait) run_.settings.on_wait(text);
  }

  /// By the second session; where that one is gone, by the script's own, which is idle then.
  template <typename Action>
  auto with_books(Action action) {
    try {
      return action(run_.books);
    } catch (const ServerError& error) {
      if (!error.connection_lost || !db_.usable() || !idle()) throw;
    }
    return action(db_);
  }

  EffectFound effect_now(const Statement& statement, const nlohmann::ordered_json& before) {
    return with_books([&](Connection& look) { return find_effect(look, statement, before); });
  }

  void execute(std::size_t index) {
    throw_if_interrupted();  // here nothing of the statement was sent
    const Statement& statement = statements()[index];
    const bool plain = !idle() || statement.transaction_control || statement.session_only || !run_.script.parsed;
    if (plain) return execute_plain(index);
    if (statement.outside_transaction && !fits_own_transaction(statement, db_.server_version()))
      return execute_alone(index);
    if (!so_far_.journal) return execute_plain(index);
    try {
      execute_with_journal(index);
    } catch (const ServerError& error) {
      if (!refused_in_a_block(error) || !idle()) throw;
      execute_alone(index);  // nothing of it was done: the block undid itself
    }
  }

  void execute_plain(std::size_t index) {
    const Statement& statement = statements()[index];
    const bool in_block = !idle();
    std::optional<StatementJournal> then;
    if (statement.kind == "COMMIT" && db_.transaction_state() == TransactionState::open) then = journal_in_block(index);
    try {
      succeeded(statement, send_statement(db_, statement, run_.session, run_.watch));
      measured(statement);
    } catch (const Error& error) {
      failed(statement, error, in_block);
      throw;
    }
    if (then) so_far_.journal = then;
  }

  /// Written by the session whose transaction it is part of, whatever role the script has chosen.
  std::optional<StatementJournal> journal_in_block(std::size_t index) {
    if (!so_far_.journal) return std::nullopt;
    StatementJournal then = *so_far_.journal;
    then.done = index + 1;
    forget_dropped(db_, then);
    db_.run_script("SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE; SET LOCAL statement_timeout = 0");
    write_journal(db_, run_.settings.schema, then);
    return then;
  }

  /// A later statement of the script may drop, rename or replace what an earlier one built.
  static void forget_dropped(Connection& look, StatementJournal& journal) {
    for (const std::string& name : missing_indexes(look, journal.indexes)) std::erase(journal.indexes, name);
  }

  void execute_with_journal(std::size_t index) {
    const Statement& statement = statements()[index];
    Transaction transaction{db_};
    bool sent = false;
    try {
      send_statement(db_, statement, run_.session, run_.watch);
      measured(statement);
      const std::optional<StatementJournal> then = journal_in_block(index);
      sent = true;
      transaction.commit();
      so_far_.journal = then;
      so_far_.committed_something = true;
      committed_in_unit_ = true;
    } catch (const Error& error) {
      if (sent && error.kind == Failure::unresolved) so_far_.in_doubt = so_far_.committed_something = true;
      if (!sent && db_.usable()) transaction.rollback();
      throw;
    }
  }

  /// What commits in the middle: never believed, always looked at.
  void execute_alone(std::size_t index) {
    const Statement& statement = statements()[index];
    if (const std::string drop = drop_of_invalid_namesake(db_, statement); !drop.empty()) repair(drop);
    before_ = effect_before(db_, statement);
    save([&](StatementJournal& journal) {
      journal.done = index;
      journal.begun = true;
      journal.before = before_;
    });
    fault_point("apply: step begun");
    try {
      const WithoutLockTimeout patient{db_, waits_without_lock_timeout(statement)};
      send_statement(db_, statement, run_.session, run_.watch);
    } catch (const Error& error) {
      failed_alone(statement, error);
      throw;
    }
    so_far_.committed_something = true;
    measured(statement);
    const EffectFound found = effect_now(statement, before_);
    if (found.effect == Effect::half) {
      so_far_.left_behind = found.words;
      throw Error{Failure::failed, "the server called it a success, but it is not whole: " + found.words};
    }
    finish_alone(index, found);
  }

  void finish_alone(std::size_t index, const EffectFound& found) {
    const InterruptShield shield;
    save([&](StatementJournal& journal) {
      journal.done = index + 1;
      journal.begun = false;
      journal.before = nlohmann::ordered_json::object();
      with_books([&](Connection& look) { forget_dropped(look, journal); });
      journal.indexes.insert(journal.indexes.end(), found.indexes.begin(), found.indexes.end());
    });
  }

  template <typename Change>
  void save(Change change) {
    if (!so_far_.journal) return;
    StatementJournal then = *so_far_.journal;
    change(then);
    with_books([&](Connection& books) { write_journal(books, run_.settings.schema, then); });
    so_far_.journal = then;
  }

  void repair(const std::string& sql) {
    tell("left by an earlier attempt: " + sql);
    Statement statement;
    statement.text = sql;
    statement.kind = "repair";
    statement.line = at_ == nullptr ? 1 : at_->line;
    statement.outside_transaction = true;
    send_statement(db_, statement, run_.session, run_.watch);
    so_far_.left_behind.clear();
  }

  /// Where to go on after the statement whose end is not known.
  std::size_t settle(std::size_t index, const nlohmann::ordered_json& before) {
    const Statement& statement = statements()[index];
    const EffectFound found = effect_now(statement, before);
    if (found.effect == Effect::unknown) {
      throw Error{Failure::failed, "whether this statement took effect cannot be told from the catalog",
                  "An earlier run died while it ran.",
                  "Look at what it does. If all of the script is done by then: migrate-production resolve --applied."};
    }
    for (const std::string& sql : found.repair) repair(sql);
    if (found.effect != Effect::done && !found.repair_finishes) return index;
    finish_alone(index, found);
    return index + 1;
  }

  /// What finished statements have built is still there, but for the index that the one that was begun drops.
  void check_built(const StatementJournal& journal) {
    std::vector<std::string> missing =
        with_books([&](Connection& look) { return missing_indexes(look, journal.indexes); });
    if (journal.begun && journal.before.value("index", nlohmann::ordered_json()).is_string())
      std::erase(missing, journal.before["index"].get<std::string>());
    if (missing.empty()) return;
    throw Error{
        Failure::failed,
        fmt::format("index {} was built by this migration, and is not there or not valid any more", missing.front()),
        {},
        "Build it by hand, then deploy again."};
  }

  std::size_t resume() {
    if (!so_far_.journal || (so_far_.journal->done == 0 && !so_far_.journal->begun)) return 0;
    const StatementJournal journal = *so_far_.journal;
    so_far_.committed_something = true;
    check_built(journal);
    for (std::size_t i = 0; i < journal.done && i < statements().size(); ++i) {
      if (sets_the_session(statements()[i])) send_statement(db_, statements()[i], run_.session, run_.watch);
    }
    if (!journal.begun || journal.done >= statements().size()) return journal.done;
    at_ = &statements()[journal.done];
    unit_ = journal.done;
    return settle(journal.done, journal.before);
  }

  /// The index of the statement to try again. Throws `error` where that is not to be.
  std::size_t go_back(const ServerError& error) {
    if (!is_lock_conflict(error) || tries_ >= run_.settings.lock_retries || committed_in_unit_ || !db_.usable() ||
        !run_.script.parsed)
      throw ServerError{error};
    if (!idle()) db_.finish_transaction("ROLLBACK");
    work_in_block_ = false;
    ++tries_;
    tell(fmt::format("line {}: {}; try {} of {}", at_->line, error.primary, tries_, run_.settings.lock_retries));
    back_off(tries_);
    const bool alone = so_far_.journal && so_far_.journal->begun && so_far_.journal->done == unit_;
    if (!alone) return unit_;
    const std::size_t next = settle(unit_, before_);
    at_ = &statements()[unit_];
    return next;
  }

  void succeeded(const Statement& statement, const std::string& tag) {
    const std::string& kind = statement.kind;
    if (kind == "COMMIT" && tag != "COMMIT") {
      throw Error{Failure::failed, "the script's COMMIT did not commit",
                  "The server answered COMMIT with " + tag + "."};
    }
    if (kind == "COMMIT") {
      so_far_.committed_something = so_far_.committed_something || work_in_block_;
      committed_in_unit_ = true;
      work_in_block_ = false;
    } else if (kind == "ROLLBACK") {
      work_in_block_ = false;
    } else if (!statement.session_only && idle()) {
      so_far_.committed_something = true;
    } else if (!statement.session_only) {
      work_in_block_ = true;
    }
  }

  void failed(const Statement& statement, const Error& error, bool in_block) {
    const auto* server = dynamic_cast<const ServerError*>(&error);
    if (!db_.usable()) return lost(statement, in_block);
    if (in_block) return;  // the transaction that the script began is rolled back by the caller
    if (statement.session_only || statement.kind == "COMMIT") return;
    const bool maybe = !run_.script.parsed ? may_commit_in_the_middle(statement.text, server)
                       : server == nullptr ? true  // interrupted: it may have been faster
                                           : may_commit_inside(statement, server);
    so_far_.committed_something = so_far_.committed_something || maybe;
  }

  /// What the catalog says counts; what it does not show is taken for done where it may be.
  void failed_alone(const Statement& statement, const Error& error) {
    if (!db_.usable()) so_far_.in_doubt = true;
    const auto* server = dynamic_cast<const ServerError*>(&error);
    bool maybe = !db_.usable() || server == nullptr || may_commit_inside(statement, server);
    try {
      const InterruptShield shield;
      const EffectFound found = effect_now(statement, before_);
      so_far_.left_behind = found.words;
      const bool shown = statement.kind == "CREATE INDEX" || statement.kind == "DROP INDEX" ||
                         statement.kind == "REINDEX" || statement.kind == "ALTER TABLE";
      if (shown) maybe = found.effect == Effect::half || found.effect == Effect::done || !db_.usable();
    } catch (const Error&) {
      maybe = true;
    }
    so_far_.committed_something = so_far_.committed_something || maybe;
  }

  void lost(const Statement& statement, bool in_block) {
    const bool ends_block = statement.kind == "COMMIT" && work_in_block_;
    const bool prepares = statement.kind == "PREPARE TRANSACTION" || statement.kind == "COMMIT PREPARED";
    const bool alone = !in_block && !statement.session_only && statement.kind != "COMMIT";
    if (!ends_block && !prepares && !alone) return;
    so_far_.in_doubt = true;
    so_far_.committed_something = true;
  }

  Connection& db_;
  const StepsRun& run_;
  const Statement*& at_;
  StepsResult& so_far_;
  nlohmann::ordered_json before_;
  std::size_t unit_ = 0;  ///< the statement that a retry begins with: a block's BEGIN, or a single one
  int tries_ = 0;
  bool committed_in_unit_ = false;
  bool work_in_block_ = false;
};

}  // namespace

std::string send_statement(Connection& db, const Statement& statement, const SessionFacts& session,
                           StatementWatch& watch) {
  if (statement.kind == "DISCARD" && statement.outside_transaction &&
      db.transaction_state() == TransactionState::idle) {
    clean_session(db, session);
    return "DISCARD ALL";
  }
  // A COMMIT that was sent is waited for: cancelled, nobody would know what became of it.
  if (statement.kind == "COMMIT") return db.finish_transaction(statement.text);
  throw_if_interrupted();
  watch.begin(statement);
  std::string tag = db.run_while(statement.text, [&] { watch.poll(); });
  if ((statement.kind == "SET" || statement.kind == "RESET") && statement.object == "client_encoding") {
    db.run_script("SET client_encoding = " + quote_literal(session.client_encoding));
  }
  return tag;
}

bool can_be_journalled(const Script& script) {
  if (!script.parsed) return false;
  return std::none_of(script.statements.begin(), script.statements.end(), [](const Statement& statement) {
    if (!statement.transaction_control) return false;
    const std::optional<ParseNode> node = parse_statement(statement.text);
    return node && node->value("TransactionStmt", ParseNode::object()).value("chain", false);
  });
}

void run_in_steps(const StepsRun& run, const Statement*& at, StepsResult& so_far) { Steps{run, at, so_far}.run_all(); }

}  // namespace belay
