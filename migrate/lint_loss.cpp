// What is lost: rows, values, and what goes along with a column or by CASCADE.
#include <fmt/format.h>

#include <algorithm>

#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

using Kind = CatalogDependent::Kind;
using Texts = std::vector<std::string>;

const char* const backup_hint = "Only a backup brings it back. First release an application that does not use it.";

void lint_truncate(const LintStep& step, LintSink& sink) {
  if (step.kind != "TruncateStmt") return;
  std::vector<const CatalogTable*> named;
  for (const ParseNode& item : member(step.node, "relations")) {
    const CatalogTable* table = step.catalog.find(qualified_name(item));
    if (table == nullptr || table->fresh) continue;
    named.push_back(table);
    sink.add("ban-truncate", table->filled ? LintSeverity::error : LintSeverity::note, step,
             fmt::format("empties {}", sized(*table)), "Only a backup brings the rows back.");
  }
  Texts reached;
  bool filled = false;
  for (const TableWork& work : step.effects.work) {
    const CatalogTable* table = step.catalog.find(work.table);
    const bool below = table != nullptr && std::any_of(named.begin(), named.end(), [&](const CatalogTable* each) {
                         const auto family = step.catalog.with_children(*each);
                         return std::find(family.begin(), family.end(), table) != family.end();
                       });
    if (table == nullptr || below) continue;
    reached.push_back(sized(*table));
    filled = filled || table->filled;
  }
  if (!reached.empty())
    return sink.add("ban-truncate-cascade", filled ? LintSeverity::error : LintSeverity::warning, step,
                    fmt::format("empties {} too", listed(reached)), "Name every table that is meant, without CASCADE.");
  if (cascades(step.node) && !step.catalog.live)
    sink.add("ban-truncate-cascade", LintSeverity::error, step,
             "empties every table that references it too; which ones, only the database knows",
             "Name every table that is meant, without CASCADE.");
}

void lint_whole_table_changes(const LintStep& step, LintSink& sink) {
  const bool deletes = step.kind == "DeleteStmt";
  if ((!deletes && step.kind != "UpdateStmt") || step.node.contains("whereClause")) return;
  const CatalogTable* table = old_table(step);
  const bool joined = step.node.contains(deletes ? "usingClause" : "fromClause");
  if (table == nullptr || joined) return;
  if (deletes)
    return sink.add("delete-without-where", table->filled ? LintSeverity::error : LintSeverity::note, step,
                    fmt::format("deletes every row of {}", sized(*table)), "Say which rows with WHERE.");
  sink.add("update-without-where", table->filled ? cost_of(*table) : LintSeverity::note, step,
           fmt::format("changes every row of {}, in one transaction", sized(*table)),
           "Say which rows with WHERE, and change them in batches, outside the migration.");
}

void lint_lossy_types(const LintStep& step, LintSink& sink) {
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  if (table == nullptr) return;
  for (const ParseNode* command : table_commands(step)) {
    if (command->value("subtype", "") != "AT_AlterColumnType") continue;
    const CatalogColumn* column = table->column(command->value("name", ""));
    if (column == nullptr) continue;
    const ColumnType to = column_type(member(member(member(*command, "def"), "ColumnDef"), "typeName"));
    const TypeChange change = type_change({.from = column->type, .to = to, .utc = step.catalog.utc});
    if (change != TypeChange::narrowing) continue;
    sink.add("lossy-type-change", table->filled ? LintSeverity::warning : LintSeverity::note, step,
             fmt::format("{} does not hold every value of {}: values in {} of {} may be refused, cut or rounded",
                         to.text(), column->type.text(), column->name, sized(*table)),
             "Look at the values first; a new column beside the old one keeps both.");
  }
}

/// Indexes, constraints and the like that are dropped with a column without being named.
Texts collateral_of(const CatalogTable& table, const std::string& column) {
  Texts words;
  for (const CatalogIndex& index : table.indexes) {
    if (index.constraint.empty() && holds(index.columns, column)) words.push_back("index " + index.name.name);
  }
  for (const CatalogConstraint& constraint : table.constraints) {
    if (holds(constraint.columns, column)) words.push_back("constraint " + constraint.name);
  }
  for (const CatalogDependent& dependent : table.dependents) {
    const bool silent = dependent.kind == Kind::statistics || dependent.kind == Kind::sequence;
    if (silent && dependent.column == column) words.push_back(dependent.words);
  }
  return words;
}

bool takes_other_columns(const CatalogTable& table, const std::string& column) {
  const auto shared = [&](const Texts& columns) { return holds(columns, column) && columns.size() > 1; };
  return std::any_of(table.indexes.begin(), table.indexes.end(),
                     [&](const auto& each) { return shared(each.columns); }) ||
         std::any_of(table.constraints.begin(), table.constraints.end(),
                     [&](const auto& each) { return shared(each.columns); });
}

void lint_column_drop(const LintStep& step, const CatalogTable& table, const std::string& name, LintSink& sink) {
  sink.add("ban-drop-column", loss_of(table), step, fmt::format("drops column {} of {}", name, sized(table)),
           backup_hint);
  const Texts words = collateral_of(table, name);
  if (words.empty()) return;
  sink.add(
      "drop-column-collateral", takes_other_columns(table, name) ? LintSeverity::warning : LintSeverity::note, step,
      fmt::format("goes with column {} of {}, without being named: {}", name, shown_name(table.name), listed(words)),
      "What is still needed has to be made again, without the column.");
}

/// Views on a table, and on those.
void add_views(const LintCatalog& catalog, const CatalogTable& table, const std::string& column, Texts& words,
               int depth = 0) {
  constexpr int deepest = 20;
  if (depth > deepest) return;
  for (const CatalogDependent& dependent : table.dependents) {
    const bool uses = column.empty() || dependent.column == column;
    const bool hangs =
        dependent.kind != Kind::statistics && dependent.kind != Kind::sequence && dependent.kind != Kind::publication;
    if (!uses || !hangs || (column.empty() && dependent.kind != Kind::view && dependent.kind != Kind::function))
      continue;
    if (!holds(words, dependent.words)) words.push_back(dependent.words);
    const CatalogTable* view = dependent.kind == Kind::view ? catalog.find(dependent.relation) : nullptr;
    if (view != nullptr) add_views(catalog, *view, "", words, depth + 1);
  }
}

void add_references(const LintCatalog& catalog, const CatalogTable& table, const std::string& column, Texts& words) {
  for (const LintCatalog::Reference& reference : catalog.references_to(table.name)) {
    const bool uses =
        column.empty() || reference.key->referenced_columns.empty() || holds(reference.key->referenced_columns, column);
    if (uses && reference.table != &table)
      words.push_back(fmt::format("foreign key {} of {}", reference.key->name, shown_name(reference.table->name)));
  }
}

/// What CASCADE takes along; `rows`: columns or tables with rows are among it.
struct Victims {
  Texts words;
  bool rows = false;
};

void add_type_users(const LintCatalog& catalog, const std::string& type, Victims& victims) {
  for (const auto& [name, table] : catalog.tables) {
    for (const CatalogColumn& column : table.columns) {
      if (column.type.name != type || column.type.schema == "pg_catalog") continue;
      victims.words.push_back(fmt::format("column {} of {}", column.name, shown_name(name)));
      victims.rows = victims.rows || (table.filled && table.kind != 'v');
    }
  }
}

Victims victims_of(const LintStep& step) {
  Victims victims;
  const std::string type = step.node.value("removeType", "");
  for (const ParseNode& object : member(step.node, "objects")) {
    const QualifiedName name = qualified_name(object);
    const CatalogTable* table = step.catalog.find(name);
    const bool relation = type == "OBJECT_TABLE" || type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW";
    if (relation && table != nullptr) {
      add_views(step.catalog, *table, "", victims.words);
      add_references(step.catalog, *table, "", victims.words);
    }
    if (type == "OBJECT_TYPE" || type == "OBJECT_DOMAIN") add_type_users(step.catalog, name.name, victims);
  }
  for (const ParseNode* command : table_commands(step)) {
    const CatalogTable* table = old_table(step);
    if (table == nullptr || !cascades(*command)) continue;
    const std::string column = command->value("name", "");
    if (command->value("subtype", "") == "AT_DropColumn") {
      add_views(step.catalog, *table, column, victims.words);
      add_references(step.catalog, *table, column, victims.words);
    }
    const CatalogConstraint* constraint = table->constraint(column);
    if (constraint != nullptr && (constraint->kind == 'p' || constraint->kind == 'u'))
      add_references(step.catalog, *table, constraint->columns.empty() ? "" : constraint->columns.front(),
                     victims.words);
  }
  return victims;
}

bool drops_with_cascade(const LintStep& step) {
  if (step.kind == "DropStmt") return cascades(step.node) && step.node.value("removeType", "") != "OBJECT_SCHEMA";
  const std::vector<const ParseNode*> commands = table_commands(step);
  return std::any_of(commands.begin(), commands.end(), [](const ParseNode* command) { return cascades(*command); });
}

void lint_cascade(const LintStep& step, LintSink& sink) {
  if (!drops_with_cascade(step)) return;
  const std::vector<const CatalogTable*> old = dropped_tables(step, "OBJECT_TABLE");
  if (step.kind == "DropStmt" && step.node.value("removeType", "") == "OBJECT_TABLE" && old.empty()) return;
  const Victims victims = victims_of(step);
  const char* const hint = "Drop each of them by name, without CASCADE, so that nothing else goes.";
  if (!victims.words.empty())
    return sink.add("drop-cascade-preview", victims.rows ? LintSeverity::error : LintSeverity::warning, step,
                    "CASCADE takes along: " + listed(victims.words), hint);
  if (!step.catalog.live)
    sink.add("drop-cascade-preview", LintSeverity::warning, step,
             "what CASCADE takes along cannot be told without the database", hint);
}

void lint_schema_drop(const LintStep& step, LintSink& sink) {
  if (step.kind != "DropStmt" || step.node.value("removeType", "") != "OBJECT_SCHEMA") return;
  for (const ParseNode& object : member(step.node, "objects")) {
    const std::string schema = qualified_name(object).name;
    Texts tables;
    bool filled = !step.catalog.live;
    for (const auto& [name, table] : step.catalog.tables) {
      if (name.schema != schema || table.fresh) continue;
      tables.push_back(sized(table));
      filled = filled || (table.filled && table.kind != 'v');
    }
    if (tables.empty() && step.catalog.live) continue;
    sink.add("ban-drop-schema", filled ? LintSeverity::error : LintSeverity::warning, step,
             fmt::format("drops schema {}{}{}", schema, tables.empty() ? "" : " with ", listed(tables)), backup_hint);
  }
}

}  // namespace

void lint_loss(const LintStep& step, LintSink& sink) {
  lint_truncate(step, sink);
  lint_whole_table_changes(step, sink);
  lint_lossy_types(step, sink);
}

void lint_drops(const LintStep& step, LintSink& sink) {
  for (const CatalogTable* table : dropped_tables(step, "OBJECT_TABLE"))
    sink.add("ban-drop-table", loss_of(*table), step, fmt::format("drops table {}", sized(*table)), backup_hint);
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  for (const ParseNode* command : table_commands(step)) {
    if (table != nullptr && command->value("subtype", "") == "AT_DropColumn" &&
        (!table->columns_known || table->column(command->value("name", "")) != nullptr))
      lint_column_drop(step, *table, command->value("name", ""), sink);
  }
  lint_cascade(step, sink);
  lint_schema_drop(step, sink);
}

}  // namespace belay
