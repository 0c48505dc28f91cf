// A savepoint inside an open transaction that is always gone back to.
//
// It is here for its locks: a transaction keeps every lock to its end, and one that reads ten thousand tables fills the
// server's lock table, so that sessions in other databases fail with "out of shared memory". What was locked since a
// savepoint is let go by ROLLBACK TO SAVEPOINT, while the snapshot stays (PostgreSQL's documentation, "Explicit
// Locking").
#pragma once
#include "common/connection.hpp"

namespace belay {

/// Its name. Statements on it change nothing.
inline constexpr const char* locks_savepoint = "belay_locks";

class Savepoint {
 public:
  /// Needs an open transaction. Throws ServerError.
  explicit Savepoint(Connection& db);
  ~Savepoint();  ///< everything since is taken back and its locks are let go, also after a statement that failed
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;

 private:
  Connection& db_;
};

}  // namespace belay
