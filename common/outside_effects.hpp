// Which statements of a script reach beyond the database that they run in. A side database shares its server with the
// target: a script that makes a role, changes a setting of the server or writes to another database does so for real,
// wherever it is run.
#pragma once
#include <string>
#include <vector>

#include "common/script.hpp"

namespace belay {

struct OutsideEffect {
  int line = 1;          ///< 1-based, of the statement
  std::string what;      ///< e.g. "CREATE ROLE", "calls dblink_exec"
  bool unknown = false;  ///< cannot be told from the text: EXECUTE of composed SQL, SQL the parser does not know
};

/// In the order of the script. Definite effects: roles and memberships, databases and their settings, ALTER SYSTEM,
/// tablespaces, subscriptions, prepared transactions, foreign servers and tables, dblink and the other functions that
/// reach out, COPY from or to a file of the server's or a program, server-side file functions, pg_cron. What is only
/// defined (a function, a view, a rule, a policy) does nothing yet; a function that the script defines and calls does.
/// Not seen: what other functions and triggers of the database do, and rows written into a foreign table that another
/// script made.
[[nodiscard]] std::vector<OutsideEffect> outside_effects(const Script& script);
/// The same for people, a line each, under the migration's name; empty if there are none.
[[nodiscard]] std::string outside_effect_lines(const std::string& migration, const Script& script);

}  // namespace belay
