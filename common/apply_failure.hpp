// What went wrong in a migration, in words for people and in the form that Prisma keeps in the history's logs.
#pragma once
#include <string>

#include "common/apply.hpp"
#include "common/apply_session.hpp"

namespace belay {

/// Where a script stood when it failed.
struct FailedAt {
  const Migration& migration;
  const Script& script;
  const Statement* statement;  ///< none = after the last one
  const ApplySettings& settings;
  const SessionFacts& session;
  std::string blocked_by;  ///< who was seen to block the statement, a line each
};

/// `cause` with the migration, the place in its file, the server's words and what can be done. Its kind is `cause`'s.
[[nodiscard]] ApplyFailure describe_failure(const FailedAt& at, const Error& cause);

/// The GRANT, ALTER … OWNER or ALTER ROLE line for a "permission denied" or "must be owner" message; empty if the
/// message does not say enough.
[[nodiscard]] std::string missing_right(const std::string& server_message, const Statement& statement,
                                        const std::string& role);

}  // namespace belay
