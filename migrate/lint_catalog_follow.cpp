// What a statement changes in the catalog that the next ones meet: a table that the scripts made is empty and nobody
// waits for it, a column that was added has a type, an index that was built serves a foreign key.
#include <algorithm>
#include <string_view>

#include "common/generated_name.hpp"
#include "migrate/lint_catalog.hpp"

namespace belay {

namespace {

using Texts = std::vector<std::string>;

Texts names_in(const ParseNode& list) {
  Texts names;
  if (!list.is_array()) return names;
  for (const ParseNode& item : list) names.push_back(name_in(item));
  return names;
}

std::string joined(const Texts& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "_") + name;
  return text;
}

QualifiedName made_name(const LintCatalog& catalog, const ParseNode& relation) {
  QualifiedName name = qualified_name(relation);
  if (name.schema.empty()) name.schema = catalog.search_path.empty() ? "public" : catalog.search_path.front();
  return name;
}

CatalogTable* make_table(LintCatalog& catalog, const ParseNode& relation, char kind) {
  const QualifiedName name = made_name(catalog, relation);
  if (name.name.empty() || catalog.tables.contains(name)) return nullptr;
  CatalogTable table{.name = name, .kind = kind, .fresh = true, .bytes = 0, .rows = 0, .filled = false};
  return &catalog.tables.emplace(name, std::move(table)).first->second;
}

char kind_of(const std::string& contype) {
  static const std::map<std::string, char, std::less<>> kinds{
      {"CONSTR_PRIMARY", 'p'}, {"CONSTR_UNIQUE", 'u'}, {"CONSTR_FOREIGN", 'f'}, {"CONSTR_EXCLUSION", 'x'}};
  const auto found = kinds.find(contype);
  return found == kinds.end() ? 'c' : found->second;
}

const char* label_of(char kind) {
  return kind == 'u' ? "key" : kind == 'f' ? "fkey" : kind == 'x' ? "excl" : kind == 'p' ? "pkey" : "check";
}

CatalogIndex* index_named(CatalogTable& table, const std::string& name) {
  const auto found = std::find_if(table.indexes.begin(), table.indexes.end(),
                                  [&](const CatalogIndex& index) { return index.name.name == name; });
  return found == table.indexes.end() ? nullptr : &*found;
}

void set_not_null(CatalogTable& table, const std::string& name, bool not_null) {
  for (CatalogColumn& column : table.columns) {
    if (column.name == name) column.not_null = not_null;
  }
}

/// The index of a PRIMARY KEY, UNIQUE or EXCLUDE constraint: a new one, or one that is there and taken over.
void add_constraint_index(LintCatalog& catalog, CatalogTable& table, const ParseNode& node,
                          CatalogConstraint& constraint) {
  const std::string taken = node.value("indexname", "");
  if (CatalogIndex* index = taken.empty() ? nullptr : index_named(table, taken); index != nullptr) {
    if (constraint.name.empty()) constraint.name = taken;
    constraint.columns = index->keys;
    index->constraint = constraint.name;
    return;
  }
  const CatalogIndex index{.name = {table.name.schema, constraint.name},
                           .keys = constraint.columns,
                           .columns = constraint.columns,
                           .unique = constraint.kind != 'x',
                           .constraint = constraint.name};
  catalog.index_tables[index.name] = table.name;
  table.indexes.push_back(index);
}

void add_constraint(LintCatalog& catalog, CatalogTable& table, const ParseNode& node, const std::string& of_column) {
  CatalogConstraint constraint{.name = node.value("conname", ""),
                               .kind = kind_of(node.value("contype", "")),
                               .columns = names_in(member(node, "keys")),
                               .validated = !node.value("skip_validation", false),
                               .references = {},
                               .referenced_columns = {},
                               .not_null = {}};
  if (constraint.kind == 'f') {
    constraint.columns = names_in(member(node, "fk_attrs"));
    constraint.references = catalog.resolve(qualified_name(member(node, "pktable")));
    constraint.referenced_columns = names_in(member(node, "pk_attrs"));
  }
  if (!of_column.empty() && constraint.columns.empty()) constraint.columns = {of_column};
  const bool backed = constraint.kind == 'p' || constraint.kind == 'u' || constraint.kind == 'x';
  if (constraint.name.empty() && (!backed || !node.contains("indexname")))
    constraint.name = generated_name(table.name.name, constraint.kind == 'p' ? "" : joined(constraint.columns),
                                     label_of(constraint.kind));
  if (constraint.kind == 'c') constraint.not_null = columns_kept_not_null(member(node, "raw_expr"));
  if (backed) add_constraint_index(catalog, table, node, constraint);
  if (constraint.kind == 'p') {
    for (const std::string& column : constraint.columns) set_not_null(table, column, true);
  }
  table.constraints.push_back(std::move(constraint));
}

void add_column(LintCatalog& catalog, CatalogTable& table, const ParseNode& def) {
  const std::string name = def.value("colname", "");
  if (table.column(name) != nullptr) return;  // IF NOT EXISTS
  const ParseNode& type = member(def, "typeName");
  table.columns.push_back({name, column_type(type), false, is_serial(type)});
  for (const ParseNode& item : member(def, "constraints")) {
    const ParseNode& constraint = member(item, "Constraint");
    const std::string kind = constraint.value("contype", "");
    CatalogColumn& column = table.columns.back();
    if (kind == "CONSTR_NOTNULL" || kind == "CONSTR_IDENTITY") column.not_null = true;
    if (kind == "CONSTR_DEFAULT" || kind == "CONSTR_IDENTITY" || kind == "CONSTR_GENERATED") column.has_default = true;
    if (kind == "CONSTR_PRIMARY" || kind == "CONSTR_UNIQUE" || kind == "CONSTR_FOREIGN" || kind == "CONSTR_CHECK")
      add_constraint(catalog, table, constraint, name);
  }
}

void link(CatalogTable& parent, CatalogTable& child, const ParseNode& bound) {
  parent.children.push_back(child.name);
  child.parents.push_back(parent.name);
  child.partition = !bound.empty();
  child.default_partition = bound.value("is_default", false);
}

void unlink(CatalogTable& parent, CatalogTable& child) {
  std::erase(parent.children, child.name);
  std::erase(child.parents, parent.name);
  child.partition = child.default_partition = false;
}

void create_table(LintCatalog& catalog, const ParseNode& node) {
  CatalogTable* table = make_table(catalog, member(node, "relation"), node.contains("partspec") ? 'p' : 'r');
  if (table == nullptr) return;
  table->unlogged = member(node, "relation").value("relpersistence", "p") == "u";
  table->columns_known = !node.contains("inhRelations") && !node.contains("ofTypename");
  for (const ParseNode& element : member(node, "tableElts")) {
    if (element.contains("ColumnDef")) add_column(catalog, *table, element["ColumnDef"]);
    if (element.contains("Constraint")) add_constraint(catalog, *table, element["Constraint"], "");
    if (element.contains("TableLikeClause")) table->columns_known = false;
  }
  for (const ParseNode& item : member(node, "inhRelations")) {
    CatalogTable* parent = catalog.find(qualified_name(item));
    if (parent == nullptr) continue;
    link(*parent, *table, member(node, "partbound"));
    for (const CatalogColumn& column : parent->columns) {
      if (table->column(column.name) == nullptr) table->columns.push_back(column);
    }
  }
}

void create_index(LintCatalog& catalog, const ParseNode& node) {
  CatalogTable* table = catalog.find(qualified_name(member(node, "relation")));
  if (table == nullptr) return;
  CatalogIndex index{.name = {table->name.schema, node.value("idxname", "")},
                     .unique = node.value("unique", false),
                     .partial = node.contains("whereClause")};
  for (const ParseNode& item : member(node, "indexParams"))
    index.keys.push_back(member(item, "IndexElem").value("name", ""));
  if (index.name.name.empty()) index.name.name = generated_name(table->name.name, joined(index.keys), "idx");
  if (catalog.index_tables.contains(index.name)) return;
  walk_nodes(node, [&](std::string_view key, const ParseNode& inner) {
    if (key == "IndexElem" && inner.contains("name")) index.columns.push_back(inner["name"].get<std::string>());
    if (key == "ColumnRef") index.columns.push_back(name_in(member(inner, "fields")));
    return true;
  });
  catalog.index_tables[index.name] = table->name;
  table->indexes.push_back(std::move(index));
}

void remove_index(LintCatalog& catalog, const QualifiedName& name) {
  const auto place = catalog.index_tables.find(catalog.resolve(name));
  if (place == catalog.index_tables.end()) return;
  if (CatalogTable* table = catalog.find(place->second); table != nullptr)
    std::erase_if(table->indexes, [&](const CatalogIndex& index) { return index.name == place->first; });
  catalog.index_tables.erase(place);
}

void remove_constraint(LintCatalog& catalog, CatalogTable& table, const std::string& name) {
  std::erase_if(table.constraints, [&](const CatalogConstraint& c) { return c.name == name; });
  std::vector<QualifiedName> indexes;
  for (const CatalogIndex& index : table.indexes) {
    if (index.constraint == name) indexes.push_back(index.name);
  }
  for (const QualifiedName& index : indexes) remove_index(catalog, index);
}

template <typename Holder>
bool mentions(const Holder& holder, const std::string& column) {
  return std::find(holder.columns.begin(), holder.columns.end(), column) != holder.columns.end();
}

void remove_column(LintCatalog& catalog, CatalogTable& table, const std::string& name) {
  std::erase_if(table.columns, [&](const CatalogColumn& c) { return c.name == name; });
  Texts constraints;
  for (const CatalogConstraint& constraint : table.constraints) {
    if (mentions(constraint, name)) constraints.push_back(constraint.name);
  }
  for (const std::string& constraint : constraints) remove_constraint(catalog, table, constraint);
  std::vector<QualifiedName> indexes;
  for (const CatalogIndex& index : table.indexes) {
    if (mentions(index, name)) indexes.push_back(index.name);
  }
  for (const QualifiedName& index : indexes) remove_index(catalog, index);
  std::erase_if(table.dependents, [&](const CatalogDependent& d) { return d.column == name; });
}

void alter_column(CatalogTable& table, const std::string& subtype, const ParseNode& command) {
  for (CatalogColumn& column : table.columns) {
    if (column.name != command.value("name", "")) continue;
    if (subtype == "AT_SetNotNull") column.not_null = true;
    if (subtype == "AT_DropNotNull") column.not_null = false;
    if (subtype == "AT_ColumnDefault") column.has_default = command.contains("def");
    if (subtype == "AT_AlterColumnType")
      column.type = column_type(member(member(member(command, "def"), "ColumnDef"), "typeName"));
  }
}

void alter_partitions(LintCatalog& catalog, CatalogTable& table, const std::string& subtype, const ParseNode& def) {
  const ParseNode& partition = member(def, "PartitionCmd");
  const bool by_partition = !partition.empty();
  CatalogTable* other = catalog.find(qualified_name(by_partition ? member(partition, "name") : def));
  if (other == nullptr) return;
  if (subtype == "AT_AttachPartition") link(table, *other, member(partition, "bound"));
  if (subtype == "AT_AddInherit") link(*other, table, ParseNode::object());
  if (subtype == "AT_DetachPartition" || subtype == "AT_DetachPartitionFinalize") unlink(table, *other);
  if (subtype == "AT_DropInherit") unlink(*other, table);
}

void alter_table_once(LintCatalog& catalog, CatalogTable& table, const ParseNode& command) {
  const std::string subtype = command.value("subtype", "");
  const ParseNode& def = member(command, "def");
  if (subtype == "AT_AddColumn") add_column(catalog, table, member(def, "ColumnDef"));
  if (subtype == "AT_DropColumn") remove_column(catalog, table, command.value("name", ""));
  if (subtype == "AT_AddConstraint") add_constraint(catalog, table, member(def, "Constraint"), "");
  if (subtype == "AT_DropConstraint") remove_constraint(catalog, table, command.value("name", ""));
  if (subtype == "AT_SetLogged") table.unlogged = false;
  if (subtype == "AT_SetUnLogged") table.unlogged = true;
  if (subtype == "AT_ReplicaIdentity") {
    const std::string index_name = member(def, "ReplicaIdentityStmt").value("name", "");
    for (CatalogIndex& index : table.indexes) index.replica_identity = index.name.name == index_name;
  }
  if (subtype == "AT_ValidateConstraint") {
    for (CatalogConstraint& constraint : table.constraints) {
      if (constraint.name == command.value("name", "")) constraint.validated = true;
    }
  }
  alter_column(table, subtype, command);
  alter_partitions(catalog, table, subtype, def);
}

void alter_table(LintCatalog& catalog, const ParseNode& node) {
  const QualifiedName name = catalog.resolve(qualified_name(member(node, "relation")));
  for (const ParseNode& item : member(node, "cmds")) {
    CatalogTable* table = catalog.find(name);
    if (table == nullptr) return;
    const std::string subtype = member(item, "AlterTableCmd").value("subtype", "");
    const bool inherited =
        subtype.ends_with("Column") || subtype.ends_with("NotNull") || subtype == "AT_AlterColumnType";
    alter_table_once(catalog, *table, member(item, "AlterTableCmd"));
    if (!inherited) continue;
    const std::vector<QualifiedName> children = table->children;
    for (const QualifiedName& child : children) {
      if (CatalogTable* found = catalog.find(child); found != nullptr)
        alter_table_once(catalog, *found, member(item, "AlterTableCmd"));
    }
  }
}

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
      {"ViewStmt", [](LintCatalog& catalog, const ParseNode& node) { make_table(catalog, member(node, "view"), 'v'); }},
      {"CreateDomainStmt", [](LintCatalog& catalog, const ParseNode& node) {
         catalog.domains[catalog.resolve(qualified_name(member(node, "domainname")))] = node.contains("constraints");
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
