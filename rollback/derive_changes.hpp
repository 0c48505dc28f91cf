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

struct StatePair {
  const CatalogState& before;
  const CatalogState& now;
};
/// The column that a sequence belongs to. `now`: none = the sequence is made again.
[[nodiscard]] Derivation sequence_owner(const CatalogObject& old, const CatalogObject* now, const StatePair& states);

}  // namespace belay
