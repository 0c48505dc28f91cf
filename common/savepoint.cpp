#include "common/savepoint.hpp"

#include <fmt/format.h>

namespace belay {

Savepoint::Savepoint(Connection& db) : db_(db) { db_.run(fmt::format("SAVEPOINT {}", locks_savepoint)); }

Savepoint::~Savepoint() {
  if (!db_.usable()) return;
  try {
    db_.finish_transaction(fmt::format("ROLLBACK TO SAVEPOINT {}", locks_savepoint));
    db_.finish_transaction(fmt::format("RELEASE SAVEPOINT {}", locks_savepoint));
  } catch (const std::exception&) {
    // The session is gone, and its locks with it.
  }
}

}  // namespace belay
