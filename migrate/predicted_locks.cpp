#include "migrate/predicted_locks.hpp"

#include <algorithm>

namespace belay {

namespace {

using enum LockMode;

bool has_option(const ParseNode& list, std::string_view name) {
  if (!list.is_array()) return false;
  return std::any_of(list.begin(), list.end(),
                     [&](const ParseNode& item) { return member(item, "DefElem").value("defname", "") == name; });
}

const CatalogTable* table_in(const ParseNode& relation, const EffectsBuilder& effects) {
  return effects.catalog().find(qualified_name(relation));
}

void lock_relation(const ParseNode& relation, LockMode mode, EffectsBuilder& effects) {
  if (const CatalogTable* table = table_in(relation, effects); table != nullptr) effects.lock(*table, mode);
}

/// The name without its last part: `a.t.x` of a trigger belongs to table a.t.
QualifiedName owner_of(const ParseNode& object) {
  const ParseNode& items = member(member(object, "List"), "items");
  if (!items.is_array() || items.size() < 2) return {};
  ParseNode shorter = items;
  shorter.erase(shorter.size() - 1);
  return qualified_name(shorter);
}

void lock_default_partition(const CatalogTable& parent, EffectsBuilder& effects) {
  for (const QualifiedName& name : parent.children) {
    const CatalogTable* child = effects.catalog().find(name);
    if (child == nullptr || !child->default_partition) continue;
    effects.lock(*child, access_exclusive);
    effects.work(*child, Work::scan, WorkCause::attach, "the default partition");
  }
}

void create_table(const ParseNode& node, EffectsBuilder& effects) {
  for (const ParseNode& element : member(node, "tableElts")) {
    if (element.contains("Constraint")) predict_foreign_key(nullptr, element["Constraint"], effects);
    for (const ParseNode& item : member(member(element, "ColumnDef"), "constraints"))
      predict_foreign_key(nullptr, member(item, "Constraint"), effects);
  }
  const bool partition = node.contains("partbound");
  for (const ParseNode& item : member(node, "inhRelations")) {
    const CatalogTable* parent = table_in(item, effects);
    if (parent == nullptr) continue;
    effects.lock(*parent, partition ? access_exclusive : share_update_exclusive);
    if (!partition) continue;
    lock_default_partition(*parent, effects);
    for (const CatalogConstraint& key : parent->constraints) {
      const CatalogTable* other = key.kind == 'f' ? effects.catalog().find(key.references) : nullptr;
      if (other != nullptr) effects.lock(*other, share_row_exclusive);
    }
  }
}

void create_index(const ParseNode& node, EffectsBuilder& effects) {
  const CatalogTable* table = table_in(member(node, "relation"), effects);
  if (table == nullptr) return;
  const std::string name = node.value("idxname", "");
  if (node.value("if_not_exists", false) && effects.catalog().find_index({table->name.schema, name}).index != nullptr &&
      !node.value("concurrent", false)) {
    return effects.lock(*table, share);
  }
  const LockMode mode = node.value("concurrent", false) ? share_update_exclusive : share;
  for (const CatalogTable* each : effects.catalog().with_children(*table)) {
    effects.lock(*each, mode);
    if (each->kind != 'p')
      effects.work(*each, Work::index_build, WorkCause::index, name.empty() ? "the index" : "index " + name);
    const bool only = !member(node, "relation").value("inh", false);
    if (table->kind != 'p' || only) break;
  }
}

void drop_table(const CatalogTable& table, bool cascade, EffectsBuilder& effects) {
  effects.lock(table, access_exclusive);
  for (const CatalogIndex& index : table.indexes) effects.lock_name(index.name, access_exclusive);
  for (const CatalogConstraint& key : table.constraints) {
    const CatalogTable* other = key.kind == 'f' && !key.inherited ? effects.catalog().find(key.references) : nullptr;
    if (other != nullptr) effects.lock(*other, access_exclusive);
  }
  if (table.partition) {
    for (const QualifiedName& name : table.parents) {
      const CatalogTable* parent = effects.catalog().find(name);
      if (parent != nullptr) effects.lock(*parent, access_exclusive);
    }
  }
  if (cascade || table.kind == 'p') {
    for (const QualifiedName& name : table.children) {
      const CatalogTable* child = effects.catalog().find(name);
      if (child != nullptr) drop_table(*child, cascade, effects);
    }
  }
  if (!cascade) return;
  for (const LintCatalog::Reference& reference : effects.catalog().references_to(table.name))
    effects.lock(*reference.table, access_exclusive);
  effects.lock_views(table, access_exclusive);
}

void drop_type(const QualifiedName& type, EffectsBuilder& effects) {
  for (const auto& [name, table] : effects.catalog().tables) {
    const bool uses = std::any_of(table.columns.begin(), table.columns.end(), [&](const CatalogColumn& column) {
      return column.type.name == type.name && column.type.schema != "pg_catalog";
    });
    if (uses) effects.lock(table, access_exclusive);
  }
}

void drop_statistics(const QualifiedName& wanted, EffectsBuilder& effects) {
  for (const auto& [name, table] : effects.catalog().tables) {
    for (const CatalogDependent& dependent : table.dependents) {
      if (dependent.kind == CatalogDependent::Kind::statistics && dependent.words.ends_with("." + wanted.name))
        effects.lock(table, share_update_exclusive);
    }
  }
}

void drop_index(const QualifiedName& name, LockMode mode, EffectsBuilder& effects) {
  const LintCatalog::IndexPlace place = effects.catalog().find_index(name);
  if (place.table == nullptr) return;
  effects.lock(*place.table, mode);
  // An index of a partitioned table has one for each partition.
  if (place.table->kind == 'p') effects.lock_with_children(*place.table, mode);
  if (!place.table->fresh) effects.lock_name(place.index->name, mode);
}

void drop_one(const std::string& type, const ParseNode& object, const ParseNode& node, EffectsBuilder& effects) {
  const bool cascade = node.value("behavior", "") == "DROP_CASCADE";
  const QualifiedName name = qualified_name(object);
  const CatalogTable* table = effects.catalog().find(name);
  if (type == "OBJECT_TABLE" && table != nullptr) drop_table(*table, cascade, effects);
  if ((type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW") && table != nullptr) {
    effects.lock(*table, access_exclusive);
    if (cascade) effects.lock_views(*table, access_exclusive);
  }
  if (type == "OBJECT_INDEX")
    drop_index(name, node.value("concurrent", false) ? share_update_exclusive : access_exclusive, effects);
  if (type == "OBJECT_TRIGGER" || type == "OBJECT_POLICY" || type == "OBJECT_RULE") {
    const CatalogTable* owner = effects.catalog().find(owner_of(object));
    if (owner != nullptr && owner->kind == 'p' && type == "OBJECT_TRIGGER")
      effects.lock_with_children(*owner, access_exclusive);
    if (owner != nullptr) effects.lock(*owner, access_exclusive);
  }
  if (type == "OBJECT_SEQUENCE") effects.lock_name(effects.catalog().resolve(name), access_exclusive);
  if (cascade && (type == "OBJECT_TYPE" || type == "OBJECT_DOMAIN")) drop_type(name, effects);
  if (type == "OBJECT_STATISTIC_EXT") drop_statistics(name, effects);
  if (type != "OBJECT_SCHEMA" || !cascade) return;
  for (const auto& [full, inside] : effects.catalog().tables) {
    if (full.schema == name.name) drop_table(inside, true, effects);
  }
}

void drop(const ParseNode& node, EffectsBuilder& effects) {
  const std::string type = node.value("removeType", "");
  for (const ParseNode& object : member(node, "objects")) drop_one(type, object, node, effects);
}

void truncate_one(const CatalogTable& table, EffectsBuilder& effects) {
  for (const CatalogTable* each : effects.catalog().with_children(table)) {
    effects.lock(*each, access_exclusive);
    if (each->kind != 'p') effects.work(*each, Work::rewrite, WorkCause::truncate);
  }
}

void truncate(const ParseNode& node, EffectsBuilder& effects) {
  std::vector<const CatalogTable*> open;
  for (const ParseNode& item : member(node, "relations")) {
    if (const CatalogTable* table = table_in(item, effects); table != nullptr) open.push_back(table);
  }
  const bool cascade = node.value("behavior", "") == "DROP_CASCADE";
  for (std::size_t i = 0; i < open.size(); ++i) {
    truncate_one(*open[i], effects);
    if (!cascade) continue;
    for (const LintCatalog::Reference& reference : effects.catalog().references_to(open[i]->name)) {
      if (std::find(open.begin(), open.end(), reference.table) == open.end()) open.push_back(reference.table);
    }
  }
}

void rename(const ParseNode& node, EffectsBuilder& effects) {
  const std::string type = node.value("renameType", "");
  if (type == "OBJECT_INDEX") {
    const LintCatalog::IndexPlace place = effects.catalog().find_index(qualified_name(member(node, "relation")));
    if (place.index != nullptr && !place.table->fresh) effects.lock_name(place.index->name, share_update_exclusive);
    return;
  }
  const CatalogTable* table = table_in(member(node, "relation"), effects);
  if (table == nullptr) return;
  if (type == "OBJECT_COLUMN") {
    effects.lock_with_children(*table, access_exclusive);
  } else {
    effects.lock(*table, access_exclusive);
  }
}

void comment(const ParseNode& node, EffectsBuilder& effects) {
  const std::string type = node.value("objtype", "");
  const ParseNode& object = member(node, "object");
  static const std::set<std::string> parts{"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY",
                                           "OBJECT_RULE"};
  static const std::set<std::string> whole{"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"};
  const QualifiedName name = parts.contains(type) ? owner_of(object) : qualified_name(object);
  if (!parts.contains(type) && !whole.contains(type)) return;
  if (const CatalogTable* table = effects.catalog().find(name); table != nullptr)
    effects.lock(*table, share_update_exclusive);
}

void reindex(const ParseNode& node, EffectsBuilder& effects) {
  const bool concurrent = has_option(member(node, "params"), "concurrently");
  const LockMode on_table = concurrent ? share_update_exclusive : share;
  const LockMode on_index = concurrent ? share_update_exclusive : access_exclusive;
  const std::string kind = node.value("kind", "");
  const QualifiedName name = qualified_name(member(node, "relation"));
  if (kind == "REINDEX_OBJECT_INDEX") {
    const LintCatalog::IndexPlace place = effects.catalog().find_index(name);
    if (place.table == nullptr) return;
    effects.lock(*place.table, on_table);
    effects.lock_name(place.index->name, on_index);
    return effects.work(*place.table, Work::index_build, WorkCause::reindex, "index " + place.index->name.name);
  }
  const CatalogTable* table = kind == "REINDEX_OBJECT_TABLE" ? effects.catalog().find(name) : nullptr;
  if (table == nullptr) return;
  effects.lock(*table, on_table);
  for (const CatalogIndex& index : table->indexes) effects.lock_name(index.name, on_index);
  effects.work(*table, Work::index_build, WorkCause::reindex, "its indexes");
}

void vacuum(const ParseNode& node, EffectsBuilder& effects) {
  const bool full = node.value("is_vacuumcmd", false) && has_option(member(node, "options"), "full");
  for (const ParseNode& item : member(node, "rels")) {
    const CatalogTable* table = table_in(member(member(item, "VacuumRelation"), "relation"), effects);
    if (table == nullptr) continue;
    effects.lock(*table, full ? access_exclusive : share_update_exclusive);
    if (full) effects.work(*table, Work::rewrite, WorkCause::cluster, "VACUUM FULL");
  }
}

void refresh(const ParseNode& node, EffectsBuilder& effects) {
  const CatalogTable* view = table_in(member(node, "relation"), effects);
  if (view == nullptr) return;
  const bool concurrent = node.value("concurrent", false);
  effects.lock(*view, concurrent ? exclusive : access_exclusive);
  if (!concurrent) effects.work(*view, Work::rewrite, WorkCause::refresh);
}

void publication(const ParseNode& node, EffectsBuilder& effects) {
  for (const ParseNode& item : member(node, "pubobjects")) {
    const ParseNode& relation = member(member(member(item, "PublicationObjSpec"), "pubtable"), "relation");
    if (!relation.empty()) lock_relation(relation, share_update_exclusive, effects);
  }
}

void lock_table(const ParseNode& node, EffectsBuilder& effects) {
  const LockMode mode = static_cast<LockMode>(std::clamp(node.value("mode", 8), 0, 8));
  for (const ParseNode& item : member(node, "relations")) {
    if (const CatalogTable* table = table_in(item, effects); table != nullptr) effects.lock_with_children(*table, mode);
  }
}

void alter_domain(const ParseNode& node, EffectsBuilder& effects) {
  const std::string subtype = node.value("subtype", "");
  const bool skipped = member(member(node, "def"), "Constraint").value("skip_validation", false);
  if (subtype != "O" && subtype != "V" && (subtype != "C" || skipped)) return;
  const QualifiedName domain = qualified_name(member(node, "typeName"));
  for (const auto& [name, table] : effects.catalog().tables) {
    for (const CatalogColumn& column : table.columns) {
      if (column.type.name != domain.name || column.type.schema == "pg_catalog") continue;
      if (table.kind != 'r' && table.kind != 'm') continue;
      effects.lock(table, share);
      effects.work(table, Work::scan, WorkCause::domain_constraint, "column " + column.name);
    }
  }
}

void create_statistics(const ParseNode& node, EffectsBuilder& effects) {
  for (const ParseNode& item : member(node, "relations")) lock_relation(item, share_update_exclusive, effects);
}

void cluster(const ParseNode& node, EffectsBuilder& effects) {
  const CatalogTable* table = table_in(member(node, "relation"), effects);
  if (table == nullptr) return;
  effects.lock(*table, access_exclusive);
  effects.work(*table, Work::rewrite, WorkCause::cluster, "CLUSTER");
}

void create_trigger(const ParseNode& node, EffectsBuilder& effects) {
  const CatalogTable* table = table_in(member(node, "relation"), effects);
  if (table == nullptr) return;
  if (table->kind == 'p' && node.value("row", false)) {
    effects.lock_with_children(*table, share_row_exclusive);
  } else {
    effects.lock(*table, share_row_exclusive);
  }
}

using Predict = void (*)(const ParseNode&, EffectsBuilder&);

/// The lock is on the one relation that the member names, and there is nothing else to it.
template <LockMode mode>
void lock_member(const ParseNode& node, EffectsBuilder& effects) {
  for (const char* key : {"relation", "table", "view"}) {
    if (node.contains(key)) lock_relation(node[key], mode, effects);
  }
}

const std::map<std::string, Predict, std::less<>>& predicted() {
  static const std::map<std::string, Predict, std::less<>> statements{
      {"CreateStmt", create_table},
      {"AlterTableStmt", predict_alter_table},
      {"IndexStmt", create_index},
      {"DropStmt", drop},
      {"TruncateStmt", truncate},
      {"RenameStmt", rename},
      {"CommentStmt", comment},
      {"ReindexStmt", reindex},
      {"VacuumStmt", vacuum},
      {"RefreshMatViewStmt", refresh},
      {"CreatePublicationStmt", publication},
      {"AlterPublicationStmt", publication},
      {"LockStmt", lock_table},
      {"AlterDomainStmt", alter_domain},
      {"CreateStatsStmt", create_statistics},
      {"ClusterStmt", cluster},
      {"CreateTrigStmt", create_trigger},
      {"AlterObjectSchemaStmt", lock_member<access_exclusive>},
      {"CreatePolicyStmt", lock_member<access_exclusive>},
      {"AlterPolicyStmt", lock_member<access_exclusive>},
      {"RuleStmt", lock_member<access_exclusive>},
      {"ViewStmt", lock_member<access_exclusive>},
      {"AlterSeqStmt", [](const ParseNode& node, EffectsBuilder& effects) {
         effects.lock_name(effects.catalog().resolve(qualified_name(member(node, "sequence"))), share_row_exclusive);
       }}};
  return statements;
}

}  // namespace

PredictedEffects predict_effects(const ParseNode& statement, const LintCatalog& catalog) {
  EffectsBuilder effects{catalog};
  for (const auto& [kind, node] : statement.items()) {
    const auto found = predicted().find(kind);
    if (found != predicted().end()) found->second(node, effects);
  }
  return effects.take();
}

}  // namespace belay
