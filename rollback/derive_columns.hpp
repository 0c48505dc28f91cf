// A column's way back: its type, default, NOT NULL, identity and storage.
#pragma once
#include "rollback/derive.hpp"

namespace belay {

/// `old`: as it was, in `before`; `now`: as it is after clearing. `asked`: table and column as they are called before
/// the reversal, for the numbers.
struct ColumnChange {
  const CatalogObject& old;
  const CatalogObject& now;
  const CatalogState& before;
  std::string asked_table, asked_column;
  /// The column's enum type is made anew under its old name.
  bool enum_rebuilt = false;
  /// The zone by which the migration converted its values; none = it did not, or not so.
  std::string converted_at = {};
};

/// First type and default, so that a type or function that the migration made is free to go.
[[nodiscard]] Derivation type_and_default(const ColumnChange& change);
/// Then, after keys are dropped and made again: NOT NULL, identity, storage, statistics target, options.
[[nodiscard]] Derivation other_attributes(const ColumnChange& change);
/// A column that was dropped. `asked_table`: its table as it is called before the reversal.
[[nodiscard]] Derivation added_again(const CatalogObject& old, const CatalogState& before,
                                     const std::string& asked_table);
/// What ADD COLUMN and CREATE TABLE cannot say: statistics target, storage, compression, options.
[[nodiscard]] std::vector<ReversalStatement> fine_settings(const CatalogObject& old, const CatalogObject* now,
                                                           const CatalogState& before);

}  // namespace belay
