// pg_dump reads rows and lists of objects in its snapshot, but definitions through pg_get_viewdef and its like, which
// look at the newest catalog: a function replaced while the dump runs is in it as it is now, a dropped one ends it or
// is missing, and a view may name what the dump does not hold. Nothing in the dump tells. So the row versions of
// everything with such a definition are compared between the snapshot and the present.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay {

/// Catalog rows that definitions are made of (catalog and OID), and of each what is another after any change. User
/// objects only, temporary ones left out.
using DefinitionRows = std::map<std::string, std::string>;

/// As of `db`'s snapshot; of the present outside a transaction.
[[nodiscard]] DefinitionRows read_definition_rows(Connection& db);

/// Rows that `then` has and `now` has otherwise or not at all. What only `now` has is no part of a dump of `then`.
[[nodiscard]] std::vector<std::string> changed_rows(const DefinitionRows& then, const DefinitionRows& now);

/// What people call them, a line each, at most `most` and a last one with the number of the others. `db` must be in a
/// snapshot that has them.
[[nodiscard]] std::vector<std::string> describe_rows(Connection& db, const std::vector<std::string>& rows,
                                                     std::size_t most);

}  // namespace belay
