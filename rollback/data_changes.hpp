// Which statements of a migration change rows that were there before it. No comparison of schemas sees that, so a
// reversal derived from the schema cannot give those rows back.
#pragma once
#include <string>
#include <vector>

#include "common/script.hpp"
#include "rollback/catalog_state.hpp"

namespace belay {

struct DataChange {
  int line = 1;          ///< 1-based, of the statement; 0 = it was seen in the catalog, not in the text
  std::string what;      ///< "UPDATE orders", "calls backfill"
  bool unknown = false;  ///< what it does to rows cannot be told from its text
};

/// In the order of the script. Rows of a table that the migration made, and values of columns that it added, go with
/// those and do not count, unless a trigger may pass them on.
[[nodiscard]] std::vector<DataChange> data_changes(const Script& script, const CatalogState& before,
                                                   const CatalogState& after);
/// What the two states alone show: columns whose values may not have survived the change of their type, and tables and
/// columns that others took the place of.
[[nodiscard]] std::vector<DataChange> replaced_data(const CatalogState& before, const CatalogState& after);
/// Notes on columns of `after` that the script gave another type by `AT TIME ZONE 'UTC'` (fact "converted at"): no
/// catalog shows by which expression values were converted.
void note_exact_conversions(const Script& script, CatalogState& after);
/// Whether a value of the type `from` (as format_type prints it) can be had back from what it is as `to`. False in
/// doubt.
[[nodiscard]] bool keeps_every_value(const CatalogObject& from, const CatalogObject& to);

}  // namespace belay
