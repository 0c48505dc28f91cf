#include "common/apply_steps.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

/// What a failed CREATE, DROP INDEX or REINDEX CONCURRENTLY, or a DETACH CONCURRENTLY, leaves behind: they commit in
/// the middle.
std::string half_done_objects(Connection& db) {
  const std::string pending_detach =
      db.server_version() >= 140000
          ? " UNION ALL SELECT 'd' || inhrelid FROM pg_catalog.pg_inherits WHERE inhdetachpending"
          : "";
  return db.value(
      "SELECT coalesce(string_agg(object, ',' ORDER BY object), '') FROM (SELECT 'i' || indexrelid AS object "
      "FROM pg_catalog.pg_index WHERE NOT indisvalid" +
      pending_detach + ") half_done");
}

bool may_leave_half(const Statement& statement) {
  constexpr std::array kinds{"CREATE INDEX", "DROP INDEX", "REINDEX", "ALTER TABLE"};
  return statement.outside_transaction && std::find(kinds.begin(), kinds.end(), statement.kind) != kinds.end();
}

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

class Steps {
 public:
  Steps(const StepsRun& run, StepsResult& so_far) : db_(run.db), run_(run), so_far_(so_far) {}

  void execute(const Statement& statement) {
    throw_if_interrupted();  // here nothing of the statement was sent
    const bool in_block = db_.transaction_state() != TransactionState::idle;
    const std::optional<std::string> half_done =
        may_leave_half(statement) ? std::optional<std::string>{half_done_objects(run_.books)} : std::nullopt;
    try {
      const std::string tag = send_statement(db_, statement, run_.session);
      succeeded(statement, tag);
    } catch (const Error& error) {
      failed(statement, error, in_block, half_done);
      throw;
    }
  }

 private:
  void succeeded(const Statement& statement, const std::string& tag) {
    const std::string& kind = statement.kind;
    if (kind == "COMMIT" && tag != "COMMIT") {
      throw Error{Failure::failed, "the script's COMMIT did not commit",
                  "The server answered COMMIT with " + tag + "."};
    }
    if (kind == "COMMIT") {
      so_far_.committed_something = so_far_.committed_something || work_in_block_;
      work_in_block_ = false;
    } else if (kind == "ROLLBACK") {
      work_in_block_ = false;
    } else if (!statement.session_only && db_.transaction_state() == TransactionState::idle) {
      so_far_.committed_something = true;
    } else if (!statement.session_only) {
      work_in_block_ = true;
    }
  }

  void failed(const Statement& statement, const Error& error, bool in_block,
              const std::optional<std::string>& half_done) {
    const auto* server = dynamic_cast<const ServerError*>(&error);
    if (!db_.usable()) return lost(statement, in_block);
    if (in_block) return;  // the transaction that the script began is rolled back by the caller
    if (statement.session_only || statement.kind == "COMMIT") return;
    bool maybe = false;
    if (!run_.script.parsed) {
      maybe = may_commit_in_the_middle(statement.text, server);
    } else if (half_done) {
      maybe = half_done_now() != half_done;
    } else if (server == nullptr) {
      maybe = true;  // interrupted: it may have been faster
    } else {
      maybe = may_commit_inside(statement, server);
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

  /// What cannot be read is taken for changed.
  std::optional<std::string> half_done_now() {
    const InterruptShield shield;
    try {
      return half_done_objects(run_.books);
    } catch (const ServerError&) {
      return std::nullopt;
    }
  }

  Connection& db_;
  const StepsRun& run_;
  StepsResult& so_far_;
  bool work_in_block_ = false;
};

}  // namespace

std::string send_statement(Connection& db, const Statement& statement, const SessionFacts& session) {
  if (statement.kind == "DISCARD" && statement.outside_transaction &&
      db.transaction_state() == TransactionState::idle) {
    clean_session(db, session);
    return "DISCARD ALL";
  }
  // A COMMIT that was sent is waited for: cancelled, nobody would know what became of it.
  std::string tag = statement.kind == "COMMIT" ? db.finish_transaction(statement.text) : db.run_script(statement.text);
  if ((statement.kind == "SET" || statement.kind == "RESET") && statement.object == "client_encoding") {
    db.run_script("SET client_encoding = " + quote_literal(session.client_encoding));
  }
  return tag;
}

void run_in_steps(const StepsRun& run, const Statement*& at, StepsResult& so_far) {
  Steps steps{run, so_far};
  for (const Statement& statement : run.script.statements) {
    at = &statement;
    if (run.on_statement) run.on_statement(statement);
    fault_point("apply: step");
    steps.execute(statement);
    fault_point("apply: step done");
  }
  at = nullptr;
}

}  // namespace belay
