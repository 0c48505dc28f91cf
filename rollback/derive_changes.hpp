// What a kept domain, sequence or table needs to be as it was.
#pragma once
#include "rollback/derive.hpp"

namespace belay {

[[nodiscard]] Derivation domain_as_it_was(const CatalogObject& old, const CatalogObject& now,
                                          const CatalogState& before);
[[nodiscard]] Derivation sequence_as_it_was(const CatalogObject& old, const CatalogObject& now,
                                            const CatalogState& before);
[[nodiscard]] Derivation table_as_it_was(const CatalogObject& old, const CatalogObject& now,
                                         const CatalogState& before);
/// Partition, row security, replica identity, storage parameters. `now`: none = the table is made again.
[[nodiscard]] Derivation table_settings(const CatalogObject& old, const CatalogObject* now, const CatalogState& before);

/// `after`: the state right after the migration, in whose names values of new attributes are counted.
[[nodiscard]] Derivation composite_as_it_was(const CatalogObject& old, const CatalogObject& now,
                                             const CatalogState& before, const CatalogState& after);

struct StatePair {
  const CatalogState& before;
  const CatalogState& now;
};
/// The column that a sequence belongs to. `now`: none = the sequence is made again.
[[nodiscard]] Derivation sequence_owner(const CatalogObject& old, const CatalogObject* now, const StatePair& states);

/// Whether the enum has values that it had not.
[[nodiscard]] bool has_new_labels(const CatalogObject& old, const CatalogObject& now);
/// Renames the enum to `aside`, so that it can be made anew without those; counts the rows that use one. `after`: the
/// state right after the migration, in whose names they are asked for.
[[nodiscard]] ReversalStatement enum_put_aside(const CatalogObject& old, const CatalogObject& now,
                                               const CatalogState& after, const std::string& aside);

}  // namespace belay
