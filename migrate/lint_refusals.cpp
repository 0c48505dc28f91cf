// What the server will refuse, or accept and make something else fail: told from the live catalog only.
#include <fmt/format.h>

#include <algorithm>

#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

using Kind = CatalogDependent::Kind;
using Texts = std::vector<std::string>;

/// What refuses without CASCADE; for a new type (`type_change`) publications and SQL functions do not.
Texts blockers_of(const LintStep& step, const CatalogTable& table, const std::string& column, bool type_change) {
  Texts words;
  const auto goes_too = [&](const CatalogDependent& dependent) {
    const std::vector<const ParseNode*> commands = table_commands(step);
    return std::any_of(commands.begin(), commands.end(), [&](const ParseNode* command) {
      return command->value("subtype", "") == "AT_DropColumn" && command->value("name", "") == dependent.generated;
    });
  };
  for (const CatalogDependent& dependent : table.dependents) {
    if (dependent.column != column || dependent.kind == Kind::statistics || dependent.kind == Kind::sequence) continue;
    if (column.empty() && dependent.kind != Kind::view && dependent.kind != Kind::function) continue;
    if (type_change && dependent.kind == Kind::publication) continue;
    if (!dependent.generated.empty() && goes_too(dependent)) continue;
    words.push_back(dependent.words);
  }
  return words;
}

void lint_column_blockers(const LintStep& step, const CatalogTable& table, const ParseNode& command, LintSink& sink) {
  const std::string subtype = command.value("subtype", ""), name = command.value("name", "");
  if (subtype == "AT_AlterColumnType") {
    const Texts words = blockers_of(step, table, name, true);
    if (!words.empty())
      sink.add("view-blocks-type-change", LintSeverity::error, step,
               fmt::format("the server refuses a new type for {} of {}, which is used by {}", name,
                           shown_name(table.name), listed(words)),
               "Drop them before, and make them again after it, in the same migration.");
  }
  if (subtype != "AT_DropColumn" || cascades(command)) return;
  Texts words = blockers_of(step, table, name, false);
  for (const LintCatalog::Reference& reference : step.catalog.references_to(table.name)) {
    if (reference.table != &table && holds(reference.key->referenced_columns, name))
      words.push_back(fmt::format("foreign key {} of {}", reference.key->name, shown_name(reference.table->name)));
  }
  if (!words.empty())
    sink.add("drop-blocked-by-dependents", LintSeverity::error, step,
             fmt::format("the server refuses to drop {} of {}, which is used by {}", name, shown_name(table.name),
                         listed(words)),
             "Drop them before it, by name.");
}

void lint_table_blockers(const LintStep& step, LintSink& sink) {
  if (step.kind != "DropStmt" || cascades(step.node)) return;
  std::vector<const CatalogTable*> gone = dropped_tables(step, "OBJECT_TABLE");
  for (const CatalogTable* view : dropped_tables(step, "OBJECT_VIEW")) gone.push_back(view);
  for (const CatalogTable* table : gone) {
    Texts words;
    for (const CatalogDependent& dependent : table->dependents) {
      const CatalogTable* view = step.catalog.find(dependent.relation);
      const bool goes_too = view != nullptr && std::find(gone.begin(), gone.end(), view) != gone.end();
      if (dependent.kind == Kind::view && !goes_too && !holds(words, dependent.words)) words.push_back(dependent.words);
    }
    for (const LintCatalog::Reference& reference : step.catalog.references_to(table->name)) {
      if (std::find(gone.begin(), gone.end(), reference.table) == gone.end())
        words.push_back(fmt::format("foreign key {} of {}", reference.key->name, shown_name(reference.table->name)));
    }
    if (!words.empty())
      sink.add(
          "drop-blocked-by-dependents", LintSeverity::error, step,
          fmt::format("the server refuses to drop {}, which is used by {}", shown_name(table->name), listed(words)),
          "Drop them before it, by name.");
  }
}

void report_replica_identity(const LintStep& step, const CatalogTable& table, const CatalogIndex& index,
                             LintSink& sink) {
  sink.add("replica-identity-lost", table.published ? LintSeverity::error : LintSeverity::warning, step,
           fmt::format("index {} is the replica identity of {}: {}", index.name.name, shown_name(table.name),
                       table.published ? "without it every UPDATE and DELETE fails, for the table is published"
                                       : "without it UPDATE and DELETE fail once the table is published"),
           "ALTER TABLE … REPLICA IDENTITY DEFAULT, FULL or USING INDEX another one, before it.");
}

void lint_replica_identity(const LintStep& step, LintSink& sink) {
  if (step.kind == "DropStmt" && step.node.value("removeType", "") == "OBJECT_INDEX") {
    for (const ParseNode& object : member(step.node, "objects")) {
      const LintCatalog::IndexPlace place = step.catalog.find_index(qualified_name(object));
      if (place.index != nullptr && place.index->replica_identity)
        report_replica_identity(step, *place.table, *place.index, sink);
    }
  }
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  if (table == nullptr) return;
  for (const ParseNode* command : table_commands(step)) {
    const std::string subtype = command->value("subtype", ""), name = command->value("name", "");
    for (const CatalogIndex& index : table->indexes) {
      const bool goes = (subtype == "AT_DropColumn" && holds(index.columns, name)) ||
                        (subtype == "AT_DropConstraint" && index.constraint == name);
      if (goes && index.replica_identity) report_replica_identity(step, *table, index, sink);
    }
  }
}

void lint_persistence(const LintStep& step, LintSink& sink) {
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  if (table == nullptr) return;
  for (const ParseNode* command : table_commands(step)) {
    const std::string subtype = command->value("subtype", "");
    Texts words;
    if (subtype == "AT_SetUnLogged" && !table->unlogged) {
      for (const LintCatalog::Reference& reference : step.catalog.references_to(table->name)) {
        if (!reference.table->unlogged && reference.table != table)
          words.push_back(fmt::format("foreign key {} of {}", reference.key->name, shown_name(reference.table->name)));
      }
      if (table->published) words.emplace_back("a publication");
    }
    if (subtype == "AT_SetLogged" && table->unlogged) {
      for (const CatalogConstraint& key : table->constraints) {
        const CatalogTable* other = key.kind == 'f' ? step.catalog.find(key.references) : nullptr;
        if (other != nullptr && other->unlogged && other != table)
          words.push_back(fmt::format("its foreign key {}", key.name));
      }
    }
    if (!words.empty())
      sink.add("unlogged-blocked-by-fk", LintSeverity::error, step,
               fmt::format("the server refuses it for {} because of {}", shown_name(table->name), listed(words)),
               "Change the tables at the other end first, or drop the foreign key.");
  }
}

/// Tables that only their owner may do this to.
std::vector<const CatalogTable*> owners_only(const LintStep& step) {
  std::vector<const CatalogTable*> tables;
  for (const char* type : {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"}) {
    for (const CatalogTable* table : dropped_tables(step, type)) tables.push_back(table);
  }
  static const std::set<std::string, std::less<>> kinds{"AlterTableStmt",       "IndexStmt",       "RenameStmt",
                                                        "CreatePolicyStmt",     "AlterPolicyStmt", "RuleStmt",
                                                        "AlterObjectSchemaStmt"};
  if (!kinds.contains(step.kind)) return tables;
  for (const char* key : {"relation", "table"}) {
    if (const CatalogTable* table = old_table(step, key); table != nullptr) tables.push_back(table);
  }
  return tables;
}

void lint_rights(const LintStep& step, LintSink& sink) {
  for (const CatalogTable* table : owners_only(step)) {
    if (table->owned) continue;
    sink.add("missing-permission", LintSeverity::error, step,
             fmt::format("role {} may not do that: {} belongs to {}", step.catalog.role, shown_name(table->name),
                         table->owner),
             fmt::format("ALTER TABLE {} OWNER TO {}; or GRANT {} TO {};", shown_name(table->name), step.catalog.role,
                         table->owner, step.catalog.role));
  }
  if (step.kind != "CreateStmt" && step.kind != "ViewStmt" && step.kind != "CreateTableAsStmt") return;
  const ParseNode& relation = step.kind == "CreateTableAsStmt" ? member(member(step.node, "into"), "rel")
                              : step.kind == "ViewStmt"        ? member(step.node, "view")
                                                               : member(step.node, "relation");
  QualifiedName name = qualified_name(relation);
  if (name.schema.empty() && !step.catalog.search_path.empty()) name.schema = step.catalog.search_path.front();
  if (step.catalog.no_create.contains(name.schema))
    sink.add("missing-permission", LintSeverity::error, step,
             fmt::format("role {} may not create anything in schema {}", step.catalog.role, name.schema),
             fmt::format("GRANT CREATE ON SCHEMA {} TO {};", name.schema, step.catalog.role));
}

void lint_invalid_namesake(const LintStep& step, LintSink& sink) {
  if (step.kind != "IndexStmt" || !step.node.value("concurrent", false) || !step.node.value("if_not_exists", false))
    return;
  const CatalogTable* table = old_table(step);
  const std::string name = step.node.value("idxname", "");
  const QualifiedName full{table == nullptr ? "" : table->name.schema, name};
  const LintCatalog::IndexPlace place = step.catalog.find_index(full);
  const bool invalid = place.index != nullptr && !place.index->valid;
  sink.add("concurrently-if-not-exists", invalid ? LintSeverity::error : LintSeverity::warning, step,
           invalid ? fmt::format("index {} is there and invalid: IF NOT EXISTS passes over it, and it stays so", name)
                   : fmt::format("IF NOT EXISTS passes over an invalid index {} that an earlier attempt left", name),
           "Leave IF NOT EXISTS out, or DROP INDEX CONCURRENTLY IF EXISTS before it.");
}

}  // namespace

void lint_refusals(const LintStep& step, LintSink& sink) {
  lint_invalid_namesake(step, sink);
  lint_table_blockers(step, sink);
  if (const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr; table != nullptr) {
    for (const ParseNode* command : table_commands(step)) lint_column_blockers(step, *table, *command, sink);
  }
  lint_replica_identity(step, sink);
  lint_persistence(step, sink);
  lint_rights(step, sink);
}

}  // namespace belay
