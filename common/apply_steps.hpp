// A script that cannot run in one transaction: its statements one by one, each finished one written into the journal on
// the server, with an honest account of what is committed by now.
//
// What is true if the process dies:
//   a statement that can run in a transaction: it and its line in the journal are committed together, or neither is.
//   the script's own BEGIN … COMMIT: the journal is written inside, before its COMMIT.
//   any other: the journal says "begun" before it, and what the catalog holds afterwards says whether it is done.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "common/apply.hpp"
#include "common/apply_session.hpp"
#include "common/statement_journal.hpp"
#include "common/statement_watch.hpp"

namespace belay {

struct StepsResult {
  bool committed_something = false;
  bool in_doubt = false;
  std::optional<StatementJournal> journal;  ///< as it is on the server; none = none can be kept
  std::string left_behind;                  ///< what the failing statement left half done; may be empty
};

struct StepsRun {
  Connection& db;
  Connection& books;
  const Script& script;  ///< one that was not parsed has one statement: all of it
  const SessionFacts& session;
  const ApplySettings& settings;
  const std::function<void(const Statement&)>& on_statement;
  StatementWatch& watch;
};

/// Runs the statements that `so_far.journal` does not call done. `at` is the one being run, for the caller's report;
/// null before and after. `so_far` is right at every moment, also when this throws. Throws what the server or
/// `on_statement` throws; the transaction that the script began, if any, is then still open.
void run_in_steps(const StepsRun& run, const Statement*& at, StepsResult& so_far);

/// False where a journal could not say what is done: the parser did not understand the script, or it has COMMIT AND
/// CHAIN.
[[nodiscard]] bool can_be_journalled(const Script& script);

/// Sends one statement and has `watch` look at it. DISCARD ALL becomes the cleaning that keeps Prisma's lock, and the
/// script's own SET client_encoding is taken back after it: a file sent as one query is converted before its first
/// statement runs, so the setting never was about the file's own text.
std::string send_statement(Connection& db, const Statement& statement, const SessionFacts& session,
                           StatementWatch& watch);

/// The server gave up waiting for another session's lock, or ended a deadlock: worth another try.
[[nodiscard]] bool is_lock_conflict(const Error& error);
/// Waits before try number `attempt` (from 1): 0.5 s, doubled each time up to 8 s, half of it by chance. Throws
/// interrupted.
void back_off(int attempt);

}  // namespace belay
