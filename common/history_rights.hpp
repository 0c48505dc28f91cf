// What a role has to be allowed for the history, asked before anything is done: a run that may not write its rows would
// find that out after its first migration.
#pragma once
#include <string>

#include "common/connection.hpp"

namespace belay {

enum class HistoryAccess { read, write };

/// Throws refused, with the lines that would give the rights, unless the session's role may read the history in
/// `schema` or, to write, add to it and change it; where there is no such table (or no such schema), create it.
void check_history_rights(Connection& db, const std::string& schema, HistoryAccess access);

}  // namespace belay
