// A transaction that ends in every case, and whose COMMIT is believed only by its tag.
#include "common/connection.hpp"

namespace belay {

Transaction::Transaction(Connection& db, const std::string& modes) : db_(db) {
  db_.run(modes.empty() ? "BEGIN" : "BEGIN " + modes);
}

Transaction::~Transaction() {
  if (!open_ || !db_.usable()) return;
  try {
    rollback();
  } catch (const std::exception&) {
    // The session is gone, and with it the transaction.
  }
}

Transaction::Transaction(Connection& db, const With& with) : db_(db) {
  try {
    db_.run_script("BEGIN; " + with.first);
  } catch (const std::exception&) {
    if (db_.usable() && db_.transaction_state() != TransactionState::idle) rollback();
    throw;
  }
}

void Transaction::check(const std::string& tag) const {
  if (tag != "COMMIT") throw Error{Failure::failed, "could not commit", "The server answered COMMIT with " + tag + "."};
}

namespace {

/// Did the server commit before the link broke? This session cannot know.
[[noreturn]] void throw_commit_error(ServerError error) {
  if (error.connection_lost) {
    error.kind = Failure::unresolved;
    error.message = "lost the connection while committing";
  }
  throw ServerError{error};
}

}  // namespace

void Transaction::commit() {
  open_ = false;
  try {
    check(db_.finish_transaction("COMMIT"));
  } catch (const ServerError& error) {
    throw_commit_error(error);
  }
}

bool Transaction::commit_and(const std::string& then) {
  open_ = false;
  try {
    const Connection::Finished finished = db_.commit_and(then);
    check(finished.tag);
    return finished.then_done;
  } catch (const ServerError& error) {
    throw_commit_error(error);
  }
}

void Transaction::rollback() {
  open_ = false;
  db_.finish_transaction("ROLLBACK");
}

}  // namespace belay
