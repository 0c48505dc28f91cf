// What a dump of one database does not hold, or holds otherwise than an operator would think: named one by one, so that
// nobody finds out after a restore.
#pragma once
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay {

/// Sentences about the database that `db` is connected to, and the last ones about its server. Of each kind so many
/// objects are named, and the number of the others.
[[nodiscard]] std::vector<std::string> list_not_included(Connection& db);

}  // namespace belay
