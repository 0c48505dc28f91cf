// What the statements of a migration make together: rows and schema in one, slow work under a lock that is held
// already, tables that have nothing to do with each other; and what is left when all have run.
#include <fmt/format.h>

#include <algorithm>

#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

using Texts = std::vector<std::string>;

bool same_or_empty(const CatalogTable* table) { return table == nullptr || table->fresh || !table->filled; }

void trace_rows(const LintStep& step, LintTrace& trace) {
  const bool changes = step.kind == "UpdateStmt" || step.kind == "DeleteStmt" ||
                       (step.kind == "InsertStmt" && !member(member(step.node, "selectStmt"), "SelectStmt").empty() &&
                        !member(member(step.node, "selectStmt"), "SelectStmt").contains("valuesLists"));
  trace.changes_rows = changes && !same_or_empty(step.catalog.find(qualified_name(member(step.node, "relation"))));
  if (step.kind == "DeleteStmt" && trace.changes_rows) trace.lost = "rows deleted";
  if (step.kind == "TruncateStmt") trace.lost = "rows of a TRUNCATE";
}

void trace_schema(const LintStep& step, LintTrace& trace) {
  static const std::set<std::string, std::less<>> about_tables{"AlterTableStmt", "IndexStmt", "RenameStmt",
                                                               "CreateTrigStmt"};
  const CatalogTable* table = about_tables.contains(step.kind) ? old_table(step) : nullptr;
  if (table != nullptr) trace.tables.push_back(table->name);
  for (const CatalogTable* dropped : dropped_tables(step, "OBJECT_TABLE")) {
    trace.tables.push_back(dropped->name);
    trace.dropped.push_back(dropped->name);
    if (dropped->filled) trace.lost = "table " + dropped->name.name;
  }
  trace.changes_schema = !trace.tables.empty();
  for (const ParseNode* command : table_commands(step)) {
    if (table == nullptr || !table->filled) break;
    if (command->value("subtype", "") == "AT_DropColumn") trace.lost = "column " + command->value("name", "");
    if (command->value("subtype", "") != "AT_AlterColumnType") continue;
    const CatalogColumn* column = table->column(command->value("name", ""));
    const ColumnType to = column_type(member(member(member(*command, "def"), "ColumnDef"), "typeName"));
    if (column != nullptr && type_change({.from = column->type, .to = to}) == TypeChange::narrowing)
      trace.lost = "values of " + column->name;
  }
  if (step.kind == "AlterEnumStmt" && !step.node.contains("oldVal"))
    trace.lost = fmt::format("enum value '{}', which cannot be dropped", step.node.value("newVal", ""));
}

void trace_copies(const LintStep& step, LintTrace& trace) {
  const bool as = step.kind == "CreateTableAsStmt" && step.node.value("objtype", "") == "OBJECT_TABLE";
  const bool into = step.kind == "SelectStmt" && step.node.contains("intoClause");
  if (!as && !into) return;
  trace.made.push_back(step.catalog.resolve(
      qualified_name(as ? member(member(step.node, "into"), "rel") : member(step.node["intoClause"], "rel"))));
  walk_nodes(as ? member(step.node, "query") : step.node, [&](std::string_view key, const ParseNode& inner) {
    if (key == "RangeVar") trace.copied_from.push_back(step.catalog.resolve(qualified_name(inner)));
    return true;
  });
}

void lint_rows_with_schema(const std::vector<LintTrace>& traces, LintSink& sink) {
  const auto schema = std::find_if(traces.begin(), traces.end(), [](const LintTrace& t) { return t.changes_schema; });
  const auto rows = std::find_if(traces.begin(), traces.end(), [](const LintTrace& t) { return t.changes_rows; });
  if (schema == traces.end() || rows == traces.end()) return;
  sink.add("row-changes-with-ddl", LintSeverity::warning, LintSink::Place{rows->index, rows->line},
           fmt::format("changes rows in the same migration as {} in line {}, whose lock is held meanwhile",
                       schema->what, schema->line),
           "Change the rows in a migration of their own, or in batches outside of one.");
}

void lint_copies(const std::vector<LintTrace>& traces, LintSink& sink) {
  for (const LintTrace& copy : traces) {
    for (const QualifiedName& source : copy.copied_from) {
      const auto dropped = std::find_if(traces.begin(), traces.end(), [&](const LintTrace& later) {
        return later.index > copy.index && holds(later.dropped, source);
      });
      if (copy.made.empty() || dropped == traces.end()) continue;
      sink.add(
          "table-copy", LintSeverity::warning, LintSink::Place{copy.index, copy.line},
          fmt::format("copies {} to {}, and drops it in line {}: keys, defaults, indexes, owned sequences, triggers "
                      "and rights are not copied",
                      source.name, copy.made.front().name, dropped->line),
          "ALTER TABLE keeps them; or CREATE TABLE … (LIKE … INCLUDING ALL), then INSERT.");
    }
  }
}

void lint_way_back(const LintScript& script, const std::vector<LintTrace>& traces, LintSink& sink) {
  if (script.has_down) return;
  const auto lost = std::find_if(traces.begin(), traces.end(), [](const LintTrace& t) { return !t.lost.empty(); });
  if (lost == traces.end()) return;
  sink.add("no-way-back", LintSeverity::warning, LintSink::Place{lost->index, lost->line},
           fmt::format("no reversal can bring back {}, and there is no down.sql", lost->lost),
           "Only a backup leads back; a down.sql beside migration.sql says what else may be done.");
}

/// Slow work of a later step under a lock that an earlier one of the same transaction took.
class HeldLocks {
 public:
  void see(const LintTrace& trace) {
    for (const QualifiedName& name : trace.exclusive) held_.emplace(name, trace.line);
  }
  [[nodiscard]] const std::pair<const QualifiedName, int>* first() const {
    return held_.empty() ? nullptr : &*held_.begin();
  }

 private:
  std::map<QualifiedName, int> held_;
};

/// Tables joined by foreign keys are one subject.
std::vector<QualifiedName> roots_of(const std::vector<QualifiedName>& tables, const LintCatalog& catalog) {
  std::map<QualifiedName, QualifiedName> parent;
  const auto root = [&](QualifiedName name) {
    while (parent.contains(name) && parent[name] != name) name = parent[name];
    return name;
  };
  for (const auto& [name, table] : catalog.tables) {
    for (const CatalogConstraint& key : table.constraints) {
      if (key.kind != 'f' || root(name) == root(key.references)) continue;
      const QualifiedName to = root(key.references);
      parent[root(name)] = to;
    }
    for (const QualifiedName& above : table.parents) {
      if (root(name) != root(above)) parent[root(name)] = root(above);
    }
  }
  std::vector<QualifiedName> roots;
  for (const QualifiedName& name : tables) {
    if (!holds(roots, root(name))) roots.push_back(root(name));
  }
  return roots;
}

void lint_subjects(const std::vector<LintTrace>& traces, const LintCatalog& catalog, LintSink& sink) {
  std::vector<QualifiedName> tables;
  Texts names;
  for (const LintTrace& trace : traces) {
    for (const QualifiedName& table : trace.tables) {
      if (!holds(tables, table) && catalog.find(table) != nullptr) {
        tables.push_back(table);
        names.push_back(shown_name(table));
      }
    }
  }
  if (tables.size() < 2 || roots_of(tables, catalog).size() < 2) return;
  const auto first = std::find_if(traces.begin(), traces.end(), [](const LintTrace& t) { return !t.tables.empty(); });
  sink.add("unrelated-changes", LintSeverity::note, LintSink::Place{first->index, first->line},
           fmt::format("changes {}, which have nothing to do with each other: all their locks are held to the end",
                       listed(names)),
           "A migration for each of them can be deployed, and taken back, by itself.");
}

}  // namespace

LintTrace trace_of(const LintStep& step) {
  LintTrace trace{.index = step.index, .line = step.statement.line, .kind = step.kind};
  trace.what = step.statement.object.empty() ? step.statement.kind : step.statement.kind + " " + step.statement.object;
  trace_rows(step, trace);
  trace_schema(step, trace);
  trace_copies(step, trace);
  for (const PredictedLock& lock : step.effects.locks) {
    const CatalogTable* table = step.catalog.find(lock.relation);
    if (lock.mode == LockMode::access_exclusive && table != nullptr && table->kind != 'v')
      trace.exclusive.push_back(lock.relation);
  }
  for (const TableWork& work : step.effects.work) {
    const CatalogTable* table = step.catalog.find(work.table);
    if (table == nullptr || !table->filled || work.cause == WorkCause::truncate) continue;
    trace.worked.push_back(work.table);
    trace.work_cost = std::max(trace.work_cost, cost_of(*table));
  }
  return trace;
}

void lint_together(const LintScript& script, const std::vector<LintTrace>& traces, const LintCatalog& catalog,
                   LintSink& sink) {
  lint_rows_with_schema(traces, sink);
  lint_copies(traces, sink);
  lint_way_back(script, traces, sink);
  lint_subjects(traces, catalog, sink);
  HeldLocks held;
  for (const LintTrace& trace : traces) {
    const auto* lock = script.script.atomic() && !trace.worked.empty() ? held.first() : nullptr;
    if (lock != nullptr)
      sink.add("statement-after-access-exclusive", trace.work_cost, LintSink::Place{trace.index, trace.line},
               fmt::format("goes through {} while {} is locked with ACCESS EXCLUSIVE since line {}",
                           shown_name(trace.worked.front()), shown_name(lock->first), lock->second),
               "Put the slow statement into a migration of its own, before the one with the lock.");
    held.see(trace);
  }
}

void MadeConstraints::add(const LintStep& step, std::size_t script, const QualifiedName& table,
                          const ParseNode& constraint, const std::string& column) {
  const std::string kind = constraint.value("contype", "");
  const bool foreign = kind == "CONSTR_FOREIGN", valid = !constraint.value("skip_validation", false);
  if (!foreign && valid) return;
  Made made{script, step.index, step.statement.line, table, {}, constraint.value("conname", ""), foreign, valid, true};
  for (const ParseNode& item : member(constraint, "fk_attrs")) made.columns.push_back(name_in(item));
  if (made.columns.empty() && !column.empty()) made.columns.push_back(column);
  const CatalogTable* found = step.catalog.find(table);
  made.fresh = found == nullptr || found->fresh || cost_of(*found) == LintSeverity::note;
  made_.push_back(std::move(made));
}

void MadeConstraints::see(const LintStep& step, std::size_t script) {
  const auto see_column = [&](const QualifiedName& table, const ParseNode& def) {
    for (const ParseNode& item : member(def, "constraints"))
      add(step, script, table, member(item, "Constraint"), def.value("colname", ""));
  };
  if (step.kind != "CreateStmt" && step.kind != "AlterTableStmt") return;
  const QualifiedName table = step.catalog.resolve(qualified_name(member(step.node, "relation")));
  for (const ParseNode& element : member(step.node, "tableElts")) {
    if (element.contains("Constraint")) add(step, script, table, element["Constraint"], "");
    if (element.contains("ColumnDef")) see_column(table, element["ColumnDef"]);
  }
  for (const ParseNode* command : table_commands(step)) {
    const ParseNode& def = member(*command, "def");
    if (def.contains("Constraint")) add(step, script, table, def["Constraint"], "");
    if (def.contains("ColumnDef")) see_column(table, def["ColumnDef"]);
    if (command->value("subtype", "") == "AT_ValidateConstraint") judge_validation(step, script, table, *command);
  }
}

void MadeConstraints::judge_validation(const LintStep& step, std::size_t script, const QualifiedName& table,
                                       const ParseNode& command) {
  const std::string name = command.value("name", "");
  for (const Made& made : made_) {
    if (made.script != script || made.valid || made.table != table || made.name != name) continue;
    if (step.script.script.atomic())
      validated_.push_back({script, step.index, step.statement.line, made.line, table, name});
  }
}

void MadeConstraints::judge(const std::vector<LintScript>& scripts, const LintCatalog& catalog, LintSink& sink) {
  for (const Validated& each : validated_) {
    const CatalogTable* table = catalog.find(each.table);
    if (table == nullptr || table->fresh) continue;
    sink.begin_script(scripts[each.script], each.script);
    sink.add("validate-in-same-transaction", cost_of(*table), LintSink::Place{each.index, each.line},
             fmt::format("validates {} of {} under the lock that its ADD CONSTRAINT in line {} took", each.name,
                         sized(*table), each.made_in),
             "VALIDATE CONSTRAINT in the next migration, where writers do not wait for it.");
  }
  for (const Made& made : made_) {
    const CatalogTable* table = catalog.find(made.table);
    if (table == nullptr) continue;
    sink.begin_script(scripts[made.script], made.script);
    const CatalogConstraint* constraint = made.name.empty() ? nullptr : table->constraint(made.name);
    if (!made.valid && constraint != nullptr && !constraint->validated)
      sink.add(
          "not-valid-left-behind", LintSeverity::note, LintSink::Place{made.index, made.line},
          fmt::format("constraint {} of {} stays NOT VALID: old rows may break it", made.name, shown_name(made.table)),
          "VALIDATE CONSTRAINT in the next migration.");
    const bool served = std::any_of(table->indexes.begin(), table->indexes.end(), [&](const CatalogIndex& index) {
      if (index.partial || !index.valid || index.keys.size() < made.columns.size()) return false;
      return std::is_permutation(made.columns.begin(), made.columns.end(), index.keys.begin());
    });
    if (!made.foreign_key || served || made.columns.empty()) continue;
    Texts columns = made.columns;
    sink.add("foreign-key-without-index", made.fresh ? LintSeverity::note : LintSeverity::warning,
             LintSink::Place{made.index, made.line},
             fmt::format("no index of {} begins with {}: each DELETE of a referenced row reads the whole table",
                         shown_name(made.table), listed(columns)),
             "CREATE INDEX on the foreign key's columns (@@index in schema.prisma).");
  }
  made_.clear();
  validated_.clear();
}

}  // namespace belay
