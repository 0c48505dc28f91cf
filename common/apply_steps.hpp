// A script that cannot run in one transaction: its statements one by one, with an honest account of what is committed
// by now.
#pragma once
#include <functional>
#include <string>

#include "common/apply.hpp"
#include "common/apply_session.hpp"

namespace belay {

struct StepsResult {
  bool committed_something = false;
  bool in_doubt = false;
};

struct StepsRun {
  Connection& db;
  Connection& books;
  const Script& script;  ///< one that was not parsed has one statement: all of it
  const SessionFacts& session;
  const std::function<void(const Statement&)>& on_statement;
};

/// Runs the statements. `at` is the one being run, for the caller's report; null before and after. `so_far` is right at
/// every moment, also when this throws. Throws what the server or `on_statement` throws; the transaction that the
/// script began, if any, is then still open.
void run_in_steps(const StepsRun& run, const Statement*& at, StepsResult& so_far);

/// Sends one statement. DISCARD ALL becomes the cleaning that keeps Prisma's lock, and the script's own SET
/// client_encoding is taken back after it: a file sent as one query is converted before its first statement runs, so
/// the setting never was about the file's own text.
std::string send_statement(Connection& db, const Statement& statement, const SessionFacts& session);

}  // namespace belay
