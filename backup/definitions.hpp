// pg_dump reads rows and lists of objects in its snapshot, but many definitions through functions that look at the
// newest catalog: pg_get_functiondef, pg_get_indexdef, pg_get_triggerdef, and every name within an expression or a
// view. A function replaced while the dump runs is in it as it is now, a dropped one ends it, and a view may name what
// the dump does not hold. Nothing in the dump tells. So the row versions of everything that definitions are made of are
// compared between the snapshot and the present.
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
