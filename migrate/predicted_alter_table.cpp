// ALTER TABLE: every subcommand has its lock, the statement takes the strongest of them, and takes it at once. Source:
// AlterTableGetLockLevel and the phases of ATController in PostgreSQL's tablecmds.c.
#include <algorithm>
#include <string_view>

#include "migrate/predicted_locks.hpp"

namespace belay {

namespace {

using enum LockMode;

/// All others take ACCESS EXCLUSIVE.
LockMode mode_of(const ParseNode& command) {
  static const std::map<std::string, LockMode, std::less<>> weaker{
      {"AT_SetStatistics", share_update_exclusive},   {"AT_SetOptions", share_update_exclusive},
      {"AT_ResetOptions", share_update_exclusive},    {"AT_ClusterOn", share_update_exclusive},
      {"AT_DropCluster", share_update_exclusive},     {"AT_ValidateConstraint", share_update_exclusive},
      {"AT_AttachPartition", share_update_exclusive}, {"AT_DetachPartitionFinalize", share_update_exclusive}};
  const std::string subtype = command.value("subtype", "");
  const ParseNode& def = member(command, "def");
  if (const auto found = weaker.find(subtype); found != weaker.end()) return found->second;
  if (subtype.starts_with("AT_EnableTrig") || subtype.starts_with("AT_DisableTrig") ||
      subtype.starts_with("AT_EnableAlwaysTrig") || subtype.starts_with("AT_EnableReplicaTrig"))
    return share_row_exclusive;
  if (subtype == "AT_AddConstraint" && member(def, "Constraint").value("contype", "") == "CONSTR_FOREIGN")
    return share_row_exclusive;
  if (subtype == "AT_DetachPartition" && member(def, "PartitionCmd").value("concurrent", false))
    return share_update_exclusive;
  if (subtype != "AT_SetRelOptions" && subtype != "AT_ResetRelOptions") return access_exclusive;
  static const std::set<std::string, std::less<>> strong{"user_catalog_table", "security_barrier", "check_option",
                                                         "security_invoker"};
  for (const ParseNode& item : member(member(def, "List"), "items")) {
    if (strong.contains(member(item, "DefElem").value("defname", ""))) return access_exclusive;
  }
  return share_update_exclusive;
}

bool reaches_partitions(std::string_view subtype) { return subtype.find("Trig") != std::string_view::npos; }

bool reaches_children(std::string_view subtype, const ParseNode& command) {
  static const std::set<std::string, std::less<>> always{
      "AT_AddColumn",   "AT_DropColumn",     "AT_AlterColumnType", "AT_ColumnDefault",      "AT_SetNotNull",
      "AT_DropNotNull", "AT_DropConstraint", "AT_SetStatistics",   "AT_ValidateConstraint", "AT_SetStorage"};
  const std::string kind = member(member(command, "def"), "Constraint").value("contype", "");
  return always.contains(subtype) || (subtype == "AT_AddConstraint" && kind == "CONSTR_CHECK");
}

std::string column_words(const std::string& name) { return "column " + name; }

class Alteration {
 public:
  Alteration(const CatalogTable& table, bool only, EffectsBuilder& effects)
      : table_(table), only_(only), effects_(effects) {}

  void see(const ParseNode& command) {
    static const std::map<std::string, void (Alteration::*)(const ParseNode&), std::less<>> commands{
        {"AT_AddColumn", &Alteration::add_column},         {"AT_DropColumn", &Alteration::drop_column},
        {"AT_AlterColumnType", &Alteration::alter_type},   {"AT_SetNotNull", &Alteration::set_not_null},
        {"AT_AddConstraint", &Alteration::add_constraint}, {"AT_DropConstraint", &Alteration::drop_constraint},
        {"AT_ValidateConstraint", &Alteration::validate},  {"AT_AttachPartition", &Alteration::attach},
        {"AT_DetachPartition", &Alteration::detach},       {"AT_AddInherit", &Alteration::inherit},
        {"AT_ChangeOwner", &Alteration::change_owner}};
    const std::string subtype = command.value("subtype", "");
    const auto found = commands.find(subtype);
    if (found != commands.end()) (this->*found->second)(command);
    const bool changes = (subtype == "AT_SetLogged" && table_.unlogged) ||
                         (subtype == "AT_SetUnLogged" && !table_.unlogged) || subtype == "AT_SetTableSpace" ||
                         subtype == "AT_SetAccessMethod";
    if (changes) effects_.work(table_, Work::rewrite, WorkCause::storage, subtype.substr(3));
  }

 private:
  void everywhere(Work work, WorkCause cause, const std::string& subject) {
    for (const CatalogTable* each : effects_.catalog().with_children(table_)) {
      if ((each->kind == 'r' || each->kind == 'm') && (!only_ || each == &table_))
        effects_.work(*each, work, cause, subject);
    }
  }

  /// A key of a partitioned table has an index on each partition; of plain children it says nothing.
  void build_key(WorkCause cause, const std::string& subject, const std::vector<std::string>& columns) {
    if (table_.kind != 'p') return effects_.work(table_, Work::index_build, cause, subject);
    const bool sets_not_null =
        cause == WorkCause::primary_key &&
        !std::all_of(columns.begin(), columns.end(), [&](const std::string& name) { return known_not_null(name); });
    for (const CatalogTable* each : effects_.catalog().with_children(table_)) {
      effects_.lock(*each, sets_not_null ? access_exclusive : share);
      if (each->kind == 'r') effects_.work(*each, Work::index_build, cause, subject);
    }
  }

  void add_column(const ParseNode& command) {
    const ParseNode& def = member(member(command, "def"), "ColumnDef");
    const std::string name = column_words(def.value("colname", ""));
    if (command.value("missing_ok", false) && table_.column(def.value("colname", "")) != nullptr) return;
    if (is_serial(member(def, "typeName"))) everywhere(Work::rewrite, WorkCause::auto_increment, name);
    const CatalogDomain* domain = effects_.catalog().domain(column_type(member(def, "typeName")));
    if (domain != nullptr && domain->constrained) everywhere(Work::rewrite, WorkCause::constrained_domain, name);
    bool has_default = false;
    for (const ParseNode& item : member(def, "constraints"))
      has_default = has_default || member(item, "Constraint").value("contype", "") == "CONSTR_DEFAULT";
    for (const ParseNode& item : member(def, "constraints"))
      add_column_constraint(member(item, "Constraint"), name, has_default);
  }

  void add_column_constraint(const ParseNode& constraint, const std::string& name, bool has_default) {
    const std::string kind = constraint.value("contype", "");
    if (kind == "CONSTR_DEFAULT" && is_volatile(member(constraint, "raw_expr"), effects_.catalog()))
      everywhere(Work::rewrite, WorkCause::volatile_default, name);
    if (kind == "CONSTR_IDENTITY") everywhere(Work::rewrite, WorkCause::auto_increment, name);
    if (kind == "CONSTR_GENERATED") everywhere(Work::rewrite, WorkCause::generated_column, name);
    if (kind == "CONSTR_CHECK") everywhere(Work::scan, WorkCause::check, name);
    if (kind == "CONSTR_UNIQUE") build_key(WorkCause::unique, name, {});
    if (kind == "CONSTR_PRIMARY") build_key(WorkCause::primary_key, name, {});
    // A new column without a default is NULL everywhere, so there is nothing to look up.
    if (kind == "CONSTR_FOREIGN") predict_foreign_key(has_default ? &table_ : nullptr, constraint, effects_);
  }

  void lock_other_side(const CatalogConstraint& key) {
    const CatalogTable* other = key.kind == 'f' ? effects_.catalog().find(key.references) : nullptr;
    if (other != nullptr && other != &table_) effects_.lock(*other, access_exclusive);
  }

  void drop_column(const ParseNode& command) {
    const std::string name = command.value("name", "");
    for (const CatalogConstraint& key : table_.constraints) {
      if (holds(key.columns, name)) lock_other_side(key);
    }
    for (const CatalogIndex& index : table_.indexes) {
      if (holds(index.columns, name) && !table_.fresh) effects_.lock_name(index.name, access_exclusive);
    }
    if (command.value("behavior", "") != "DROP_CASCADE") return;
    lock_referencing(name);
    effects_.lock_views(table_, access_exclusive);
  }

  /// Tables whose foreign keys lead to this column.
  void lock_referencing(const std::string& column) {
    for (const LintCatalog::Reference& reference : effects_.catalog().references_to(table_.name)) {
      const bool implied = reference.key->referenced_columns.empty();
      if ((implied || holds(reference.key->referenced_columns, column)) && reference.table != &table_)
        effects_.lock(*reference.table, access_exclusive);
    }
  }

  void alter_type(const ParseNode& command) {
    const std::string name = command.value("name", "");
    const ParseNode& def = member(member(command, "def"), "ColumnDef");
    const CatalogColumn* column = table_.column(name);
    const ColumnType to = column_type(member(def, "typeName"));
    const CatalogDomain* domain = effects_.catalog().domain(to);
    const TypeChange change = domain != nullptr && domain->constrained
                                  ? TypeChange::rewrite
                                  : type_change({.from = column == nullptr ? ColumnType{} : base_of(column->type),
                                                 .to = base_of(to),
                                                 .utc = effects_.catalog().utc,
                                                 .using_expression = converts_otherwise(def, name, to)});
    for (const CatalogConstraint& constraint : table_.constraints) {
      if (!holds(constraint.columns, name)) continue;
      lock_other_side(constraint);
      // It is made anew, and looks at every row again.
      if (constraint.kind == 'c' && change == TypeChange::same_bits)
        everywhere(Work::scan, WorkCause::check, "constraint " + constraint.name);
    }
    lock_referencing(name);
    // Foreign keys that lead here are checked again where the values are compared by another operator.
    for (const LintCatalog::Reference& reference : effects_.catalog().references_to(table_.name)) {
      const bool other_operator =
          change != TypeChange::same_bits && (column == nullptr || column->type.name != to.name);
      const bool leads_here =
          reference.key->referenced_columns.empty() || holds(reference.key->referenced_columns, name);
      if (other_operator && leads_here && reference.table != &table_)
        effects_.work(*reference.table, Work::scan, WorkCause::foreign_key, "constraint " + reference.key->name);
    }
    if (change != TypeChange::same_bits) everywhere(Work::rewrite, WorkCause::type_change, column_words(name));
  }

  /// A domain has the bits of the type that it is made from.
  [[nodiscard]] ColumnType base_of(const ColumnType& type) const {
    const CatalogDomain* domain = effects_.catalog().domain(type);
    return domain == nullptr ? type : domain->base;
  }

  /// USING with anything but a cast of the column itself to the new type.
  static bool converts_otherwise(const ParseNode& def, const std::string& column, const ColumnType& to) {
    const ParseNode& expression = member(def, "raw_default");
    if (expression.empty()) return false;
    const ParseNode& cast = member(expression, "TypeCast");
    const ParseNode& fields = member(member(cast.empty() ? expression : member(cast, "arg"), "ColumnRef"), "fields");
    if (!fields.is_array() || fields.size() != 1 || name_in(fields.front()) != column) return true;
    return !cast.empty() && column_type(member(cast, "typeName")).text() != to.text();
  }

  /// No row can be NULL in it, so none has to be looked at.
  bool known_not_null(const std::string& name) const {
    const CatalogColumn* column = table_.column(name);
    if (column != nullptr && column->not_null) return true;
    return std::any_of(table_.constraints.begin(), table_.constraints.end(), [&](const CatalogConstraint& constraint) {
      return constraint.kind == 'c' && constraint.validated && holds(constraint.not_null, name);
    });
  }

  void set_not_null(const ParseNode& command) {
    const std::string name = command.value("name", "");
    if (!known_not_null(name)) everywhere(Work::scan, WorkCause::not_null, column_words(name));
  }

  void add_constraint(const ParseNode& command) {
    const ParseNode& constraint = member(member(command, "def"), "Constraint");
    const std::string kind = constraint.value("contype", ""), name = constraint.value("conname", "");
    const std::string words = name.empty() ? "the constraint" : "constraint " + name;
    const bool taken = constraint.contains("indexname");
    if (kind == "CONSTR_FOREIGN") predict_foreign_key(&table_, constraint, effects_);
    if (kind == "CONSTR_CHECK" && !constraint.value("skip_validation", false))
      everywhere(Work::scan, WorkCause::check, words);
    if (kind == "CONSTR_UNIQUE" && !taken) build_key(WorkCause::unique, words, {});
    if (kind == "CONSTR_EXCLUSION") effects_.work(table_, Work::index_build, WorkCause::exclusion, words);
    if (kind != "CONSTR_PRIMARY") return;
    if (!taken) {
      std::vector<std::string> columns;
      for (const ParseNode& key : member(constraint, "keys")) columns.push_back(name_in(key));
      return build_key(WorkCause::primary_key, words, columns);
    }
    const auto index = std::find_if(table_.indexes.begin(), table_.indexes.end(), [&](const CatalogIndex& each) {
      return each.name.name == constraint.value("indexname", "");
    });
    if (index == table_.indexes.end()) return;
    for (const std::string& column : index->keys) {
      if (!known_not_null(column)) effects_.work(table_, Work::scan, WorkCause::not_null, column_words(column));
    }
  }

  void drop_constraint(const ParseNode& command) {
    const CatalogConstraint* constraint = table_.constraint(command.value("name", ""));
    if (constraint == nullptr) return;
    lock_other_side(*constraint);
    const bool key = constraint->kind == 'p' || constraint->kind == 'u';
    if (!key || command.value("behavior", "") != "DROP_CASCADE") return;
    for (const LintCatalog::Reference& reference : effects_.catalog().references_to(table_.name)) {
      if (reference.key->referenced_columns == constraint->columns && reference.table != &table_)
        effects_.lock(*reference.table, access_exclusive);
    }
  }

  void validate(const ParseNode& command) {
    const std::string name = command.value("name", "");
    const CatalogConstraint* constraint = table_.constraint(name);
    if (constraint == nullptr || !constraint->validated)
      everywhere(Work::scan, WorkCause::validate, "constraint " + name);
  }

  const CatalogTable* partition_in(const ParseNode& command) const {
    return effects_.catalog().find(qualified_name(member(member(member(command, "def"), "PartitionCmd"), "name")));
  }

  void lock_default_partition() {
    for (const QualifiedName& name : table_.children) {
      const CatalogTable* child = effects_.catalog().find(name);
      if (child != nullptr && child->default_partition) effects_.lock(*child, access_exclusive);
    }
  }

  void attach(const ParseNode& command) {
    lock_default_partition();
    const CatalogTable* child = partition_in(command);
    if (child == nullptr) return;
    effects_.lock(*child, access_exclusive);
    // A CHECK that says the same as the bound saves reading the rows; which one does, only the server knows.
    const bool checked = std::any_of(child->constraints.begin(), child->constraints.end(),
                                     [](const CatalogConstraint& c) { return c.kind == 'c' && c.validated; });
    if (!checked) effects_.work(*child, Work::scan, WorkCause::attach, "partition " + child->name.name);
    for (const CatalogConstraint& key : table_.constraints) {
      const CatalogTable* other = key.kind == 'f' ? effects_.catalog().find(key.references) : nullptr;
      if (other != nullptr) effects_.lock(*other, share_row_exclusive);
    }
  }

  void detach(const ParseNode& command) {
    for (const CatalogConstraint& key : table_.constraints) {
      const CatalogTable* other = key.kind == 'f' ? effects_.catalog().find(key.references) : nullptr;
      if (other != nullptr) effects_.lock(*other, share_row_exclusive);
    }
    const bool concurrent = member(member(command, "def"), "PartitionCmd").value("concurrent", false);
    if (!concurrent) lock_default_partition();
    if (const CatalogTable* child = partition_in(command); child != nullptr)
      effects_.lock(*child, concurrent ? share_update_exclusive : access_exclusive);
  }

  void inherit(const ParseNode& command) {
    const CatalogTable* parent = effects_.catalog().find(qualified_name(member(command, "def")));
    if (parent != nullptr) effects_.lock(*parent, share_update_exclusive);
  }

  void change_owner(const ParseNode&) {
    if (table_.fresh) return;
    for (const CatalogIndex& index : table_.indexes) effects_.lock_name(index.name, access_exclusive);
  }

  const CatalogTable& table_;
  bool only_;
  EffectsBuilder& effects_;
};

}  // namespace

bool is_volatile(const ParseNode& expression, const LintCatalog& catalog) {
  // What is called without a database at hand: these are the ones that migrations use.
  static const std::set<std::string, std::less<>> known{
      "random",           "gen_random_uuid",  "clock_timestamp",    "timeofday",        "nextval",          "setval",
      "uuid_generate_v1", "uuid_generate_v4", "uuid_generate_v1mc", "gen_random_bytes", "uuid_generate_v7", "uuidv7"};
  bool found = false;
  walk_nodes(expression, [&](std::string_view key, const ParseNode& node) {
    if (key != "FuncCall") return true;
    const ParseNode& parts = member(node, "funcname");
    const std::string name = parts.is_array() && !parts.empty() ? name_in(parts.back()) : "";
    found = found || known.contains(name) || catalog.volatile_functions.contains(name);
    return true;
  });
  return found;
}

void predict_foreign_key(const CatalogTable* table, const ParseNode& constraint, EffectsBuilder& effects) {
  if (constraint.value("contype", "") != "CONSTR_FOREIGN") return;
  const CatalogTable* other = effects.catalog().find(qualified_name(member(constraint, "pktable")));
  if (other != nullptr && other->kind == 'p') effects.lock_with_children(*other, LockMode::share_row_exclusive);
  if (other != nullptr) effects.lock(*other, LockMode::share_row_exclusive);
  if (table == nullptr) return;
  const std::string name = constraint.value("conname", "");
  for (const CatalogTable* each : effects.catalog().with_children(*table)) {
    if (each != table && table->kind != 'p') break;
    if (each != table) effects.lock(*each, LockMode::share_row_exclusive);
    if (each->kind != 'p' && !constraint.value("skip_validation", false))
      effects.work(*each, Work::scan, WorkCause::foreign_key, name.empty() ? "the foreign key" : "constraint " + name);
  }
}

void predict_alter_table(const ParseNode& node, EffectsBuilder& effects) {
  const std::string type = node.value("objtype", "");
  const QualifiedName name = qualified_name(member(node, "relation"));
  if (type == "OBJECT_INDEX") {
    const LintCatalog::IndexPlace place = effects.catalog().find_index(name);
    if (place.index != nullptr && !place.table->fresh)
      effects.lock_name(place.index->name, LockMode::share_update_exclusive);
    return;
  }
  const CatalogTable* table = effects.catalog().find(name);
  if (table == nullptr || type == "OBJECT_TYPE" || type == "OBJECT_SEQUENCE") return;
  LockMode mode = LockMode::none;
  for (const ParseNode& item : member(node, "cmds")) mode = std::max(mode, mode_of(member(item, "AlterTableCmd")));
  effects.lock(*table, mode);
  const bool only = !member(node, "relation").value("inh", false);
  Alteration alteration{*table, only, effects};
  for (const ParseNode& item : member(node, "cmds")) {
    const ParseNode& command = member(item, "AlterTableCmd");
    const std::string subtype = command.value("subtype", "");
    const bool reaches = reaches_children(subtype, command) || (table->kind == 'p' && reaches_partitions(subtype));
    if (!only && reaches) effects.lock_with_children(*table, mode);
    alteration.see(command);
  }
}

}  // namespace belay
