#include "tests/server/row_snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace belay::test {

namespace {

/// Of an enum its labels belong to the type, of a composite type its attributes.
constexpr const char* columns_query =
    "SELECT attname::text AS name, attnum::text AS number, atttypid::text AS type_oid, format_type(atttypid, "
    "atttypmod) AS type, coalesce((SELECT "
    "string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = atttypid), (SELECT "
    "string_agg(p.attname, ',' ORDER BY p.attnum) FROM pg_type AS t JOIN pg_attribute AS p ON p.attrelid = t.typrelid "
    "AND NOT p.attisdropped WHERE t.oid = a.atttypid AND p.attnum > 0), '') AS inside, quote_ident(attname) AS quoted, "
    "attgenerated <> '' AS generated FROM pg_attribute AS a WHERE attrelid = $1::oid AND attnum > 0 AND NOT "
    "attisdropped ORDER BY attnum";

void read_table(Connection& db, const std::string& oid, ColumnKey key, TableRows& table) {
  std::string list;
  std::vector<std::string> keys;
  for (const Row& column : db.rows(columns_query, {oid})) {
    keys.push_back(column.text(key == ColumnKey::name ? "name" : "number"));
    table.columns[keys.back()] = column.text("name");
    table.types[keys.back()] = column.text("type");
    table.type_oids[keys.back()] = column.text("type_oid");
    table.inside[keys.back()] = column.text("inside");
    if (column.flag("generated")) table.generated.insert(keys.back());
    list += (list.empty() ? "" : ", ") + column.text("quoted") + "::text";
  }
  for (const Row& row : db.rows(fmt::format("SELECT {} FROM ONLY {}", list, table.name))) {
    std::map<std::string, Cell> values;
    for (std::size_t i = 0; i < keys.size(); ++i) values[keys[i]] = row.cell(i);
    table.rows.push_back(std::move(values));
  }
}

std::multiset<std::vector<Cell>> projected(const TableRows& table, const std::vector<std::string>& keys) {
  std::multiset<std::vector<Cell>> rows;
  for (const std::map<std::string, Cell>& row : table.rows) {
    std::vector<Cell> values;
    for (const std::string& key : keys) values.push_back(row.at(key));
    rows.insert(std::move(values));
  }
  return rows;
}

void compare_tables(const TableRows& a, const TableRows& b, std::set<std::string>& differing) {
  std::vector<std::string> common;
  for (const auto& [key, name] : a.columns) {
    if (!b.columns.contains(key)) continue;
    if (a.is_of_the_same_type(b, key)) {
      common.push_back(key);
    } else if (distinct(a, key) != distinct(b, key)) {
      differing.insert(a.name + "." + name);
    }
  }
  if (projected(a, common) == projected(b, common)) return;
  const std::size_t before = differing.size();
  for (const std::string& key : common) {
    if (values_of(a, key) != values_of(b, key)) differing.insert(a.name + "." + a.columns.at(key));
  }
  if (differing.size() == before) differing.insert(a.name);
}

}  // namespace

RowSnapshot read_rows(Connection& db, ColumnKey key) {
  RowSnapshot snapshot;
  for (const Row& row :
       db.rows("SELECT c.oid::text AS oid, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN "
               "pg_namespace n "
               "ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> "
               "'information_schema'")) {
    TableRows& table = snapshot[row.text(key == ColumnKey::name ? "name" : "oid")];
    table.name = row.text("name");
    read_table(db, row.text("oid"), key, table);
  }
  return snapshot;
}

std::multiset<Cell> values_of(const TableRows& table, const std::string& column) {
  std::multiset<Cell> values;
  for (const std::map<std::string, Cell>& row : table.rows) values.insert(row.at(column));
  return values;
}

std::size_t distinct(const TableRows& table, const std::string& column) {
  const std::multiset<Cell> values = values_of(table, column);
  return std::set<Cell>(values.begin(), values.end()).size();
}

std::set<std::string> differing_rows(const RowSnapshot& a, const RowSnapshot& b) {
  std::set<std::string> differing;
  for (const auto& [key, table] : a) {
    const auto other = b.find(key);
    if (other != b.end()) compare_tables(table, other->second, differing);
  }
  return differing;
}

}  // namespace belay::test
