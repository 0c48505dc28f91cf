#include "rollback/lost.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include "common/sql_text.hpp"

namespace belay {

namespace {

/// Rows of a partitioned table are its partitions', a foreign table's are elsewhere.
bool holds_rows(const CatalogObject& object) {
  return object.kind == ObjectKind::table && !object.has("foreign") && !object.has("partitioned by");
}

std::vector<std::string> stored_columns(const CatalogState& state, const ObjectId& table) {
  std::vector<std::string> names;
  for (const CatalogObject* column : state.parts(table, ObjectKind::column)) {
    if (!column->has("generated")) names.push_back(column->name);
  }
  return names;
}

/// `tables`, parents first. A circle is cut where it is met.
std::vector<LostTable> parents_first(std::vector<LostTable> tables, const CatalogState& state) {
  std::map<ObjectId, LostTable*> by_id;
  for (LostTable& table : tables) by_id[table.id] = &table;
  std::vector<LostTable> ordered;
  std::set<ObjectId> seen;
  const std::function<void(LostTable&)> take = [&](LostTable& table) {
    if (!seen.insert(table.id).second) return;
    for (const CatalogObject* constraint : state.parts(table.id, ObjectKind::constraint)) {
      if (constraint->fact("type") != "f") continue;
      const auto oid = static_cast<std::uint32_t>(std::strtoul(constraint->fact("references").c_str(), nullptr, 10));
      const auto parent = by_id.find(ObjectId{"pg_class", oid, 0});
      if (parent != by_id.end()) take(*parent->second);
    }
    ordered.push_back(table);
  };
  for (LostTable& table : tables) take(table);
  return ordered;
}

void add_column(const CatalogObject& column, const CatalogState& earlier, LostRows& lost) {
  const CatalogObject& table = *earlier.find(*column.parent);
  lost.columns.push_back({.id = column.id,
                          .table = table.id,
                          .schema = table.schema,
                          .table_name = table.name,
                          .name = column.name,
                          .always_identity = column.fact("identity") == "ALWAYS",
                          .key = key_columns(earlier, table.id),
                          .columns = stored_columns(earlier, table.id)});
}

void add_identity(const CatalogObject& column, const CatalogState& earlier, LostRows& lost) {
  const CatalogObject& table = *earlier.find(*column.parent);
  if (column.has("identity") && !column.has("inherited"))
    lost.sequences.push_back({.schema = table.schema, .name = table.name, .identity_of = column.name});
}

}  // namespace

LostRows lost_rows(const CatalogState& earlier, const CatalogState& later) {
  LostRows lost;
  for (const auto& [id, object] : earlier.objects) {
    if (later.find(id)) continue;
    if (holds_rows(object)) {
      lost.tables.push_back({.id = id,
                             .schema = object.schema,
                             .name = object.name,
                             .columns = stored_columns(earlier, id),
                             .key = key_columns(earlier, id)});
    } else if (object.kind == ObjectKind::sequence) {
      lost.sequences.push_back({.schema = object.schema, .name = object.name, .identity_of = {}});
    } else if (object.kind == ObjectKind::column) {
      add_identity(object, earlier, lost);
      const bool stays = later.find(*object.parent) != nullptr;
      if (stays && holds_rows(*earlier.find(*object.parent)) && !object.has("generated"))
        add_column(object, earlier, lost);
    }
  }
  lost.tables = parents_first(std::move(lost.tables), earlier);
  return lost;
}

std::optional<std::vector<std::string>> numbered_columns(const CatalogState& state, const ObjectId& table,
                                                         const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    const int number = std::atoi(list.substr(at, comma - at).c_str());
    const CatalogObject* column = state.find({table.catalog, table.oid, number});
    if (!column) return std::nullopt;
    names.push_back(column->name);
    at = comma + 1;
  }
  return names;
}

std::vector<std::string> key_columns(const CatalogState& state, const ObjectId& table) {
  for (const CatalogObject* constraint : state.parts(table, ObjectKind::constraint)) {
    if (constraint->fact("type") == "p")
      return numbered_columns(state, table, constraint->fact("columns")).value_or(std::vector<std::string>{});
  }
  return {};
}

const CatalogObject* table_named(const CatalogState& state, const std::string& schema, const std::string& name) {
  const auto found = std::find_if(state.objects.begin(), state.objects.end(), [&](const auto& entry) {
    return entry.second.kind == ObjectKind::table && entry.second.schema == schema && entry.second.name == name;
  });
  return found == state.objects.end() ? nullptr : &found->second;
}

const CatalogObject* column_named(const CatalogState& state, const ObjectId& table, const std::string& name) {
  for (const CatalogObject* column : state.parts(table, ObjectKind::column)) {
    if (column->name == name) return column;
  }
  return nullptr;
}

std::string path_of(const std::string& schema, const std::string& name) {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

std::string column_list(const std::vector<std::string>& names, const std::string& prefix) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + prefix + quote_identifier(name);
  return list;
}

}  // namespace belay
