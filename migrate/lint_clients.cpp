// What breaks the application version that is still running while the migration is deployed.
#include <fmt/format.h>

#include <algorithm>

#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

const char* const expand_hint =
    "Make the new one beside the old one, let the application use both, and drop the old one after the next release.";

void lint_renames(const LintStep& step, LintSink& sink) {
  if (step.kind != "RenameStmt") return;
  const std::string type = step.node.value("renameType", ""), to = step.node.value("newname", "");
  if (type == "OBJECT_SCHEMA")
    return sink.add("renaming-schema", LintSeverity::warning, step,
                    fmt::format("schema {} becomes {}: the application that is running does not find it",
                                step.node.value("subname", ""), to),
                    expand_hint);
  const CatalogTable* table = old_table(step);
  if (table == nullptr) return;
  if (type == "OBJECT_TABLE" || type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW")
    sink.add(
        "renaming-table", LintSeverity::warning, step,
        fmt::format("{} becomes {}: the application that is running does not find it", shown_name(table->name), to),
        "With @@map(\"" + table->name.name +
            "\") in schema.prisma only the model's name changes, and no SQL is needed.");
  if (type == "OBJECT_COLUMN")
    sink.add("renaming-column", LintSeverity::warning, step,
             fmt::format("column {} of {} becomes {}: the application that is running does not find it",
                         step.node.value("subname", ""), shown_name(table->name), to),
             "With @map(\"" + step.node.value("subname", "") +
                 "\") in schema.prisma only the field's name changes, and no SQL is needed.");
}

void lint_other_names(const LintStep& step, LintSink& sink) {
  if (step.kind == "AlterEnumStmt" && step.node.contains("oldVal"))
    sink.add("renaming-enum-value", LintSeverity::warning, step,
             fmt::format("enum value '{}' becomes '{}': the application that is running does not know it",
                         step.node.value("oldVal", ""), step.node.value("newVal", "")),
             "Add the new value, let the application use it, and leave the old one.");
  const CatalogTable* table = step.kind == "AlterObjectSchemaStmt" ? old_table(step) : nullptr;
  if (table != nullptr)
    sink.add("renaming-schema", LintSeverity::warning, step,
             fmt::format("{} moves to schema {}: the application that is running does not find it",
                         shown_name(table->name), step.node.value("newschema", "")),
             expand_hint);
}

bool gets_a_value(const ParseNode& def) {
  if (is_serial(member(def, "typeName"))) return true;
  const ParseNode& constraints = member(def, "constraints");
  return std::any_of(constraints.begin(), constraints.end(), [](const ParseNode& item) {
    const ParseNode& constraint = member(item, "Constraint");
    const std::string kind = constraint.value("contype", "");
    const bool null = member(member(constraint, "raw_expr"), "A_Const").value("isnull", false);
    return (kind == "CONSTR_DEFAULT" && !null) || kind == "CONSTR_IDENTITY" || kind == "CONSTR_GENERATED";
  });
}

bool is_required(const ParseNode& def) {
  const ParseNode& constraints = member(def, "constraints");
  return std::any_of(constraints.begin(), constraints.end(), [](const ParseNode& item) {
    const std::string kind = member(item, "Constraint").value("contype", "");
    return kind == "CONSTR_NOTNULL" || kind == "CONSTR_PRIMARY";
  });
}

void lint_columns(const LintStep& step, LintSink& sink) {
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  if (table == nullptr) return;
  for (const ParseNode* command : table_commands(step)) {
    const std::string subtype = command->value("subtype", "");
    const ParseNode& def = member(member(*command, "def"), "ColumnDef");
    if (subtype == "AT_DropNotNull")
      sink.add("ban-drop-not-null", LintSeverity::note, step,
               fmt::format("{} of {} may be NULL from now on: does the application that is running expect that?",
                           command->value("name", ""), shown_name(table->name)),
               "First release an application that can read a NULL there.");
    const bool there =
        command->value("missing_ok", false) && table->column(def.value("colname", "")) != nullptr;  // IF NOT EXISTS
    if (subtype == "AT_AddColumn" && is_required(def) && !gets_a_value(def) && !there)
      sink.add("adding-required-field", loss_of(*table), step,
               fmt::format("adds {} NOT NULL without a default to {}: {}", def.value("colname", ""), sized(*table),
                           table->filled ? "fails while there are rows, and the running application's INSERTs fail"
                                         : "the running application's INSERTs fail"),
               "Add it with a default, or without NOT NULL; fill it; make it NOT NULL after the next release.");
  }
}

bool created_again(const LintStep& step, const std::string& name, const char* kind) {
  const auto& statements = step.script.script.statements;
  return std::any_of(
      statements.begin() + static_cast<std::ptrdiff_t>(step.index), statements.end(), [&](const Statement& statement) {
        const std::size_t dot = statement.object.rfind('.');
        const std::string last = dot == std::string::npos ? statement.object : statement.object.substr(dot + 1);
        return statement.kind == kind && last == name;
      });
}

void lint_functions(const LintStep& step, LintSink& sink) {
  const std::string type = step.node.value("removeType", "");
  if (step.kind != "DropStmt" || (type != "OBJECT_FUNCTION" && type != "OBJECT_PROCEDURE")) return;
  for (const ParseNode& object : member(step.node, "objects")) {
    const QualifiedName name = qualified_name(object);
    const bool known = std::any_of(step.catalog.functions.begin(), step.catalog.functions.end(),
                                   [&](const CatalogFunction& each) { return each.name.name == name.name; });
    if (!known && step.catalog.live) continue;
    const bool again =
        created_again(step, name.name, type == "OBJECT_FUNCTION" ? "CREATE FUNCTION" : "CREATE PROCEDURE");
    sink.add("changing-function-signature", LintSeverity::warning, step,
             fmt::format("{} {}: calls of the application that is running may fail", shown_name(name),
                         again ? "is made anew, with other arguments or another result" : "is dropped"),
             again ? "CREATE OR REPLACE keeps it where arguments and result stay; else give the new one another name."
                   : "First release an application that does not call it.");
  }
}

void lint_views(const LintStep& step, LintSink& sink) {
  for (const char* type : {"OBJECT_VIEW", "OBJECT_MATVIEW"}) {
    for (const CatalogTable* view : dropped_tables(step, type)) {
      const bool stored = view->kind == 'm';
      if (created_again(step, view->name.name, stored ? "CREATE MATERIALIZED VIEW" : "CREATE VIEW")) continue;
      sink.add("drop-view", LintSeverity::warning, step,
               fmt::format("drops view {}: the application that is running may read it", shown_name(view->name)),
               "First release an application that does not read it.");
    }
  }
}

}  // namespace

void lint_clients(const LintStep& step, LintSink& sink) {
  lint_renames(step, sink);
  lint_other_names(step, sink);
  lint_columns(step, sink);
  lint_functions(step, sink);
  lint_views(step, sink);
}

}  // namespace belay
