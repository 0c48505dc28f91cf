// Owner, privileges and comment of an object: statements that give it what it had.
#pragma once
#include "rollback/derive.hpp"

namespace belay {

/// `now`: the object as it is; none = it is made again by the reversal, as `state.role`'s.
[[nodiscard]] std::vector<ReversalStatement> rights_statements(const CatalogObject& old, const CatalogObject* now,
                                                               const CatalogState& state);

enum class SchemasThat { are_there, are_made_again };
/// What makes the default privileges of `now` those of `before`: first in schemas that are there, then, when they are
/// made, in the others. Those of a new schema go with it.
[[nodiscard]] std::vector<ReversalStatement> default_privileges_statements(const CatalogState& before,
                                                                           const CatalogState& now,
                                                                           SchemasThat schemas);

}  // namespace belay
