// Every row of a database as text, and where two such states differ. For tests; shares nothing with the fingerprints.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay::test {

enum class ColumnKey {
  name,     ///< "schema.table" and "column", as they are called
  identity  ///< OID and number, whatever they are called
};

struct TableRows {
  std::string name;                            ///< "schema.table"
  std::map<std::string, std::string> columns;  ///< by key: its name
  std::map<std::string, std::string> types;    ///< by key
  std::map<std::string, std::string> type_oids;
  std::map<std::string, std::string> inside;  ///< by key: an enum's labels, a composite type's attributes
  std::set<std::string> generated;            ///< keys of columns that are computed from others
  std::vector<std::map<std::string, Cell>> rows;
  /// Whether both print a value of the column alike.
  [[nodiscard]] bool is_of_the_same_type(const TableRows& other, const std::string& key) const {
    return types.at(key) == other.types.at(key) && inside.at(key) == other.inside.at(key);
  }
};

/// By key of the table. Ordinary tables and partitions; what a materialized view holds is no data of its own.
using RowSnapshot = std::map<std::string, TableRows>;

[[nodiscard]] RowSnapshot read_rows(Connection& db, ColumnKey key);

/// The values of `column`, sorted.
[[nodiscard]] std::multiset<Cell> values_of(const TableRows& table, const std::string& column);

[[nodiscard]] std::size_t distinct(const TableRows& table, const std::string& column);

/// Columns whose values are not the same ("schema.table.column"), and tables whose rows are put together otherwise
/// although each column's values are the same ("schema.table"). Only what both have is compared, and of
/// a column of another type only how many different values it has.
[[nodiscard]] std::set<std::string> differing_rows(const RowSnapshot& a, const RowSnapshot& b);

}  // namespace belay::test
