#include "rollback/derive_counts.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "common/sql_text.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

ObjectId table_id(const std::string& oid) { return {"pg_class", static_cast<std::uint32_t>(std::stoul(oid)), 0}; }

/// The names of a table's columns by their numbers, "1,3"; none if one of them is not there.
std::optional<std::vector<std::string>> names_of(const ObjectId& table, const std::string& numbers,
                                                 const CatalogState& state) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < numbers.size();) {
    const std::size_t comma = std::min(numbers.find(',', at), numbers.size());
    const CatalogObject* column =
        state.find({table.catalog, table.oid, std::atoi(numbers.substr(at, comma - at).c_str())});
    if (!column) return std::nullopt;
    names.push_back(quote_identifier(column->name));
    at = comma + 1;
  }
  if (names.empty()) return std::nullopt;
  return names;
}

template <class Piece>
std::string joined(std::size_t number, const char* separator, const Piece& piece) {
  std::string text;
  for (std::size_t i = 0; i < number; ++i) text += (i == 0 ? "" : separator) + piece(i);
  return text;
}

/// Whether table and columns are called in both states alike, so that an expression over them means the same.
bool are_called_alike(const ObjectId& table, const std::string& numbers, const AskedStates& states) {
  const CatalogObject* was = states.before.find(table);
  const CatalogObject* is = states.after.find(table);
  if (!was || !is || qualified(*was) != qualified(*is)) return false;
  return names_of(table, numbers, states.before) == names_of(table, numbers, states.after);
}

std::string duplicates(const std::string& table, const std::vector<std::string>& columns) {
  const std::string filled =
      joined(columns.size(), " AND ", [&](std::size_t i) { return columns[i] + " IS NOT NULL"; });
  const std::string list = joined(columns.size(), ", ", [&](std::size_t i) { return columns[i]; });
  return fmt::format(
      "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1) AS "
      "d",
      table, filled, list);
}

std::string orphans(const CatalogObject& key, const std::string& table, const std::vector<std::string>& columns,
                    const CatalogState& after) {
  const ObjectId target = table_id(key.fact("references"));
  const CatalogObject* parent = after.find(target);
  const auto referenced = names_of(target, key.fact("referenced columns"), after);
  if (!parent || !referenced || referenced->size() != columns.size()) return {};
  return fmt::format("SELECT count(*) FROM {} AS c WHERE {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})", table,
                     joined(columns.size(), " AND ", [&](std::size_t i) { return "c." + columns[i] + " IS NOT NULL"; }),
                     qualified(*parent), joined(columns.size(), " AND ", [&](std::size_t i) {
                       return "p." + (*referenced)[i] + " = c." + columns[i];
                     }));
}

}  // namespace

std::string violations_of(const CatalogObject& old, const AskedStates& states) {
  const CatalogObject* table = old.parent ? states.after.find(*old.parent) : nullptr;
  if (!table) return {};
  if (old.has("check")) {
    if (!are_called_alike(table->id, old.fact("columns"), states)) return {};
    return fmt::format("SELECT count(*) FROM {} WHERE NOT ({})", qualified(*table), old.fact("check"));
  }
  const auto columns = names_of(table->id, old.fact("columns"), states.after);
  if (!columns) return {};
  if (old.has("references")) return orphans(old, qualified(*table), *columns, states.after);
  const bool of_columns = old.kind == ObjectKind::index ? old.has("unique") && old.has("of columns")
                                                        : old.fact("type") == "p" || old.fact("type") == "u";
  return of_columns ? duplicates(qualified(*table), *columns) : "";
}

std::string values_of_attribute(const CatalogObject& type, const std::string& attribute, const CatalogState& after) {
  std::string query;
  for (const auto& [id, column] : after.objects) {
    if (column.kind != ObjectKind::column || column.fact("composite") != std::to_string(type.id.oid)) continue;
    query += fmt::format("{}(SELECT count(({}).{}) FROM {})", query.empty() ? "SELECT " : " + ",
                         quote_identifier(column.name), quote_identifier(attribute), parent_name(column, after));
  }
  return query;
}

std::string values_not_computed(const CatalogObject& old, const AskedStates& states) {
  std::string all;
  for (const CatalogObject* column : states.before.parts(*old.parent, ObjectKind::column))
    all += (all.empty() ? "" : ",") + std::to_string(column->id.sub);
  if (!are_called_alike(*old.parent, all, states)) return {};
  return fmt::format("SELECT count(*) FROM {} WHERE {} IS DISTINCT FROM ({})", parent_name(old, states.before),
                     quote_identifier(old.name), old.fact("generated"));
}

}  // namespace belay
