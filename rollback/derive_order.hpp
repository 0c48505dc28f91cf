// In which order objects are dropped and made.
#pragma once
#include <map>
#include <set>
#include <vector>

#include "rollback/catalog_state.hpp"

namespace belay {

using ObjectSet = std::set<ObjectId>;

/// True if `id` is `of`, or a column of the table `of`.
[[nodiscard]] bool covers(const ObjectId& of, const ObjectId& id);
/// What cannot be without one of `roots` in `state`, and what cannot be without those, and so on; without `roots`.
/// Parts of a table in it that go with the table anyway are left out.
[[nodiscard]] ObjectSet dependents_of(const ObjectSet& roots, const CatalogState& state);

/// Where an object's statements stand among those that make it when no dependency says otherwise; of a column.
inline constexpr int rank_of_columns = 6;
[[nodiscard]] int rank_of(const CatalogObject& object);

/// `items` so that each comes after what it needs within them, by `state`'s dependencies; where those say nothing, by
/// `rank`, then by identity. A circle is cut at the smallest rank.
[[nodiscard]] std::vector<ObjectId> needed_first(const std::map<ObjectId, int>& rank, const CatalogState& state);

}  // namespace belay
