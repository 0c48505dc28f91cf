// What is in one state of a database's catalog and not in a later one, as far as it holds rows: tables, columns,
// sequences. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rollback/catalog_state.hpp"

namespace belay {

/// A table that is gone whole.
struct LostTable {
  ObjectId id;
  std::string schema, name;
  std::vector<std::string> columns;  ///< without generated ones
  std::vector<std::string> key;      ///< of its primary key, in the key's order; empty = it has none
};

/// A column that is gone from a table that stays.
struct LostColumn {
  ObjectId id, table;
  std::string schema, table_name, name;
  bool always_identity = false;      ///< nothing can be written to it by UPDATE
  std::vector<std::string> key;      ///< of the table's primary key; empty = it has none
  std::vector<std::string> columns;  ///< all of the table's, without generated ones
};

struct LostSequence {
  std::string schema, name;  ///< of an identity column: the table's
  std::string identity_of;   ///< the identity column that it belongs to; empty = it is one of its own
};

/// Names are those of the earlier state.
struct LostRows {
  std::vector<LostTable> tables;  ///< each after those that its foreign keys need, where that is no circle
  std::vector<LostColumn> columns;
  std::vector<LostSequence> sequences;
  [[nodiscard]] bool empty() const { return tables.empty() && columns.empty() && sequences.empty(); }
};

/// What of `earlier` is not in `later`. Without what holds no rows of its own (partitioned tables, views), and without
/// foreign tables and generated columns.
[[nodiscard]] LostRows lost_rows(const CatalogState& earlier, const CatalogState& later);

/// The four states in which a reversal's side database was.
struct ReversalStates {
  const CatalogState& before;    ///< the migration
  const CatalogState& after;     ///< the migration
  const CatalogState& latest;    ///< after all migrations: as the live database is
  const CatalogState& reversed;  ///< after the reversal
};

/// Names of the columns that `list`, a fact like "2,1", numbers in the table `table`; none if one of them is not there.
[[nodiscard]] std::optional<std::vector<std::string>> numbered_columns(const CatalogState& state, const ObjectId& table,
                                                                       const std::string& list);
/// Of the table's primary key; empty = it has none.
[[nodiscard]] std::vector<std::string> key_columns(const CatalogState& state, const ObjectId& table);
/// The table by its name; null = there is none.
[[nodiscard]] const CatalogObject* table_named(const CatalogState& state, const std::string& schema,
                                               const std::string& name);
/// The table's column by its name; null = there is none.
[[nodiscard]] const CatalogObject* column_named(const CatalogState& state, const ObjectId& table,
                                                const std::string& name);
/// `"s"."t"`.
[[nodiscard]] std::string path_of(const std::string& schema, const std::string& name);
/// `"a", "b"`, each with `prefix` in front.
[[nodiscard]] std::string column_list(const std::vector<std::string>& names, const std::string& prefix = {});

}  // namespace belay
