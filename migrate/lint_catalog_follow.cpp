// What a statement changes in the catalog that the next ones meet: a table that the scripts made is empty and nobody
// waits for it, a column that was added has a type, an index that was built serves a foreign key.
#include <algorithm>
#include <string_view>

#include "migrate/lint_catalog_changes.hpp"

namespace belay {

namespace {

using Texts = std::vector<std::string>;

void remove_table(LintCatalog& catalog, const QualifiedName& wanted) {
  const QualifiedName name = catalog.resolve(wanted);
  if (catalog.tables.erase(name) == 0) return;
  std::erase_if(catalog.index_tables, [&](const auto& index) { return index.second == name; });
  for (auto& [other_name, other] : catalog.tables) {
    std::erase(other.children, name);
    std::erase(other.parents, name);
    std::erase_if(other.dependents, [&](const CatalogDependent& d) { return d.relation == name; });
    std::erase_if(other.constraints, [&](const CatalogConstraint& c) { return c.kind == 'f' && c.references == name; });
  }
}

/// A trigger, policy, rule or function that is dropped does not hold a column any more. The server describes them as
/// "trigger x on table t", "function public.f()".
void remove_dependents(LintCatalog& catalog, const std::string& type, const ParseNode& object) {
  static const std::map<std::string, std::string> beginnings{{"OBJECT_TRIGGER", "trigger {} on "},
                                                             {"OBJECT_POLICY", "policy {} on "},
                                                             {"OBJECT_RULE", "rule {} on "},
                                                             {"OBJECT_FUNCTION", ".{}("},
                                                             {"OBJECT_STATISTIC_EXT", "statistics object "}};
  const auto found = beginnings.find(type);
  if (found == beginnings.end()) return;
  std::string words = found->second;
  const std::size_t at = words.find("{}");
  if (at != std::string::npos) words.replace(at, 2, qualified_name(object).name);
  for (auto& [name, table] : catalog.tables)
    std::erase_if(table.dependents,
                  [&](const CatalogDependent& d) { return d.words.find(words) != std::string::npos; });
}

void drop(LintCatalog& catalog, const ParseNode& node) {
  const std::string type = node.value("removeType", "");
  for (const ParseNode& object : member(node, "objects")) {
    const QualifiedName name = qualified_name(object);
    if (type == "OBJECT_TABLE" || type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW" || type == "OBJECT_FOREIGN_TABLE")
      remove_table(catalog, name);
    if (type == "OBJECT_INDEX") remove_index(catalog, name);
    remove_dependents(catalog, type, object);
    if (type == "OBJECT_FUNCTION" || type == "OBJECT_PROCEDURE")
      std::erase_if(catalog.functions, [&](const CatalogFunction& f) { return f.name.name == name.name; });
    if (type != "OBJECT_SCHEMA") continue;
    std::vector<QualifiedName> inside;
    for (const auto& [table, content] : catalog.tables) {
      if (table.schema == name.name) inside.push_back(table);
    }
    for (const QualifiedName& table : inside) remove_table(catalog, table);
  }
}

void rename_table(LintCatalog& catalog, const QualifiedName& from, const QualifiedName& to) {
  auto moved = catalog.tables.extract(from);
  if (moved.empty()) return;
  moved.key() = to;
  moved.mapped().name = to;
  if (!catalog.tables.insert(std::move(moved)).inserted) return;
  for (auto& [index, table] : catalog.index_tables) {
    if (table == from) table = to;
  }
  for (auto& [name, other] : catalog.tables) {
    std::replace(other.children.begin(), other.children.end(), from, to);
    std::replace(other.parents.begin(), other.parents.end(), from, to);
    for (CatalogDependent& dependent : other.dependents) {
      if (dependent.relation == from) dependent.relation = to;
    }
    for (CatalogConstraint& constraint : other.constraints) {
      if (constraint.references == from) constraint.references = to;
    }
  }
}

void rename_column(LintCatalog& catalog, CatalogTable& table, const std::string& from, const std::string& to) {
  for (CatalogColumn& column : table.columns) {
    if (column.name == from) column.name = to;
  }
  for (CatalogIndex& index : table.indexes) {
    std::replace(index.keys.begin(), index.keys.end(), from, to);
    std::replace(index.columns.begin(), index.columns.end(), from, to);
  }
  for (CatalogDependent& dependent : table.dependents) {
    if (dependent.column == from) dependent.column = to;
  }
  for (auto& [name, other] : catalog.tables) {
    for (CatalogConstraint& constraint : other.constraints) {
      if (&other == &table) std::replace(constraint.columns.begin(), constraint.columns.end(), from, to);
      if (constraint.references == table.name)
        std::replace(constraint.referenced_columns.begin(), constraint.referenced_columns.end(), from, to);
    }
  }
}

void rename(LintCatalog& catalog, const ParseNode& node) {
  const std::string type = node.value("renameType", ""), to = node.value("newname", ""),
                    part = node.value("subname", "");
  const QualifiedName name = catalog.resolve(qualified_name(member(node, "relation")));
  CatalogTable* table = catalog.find(name);
  if (type == "OBJECT_COLUMN" && table != nullptr) rename_column(catalog, *table, part, to);
  if (type == "OBJECT_TABLE" || type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW")
    rename_table(catalog, name, {name.schema, to});
  if (type == "OBJECT_TABCONSTRAINT" && table != nullptr) {
    for (CatalogConstraint& constraint : table->constraints) {
      if (constraint.name == part) constraint.name = to;
    }
  }
  if (type != "OBJECT_INDEX") return;
  auto place = catalog.index_tables.extract(name);
  if (place.empty()) return;
  place.key() = {name.schema, to};
  table = catalog.find(place.mapped());
  catalog.index_tables.insert(std::move(place));
  CatalogIndex* index = table == nullptr ? nullptr : index_named(*table, name.name);
  if (index != nullptr) index->name.name = to;
}

void move_schema(LintCatalog& catalog, const ParseNode& node) {
  const QualifiedName name = catalog.resolve(qualified_name(member(node, "relation")));
  rename_table(catalog, name, {node.value("newschema", ""), name.name});
}

/// A view that is replaced does not use what its old query used.
void forget_view(LintCatalog& catalog, const QualifiedName& view) {
  for (auto& [name, table] : catalog.tables)
    std::erase_if(table.dependents, [&](const CatalogDependent& d) { return d.relation == view; });
}

void create_function(LintCatalog& catalog, const ParseNode& node) {
  CatalogFunction function{qualified_name(member(node, "funcname")), {}};
  for (const ParseNode& item : member(node, "parameters")) {
    const ParseNode& parameter = member(item, "FunctionParameter");
    const std::string mode = parameter.value("mode", "");
    if (mode == "FUNC_PARAM_OUT" || mode == "FUNC_PARAM_TABLE") continue;
    function.arguments.push_back(column_type(member(parameter, "argType")).name);
  }
  bool changes = true;
  for (const ParseNode& item : member(node, "options")) {
    const ParseNode& option = member(item, "DefElem");
    if (option.value("defname", "") == "volatility") changes = name_in(member(option, "arg")) == "volatile";
  }
  if (changes) catalog.volatile_functions.insert(function.name.name);
  catalog.functions.push_back(std::move(function));
}

void set_variable(LintCatalog& catalog, const ParseNode& node) {
  if (node.value("name", "") != "search_path" || !node.contains("args")) return;
  Texts path;
  for (const ParseNode& item : node["args"]) path.push_back(name_in(member(member(item, "A_Const"), "sval")));
  if (path.size() == 1 && path.front().empty()) path.clear();
  catalog.search_path = std::move(path);
}

void truncate(LintCatalog& catalog, const ParseNode& node) {
  for (const ParseNode& item : member(node, "relations")) {
    CatalogTable* table = catalog.find(qualified_name(item));
    if (table == nullptr) continue;
    table->bytes = 0;
    table->rows = 0;
    table->filled = false;
  }
}

void assume(LintCatalog& catalog, const ParseNode& relation) {
  const QualifiedName name = catalog.resolve(qualified_name(relation));
  if (name.name.empty() || catalog.tables.contains(name) || catalog.index_tables.contains(name)) return;
  CatalogTable table{.name = name};
  if (const auto size = catalog.sizes.find(name); size != catalog.sizes.end()) {
    table.bytes = size->second.bytes;
    table.rows = size->second.rows;
    table.filled = size->second.filled;
  }
  catalog.tables.emplace(name, std::move(table));
}

bool about_a_table(std::string_view kind, const ParseNode& node) {
  if (kind == "RenameStmt") {
    const std::string type = node.value("renameType", "");
    const bool of_table = node.value("relationType", "") == "OBJECT_TABLE";
    return type == "OBJECT_TABLE" || type == "OBJECT_TABCONSTRAINT" || (type == "OBJECT_COLUMN" && of_table);
  }
  if (kind == "AlterTableStmt") return node.value("objtype", "") == "OBJECT_TABLE";
  if (kind == "AlterObjectSchemaStmt") return node.value("objectType", "") == "OBJECT_TABLE";
  if (kind == "ReindexStmt") return node.value("kind", "") == "REINDEX_OBJECT_TABLE";
  static const std::set<std::string, std::less<>> kinds{"IndexStmt",  "CreateTrigStmt", "UpdateStmt",
                                                        "DeleteStmt", "InsertStmt",     "ClusterStmt"};
  return kinds.contains(kind);
}

using Follow = void (*)(LintCatalog&, const ParseNode&);

const std::map<std::string, Follow, std::less<>>& followed() {
  static const std::map<std::string, Follow, std::less<>> statements{
      {"CreateStmt", create_table},
      {"IndexStmt", create_index},
      {"AlterTableStmt", alter_table},
      {"DropStmt", drop},
      {"RenameStmt", rename},
      {"AlterObjectSchemaStmt", move_schema},
      {"CreateFunctionStmt", create_function},
      {"VariableSetStmt", set_variable},
      {"TruncateStmt", truncate},
      {"CreateTableAsStmt",
       [](LintCatalog& catalog, const ParseNode& node) {
         const bool stored = node.value("objtype", "") == "OBJECT_MATVIEW";
         make_table(catalog, member(member(node, "into"), "rel"), stored ? 'm' : 'r');
       }},
      {"SelectStmt",
       [](LintCatalog& catalog, const ParseNode& node) {
         if (node.contains("intoClause")) make_table(catalog, member(node["intoClause"], "rel"), 'r');
       }},
      {"ViewStmt",
       [](LintCatalog& catalog, const ParseNode& node) {
         // What the new query uses is not followed: its statement is checked by the server, and the next run reads it.
         forget_view(catalog, catalog.resolve(qualified_name(member(node, "view"))));
         make_table(catalog, member(node, "view"), 'v');
       }},
      {"CreateDomainStmt", [](LintCatalog& catalog, const ParseNode& node) {
         catalog.domains[catalog.resolve(qualified_name(member(node, "domainname")))] = {
             node.contains("constraints"), column_type(member(node, "typeName"))};
       }}};
  return statements;
}

}  // namespace

void follow(LintCatalog& catalog, const ParseNode& statement) {
  for (const auto& [kind, node] : statement.items()) {
    const auto found = followed().find(kind);
    if (found != followed().end()) found->second(catalog, node);
  }
}

void assume_tables(LintCatalog& catalog, const ParseNode& statement) {
  for (const auto& [kind, node] : statement.items()) {
    walk_nodes(node, [&](std::string_view key, const ParseNode& inner) {
      if (key == "pktable") assume(catalog, inner);
      return true;
    });
    if (about_a_table(kind, node)) assume(catalog, member(node, "relation"));
    if (kind == "CreatePolicyStmt") assume(catalog, member(node, "table"));
    if (kind == "TruncateStmt") {
      for (const ParseNode& item : member(node, "relations")) assume(catalog, item);
    }
    if (kind == "DropStmt" && node.value("removeType", "") == "OBJECT_TABLE") {
      for (const ParseNode& item : member(node, "objects")) assume(catalog, item);
    }
  }
}

void settle_fresh(LintCatalog& catalog) {
  for (auto& [name, table] : catalog.tables) {
    if (!table.fresh) continue;
    table.fresh = false;
    const auto size = catalog.sizes.find(name);
    const bool known = size != catalog.sizes.end();
    table.filled = !known || size->second.filled;
    table.bytes = known ? std::optional{size->second.bytes} : std::nullopt;
    table.rows = known ? std::optional{size->second.rows} : std::nullopt;
  }
}

}  // namespace belay
