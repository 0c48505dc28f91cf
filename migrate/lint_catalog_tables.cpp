// What CREATE TABLE, ALTER TABLE and CREATE INDEX change in the catalog that the next statements meet.
#include <algorithm>

#include "common/generated_name.hpp"
#include "migrate/lint_catalog_changes.hpp"

namespace belay {

namespace {

using Texts = std::vector<std::string>;

Texts names_in(const ParseNode& list) {
  Texts names;
  if (!list.is_array()) return names;
  for (const ParseNode& item : list) names.push_back(name_in(item));
  return names;
}

std::string joined_columns(const Texts& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "_") + name;
  return text;
}

QualifiedName made_name(const LintCatalog& catalog, const ParseNode& relation) {
  QualifiedName name = qualified_name(relation);
  if (name.schema.empty()) name.schema = catalog.search_path.empty() ? "public" : catalog.search_path.front();
  return name;
}

}  // namespace

CatalogTable* make_table(LintCatalog& catalog, const ParseNode& relation, char kind) {
  const QualifiedName name = made_name(catalog, relation);
  if (name.name.empty() || catalog.tables.contains(name)) return nullptr;
  CatalogTable table{.name = name, .kind = kind, .fresh = true, .bytes = 0, .rows = 0, .filled = false};
  return &catalog.tables.emplace(name, std::move(table)).first->second;
}

namespace {

char kind_of(const std::string& contype) {
  static const std::map<std::string, char, std::less<>> kinds{
      {"CONSTR_PRIMARY", 'p'}, {"CONSTR_UNIQUE", 'u'}, {"CONSTR_FOREIGN", 'f'}, {"CONSTR_EXCLUSION", 'x'}};
  const auto found = kinds.find(contype);
  return found == kinds.end() ? 'c' : found->second;
}

const char* label_of(char kind) {
  return kind == 'u' ? "key" : kind == 'f' ? "fkey" : kind == 'x' ? "excl" : kind == 'p' ? "pkey" : "check";
}

}  // namespace

CatalogIndex* index_named(CatalogTable& table, const std::string& name) {
  const auto found = std::find_if(table.indexes.begin(), table.indexes.end(),
                                  [&](const CatalogIndex& index) { return index.name.name == name; });
  return found == table.indexes.end() ? nullptr : &*found;
}

namespace {

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
    constraint.name = generated_name(table.name.name, constraint.kind == 'p' ? "" : joined_columns(constraint.columns),
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

}  // namespace

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
  if (index.name.name.empty()) index.name.name = generated_name(table->name.name, joined_columns(index.keys), "idx");
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

namespace {

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
  std::erase_if(table.dependents, [&](const CatalogDependent& d) { return d.column == name || d.generated == name; });
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

}  // namespace

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

}  // namespace belay
