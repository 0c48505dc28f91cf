#include "migrate/lint_catalog.hpp"

#include <algorithm>
#include <cctype>

#include "common/sql_text.hpp"
#include "common/sql_tokens.hpp"
#include "migrate/sql_scan.hpp"

namespace belay {

namespace {

std::string quoted_where_needed(const std::string& name) {
  const bool plain = !name.empty() && is_sql_word_start(name.front()) &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  return plain && !needs_quotes(name) ? name : quote_identifier(name);
}

void take_names(const ParseNode& node, std::vector<std::string>& parts) {
  if (node.is_array()) {
    for (const ParseNode& item : node) take_names(item, parts);
  } else if (const std::string part = name_in(node); !part.empty()) {
    parts.push_back(part);
  }
}

const ParseNode& list_of_names(const ParseNode& node) {
  for (const char* inner : {"List", "TypeName", "ObjectWithArgs"}) {
    if (const ParseNode& found = member(node, inner); !found.empty()) return list_of_names(found);
  }
  for (const char* inner : {"items", "names", "objname"}) {
    if (const ParseNode& found = member(node, inner); !found.empty()) return found;
  }
  return node;
}

}  // namespace

std::string shown_name(const QualifiedName& name) {
  const std::string last = quoted_where_needed(name.name);
  return name.schema.empty() ? last : quoted_where_needed(name.schema) + "." + last;
}

QualifiedName qualified_name(const ParseNode& node) {
  const ParseNode& range = member(node, "RangeVar");
  const ParseNode& relation = range.empty() ? node : range;
  if (relation.is_object() && relation.contains("relname"))
    return {relation.value("schemaname", ""), relation["relname"].get<std::string>()};
  std::vector<std::string> parts;
  take_names(list_of_names(node), parts);
  if (parts.empty()) return {};
  return {parts.size() > 1 ? parts[parts.size() - 2] : "", parts.back()};
}

const CatalogColumn* CatalogTable::column(const std::string& wanted) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const CatalogColumn& c) { return c.name == wanted; });
  return found == columns.end() ? nullptr : &*found;
}

const CatalogConstraint* CatalogTable::constraint(const std::string& wanted) const {
  const auto found = std::find_if(constraints.begin(), constraints.end(),
                                  [&](const CatalogConstraint& c) { return c.name == wanted; });
  return found == constraints.end() ? nullptr : &*found;
}

QualifiedName LintCatalog::resolve(const QualifiedName& name) const {
  if (!name.schema.empty()) return name;
  for (const std::string& schema : search_path) {
    const QualifiedName full{schema, name.name};
    if (tables.contains(full) || index_tables.contains(full)) return full;
  }
  return {search_path.empty() ? "public" : search_path.front(), name.name};
}

const CatalogTable* LintCatalog::find(const QualifiedName& name) const {
  const auto found = tables.find(resolve(name));
  return found == tables.end() ? nullptr : &found->second;
}

CatalogTable* LintCatalog::find(const QualifiedName& name) {
  const auto found = tables.find(resolve(name));
  return found == tables.end() ? nullptr : &found->second;
}

const CatalogDomain* LintCatalog::domain(const ColumnType& type) const {
  for (const auto& [name, content] : domains) {
    if (type.array || name.name != type.name || (!type.schema.empty() && name.schema != type.schema)) continue;
    const bool seen = std::find(search_path.begin(), search_path.end(), name.schema) != search_path.end();
    if (seen || !type.schema.empty()) return &content;
  }
  return nullptr;
}

LintCatalog::IndexPlace LintCatalog::find_index(const QualifiedName& name) const {
  const auto place = index_tables.find(resolve(name));
  if (place == index_tables.end()) return {};
  const CatalogTable* table = find(place->second);
  if (table == nullptr) return {};
  for (const CatalogIndex& index : table->indexes) {
    if (index.name == place->first) return {table, &index};
  }
  return {};
}

std::vector<LintCatalog::Reference> LintCatalog::references_to(const QualifiedName& table) const {
  std::vector<Reference> found;
  for (const auto& [name, other] : tables) {
    for (const CatalogConstraint& constraint : other.constraints) {
      if (constraint.kind == 'f' && constraint.references == table) found.push_back({&other, &constraint});
    }
  }
  return found;
}

std::vector<const CatalogTable*> LintCatalog::with_children(const CatalogTable& table) const {
  std::vector<const CatalogTable*> all{&table};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const QualifiedName& child : all[i]->children) {
      const CatalogTable* found = find(child);
      if (found != nullptr && std::find(all.begin(), all.end(), found) == all.end()) all.push_back(found);
    }
  }
  return all;
}

LintCatalog without_tables(LintCatalog catalog) {
  for (const auto& [name, table] : catalog.tables)
    catalog.sizes[name] = {table.bytes.value_or(0), table.rows.value_or(0), table.filled};
  catalog.tables.clear();
  catalog.index_tables.clear();
  catalog.domains.clear();
  catalog.functions.clear();
  catalog.live = false;
  return catalog;
}

std::vector<std::string> columns_kept_not_null(const ParseNode& expression) {
  std::vector<std::string> columns;
  if (const ParseNode& test = member(expression, "NullTest"); test.value("nulltesttype", "") == "IS_NOT_NULL") {
    const ParseNode& fields = member(member(member(test, "arg"), "ColumnRef"), "fields");
    if (fields.is_array() && fields.size() == 1) columns.push_back(name_in(fields.front()));
  }
  if (const ParseNode& both = member(expression, "BoolExpr"); both.value("boolop", "") == "AND_EXPR") {
    for (const ParseNode& part : member(both, "args")) {
      for (std::string& column : columns_kept_not_null(part)) columns.push_back(std::move(column));
    }
  }
  return columns;
}

}  // namespace belay
