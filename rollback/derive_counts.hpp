// Questions about live rows, to be asked before a reversal, in the names that things have then.
#pragma once
#include <string>

#include "rollback/catalog_state.hpp"

namespace belay {

/// Two states of one database: as a thing was, and as it is called when the question is asked.
struct AskedStates {
  const CatalogState& before;
  const CatalogState& after;
};

/// A query for the number of rows that keep the constraint or unique index `old` from being made again; empty where
/// that cannot be asked.
[[nodiscard]] std::string violations_of(const CatalogObject& old, const AskedStates& states);
/// A query for the number of values of `attribute` in columns of the composite type `type`; empty if there are none.
[[nodiscard]] std::string values_of_attribute(const CatalogObject& type, const std::string& attribute,
                                              const CatalogState& after);
/// A query for the number of values of the column `old` that are not what its expression makes; empty where that cannot
/// be asked.
[[nodiscard]] std::string values_not_computed(const CatalogObject& old, const AskedStates& states);

}  // namespace belay
