// Owner, privileges and comment of an object: statements that give it what it had.
#pragma once
#include "rollback/derive.hpp"

namespace belay {

/// `now`: the object as it is; none = it is made again by the reversal, as `state.role`'s.
[[nodiscard]] std::vector<ReversalStatement> rights_statements(const CatalogObject& old, const CatalogObject* now,
                                                               const CatalogState& state);

}  // namespace belay
