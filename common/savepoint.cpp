#include "common/savepoint.hpp"

namespace belay {

Savepoint::Savepoint(Connection& db) : db_(db) { db_.run("SAVEPOINT belay_locks"); }

Savepoint::~Savepoint() {
  if (!db_.usable()) return;
  try {
    db_.finish_transaction("ROLLBACK TO SAVEPOINT belay_locks");
    db_.finish_transaction("RELEASE SAVEPOINT belay_locks");
  } catch (const std::exception&) {
    // The session is gone, and its locks with it.
  }
}

}  // namespace belay
