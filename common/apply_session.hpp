// The session a script runs in: what it is set to before, and how it is made clean afterwards.
#pragma once
#include <string>

#include "common/apply.hpp"

namespace belay {

/// What is read from the session before the script, because it may not be readable, or not be the same, afterwards.
struct SessionFacts {
  std::string role;               ///< current_user
  std::string client_encoding;    ///< what belay sends scripts in: UTF8, or SQL_ASCII on such a server
  bool standard_strings = true;   ///< standard_conforming_strings: the parser's reading of '\' is the server's
  bool prisma_lock = false;       ///< this session holds Prisma's lock
  bool lock_timeout_set = false;  ///< server, database or role set a lock_timeout
  int backend_pid = 0;
};

enum class SettingScope { transaction, session };

[[nodiscard]] SessionFacts read_session(Connection& db);
/// search_path and time-outs as given; what is not given stays as it is.
[[nodiscard]] std::string set_for_script_sql(const ApplySettings& settings, SettingScope scope);
/// For the script's transaction, after its last statement: checks deferred constraints while the script's role and
/// settings still stand, then makes the session fit for bookkeeping, whatever role, search_path or time-out the script
/// has chosen.
[[nodiscard]] std::string bookkeeping_setup_sql();
/// ROLLBACK if a transaction is open, then everything that DISCARD ALL resets except advisory locks: Prisma's must be
/// kept. Does nothing if the connection is gone. Not interruptible.
void clean_session(Connection& db, const SessionFacts& facts);
/// The same as SQL, for a session in no transaction.
[[nodiscard]] std::string clean_session_sql(Connection& db, const SessionFacts& facts);
/// Takes Prisma's lock again if the script released it (pg_advisory_unlock_all). Throws refused if somebody else was
/// faster.
void keep_prisma_lock(Connection& db, const SessionFacts& facts);

/// lock_timeout 0 while it stands, if `needed`; then what it was before.
class WithoutLockTimeout {
 public:
  WithoutLockTimeout(Connection& db, bool needed);
  ~WithoutLockTimeout();
  WithoutLockTimeout(const WithoutLockTimeout&) = delete;
  WithoutLockTimeout& operator=(const WithoutLockTimeout&) = delete;

 private:
  Connection& db_;
  std::string before_;
};

}  // namespace belay
