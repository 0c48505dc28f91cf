// Rewrites, scans and locks. What a statement does comes from predicted_locks; here it is weighed by the size of the
// table.
#include <fmt/format.h>

#include <algorithm>

#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

struct CauseText {
  const char* rule;
  const char* hint;
};

const std::map<WorkCause, CauseText> cause_texts{
    {WorkCause::type_change,
     {"changing-column-type",
      "Add a column of the new type, fill it in batches, switch the application over, drop the old one later."}},
    {WorkCause::volatile_default,
     {"adding-field-with-default",
      "Add the column without the default, then SET DEFAULT, then fill the old rows in batches."}},
    {WorkCause::generated_column,
     {"adding-field-with-default", "Add a plain column, filled by a trigger, or compute the value in a view."}},
    {WorkCause::constrained_domain,
     {"adding-field-with-default",
      "Use the domain's base type, or add the column before the domain gets its constraint."}},
    {WorkCause::auto_increment,
     {"adding-auto-incrementing-field",
      "Add a plain bigint column, set nextval() as its default, fill the old rows in batches."}},
    {WorkCause::not_null,
     {"adding-not-nullable-field",
      "Add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it in the next migration, then SET NOT NULL reads "
      "nothing."}},
    {WorkCause::check,
     {"constraint-missing-not-valid", "Add it NOT VALID, and VALIDATE CONSTRAINT in the next migration."}},
    {WorkCause::foreign_key,
     {"adding-foreign-key-constraint", "Add it NOT VALID, and VALIDATE CONSTRAINT in the next migration."}},
    {WorkCause::unique,
     {"disallowed-unique-constraint",
      "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … UNIQUE USING INDEX."}},
    {WorkCause::primary_key,
     {"adding-primary-key-constraint",
      "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD PRIMARY KEY USING INDEX."}},
    {WorkCause::exclusion,
     {"adding-exclusion-constraint",
      "There is no way without the lock: do it in a maintenance window, or while the table is small."}},
    {WorkCause::index, {"require-concurrent-index-creation", "CREATE INDEX CONCURRENTLY, in a migration of its own."}},
    {WorkCause::reindex, {"require-concurrent-reindex", "REINDEX … CONCURRENTLY, in a migration of its own."}},
    {WorkCause::refresh,
     {"require-concurrent-refresh",
      "REFRESH MATERIALIZED VIEW CONCURRENTLY; the view needs a unique index on columns."}},
    {WorkCause::attach,
     {"attach-partition-scan",
      "Give the partition a CHECK that says the same as its bound, NOT VALID, and VALIDATE it before."}},
    {WorkCause::storage, {"table-rewrite", "Do it in a maintenance window."}},
    {WorkCause::cluster, {"table-rewrite", "pg_repack does the same without the lock."}},
    {WorkCause::domain_constraint,
     {"ban-alter-domain-with-add-constraint", "ADD CONSTRAINT … NOT VALID; VALIDATE later, while few write."}}};

/// None for work that others do not have to wait for.
const CauseText* text_of(WorkCause cause) {
  const auto found = cause_texts.find(cause);
  return found == cause_texts.end() ? nullptr : &found->second;
}

const char* verb_of(Work work) {
  return work == Work::rewrite ? "writes the whole table anew"
         : work == Work::scan  ? "reads the whole table"
                               : "reads the whole table to build an index";
}

/// Tables, usually one or the partitions of one, that are worked through for the same reason.
void report(const LintStep& step, const TableWork& work, const std::vector<const CatalogTable*>& tables,
            LintSink& sink) {
  const CauseText* text = text_of(work.cause);
  const LockMode mode = step.effects.mode_on(work.table);
  if (text == nullptr || (mode < LockMode::share && work.work != Work::rewrite)) return;
  const std::string subject = work.subject.empty() ? "" : fmt::format(" for {}", work.subject);
  const std::string others = tables.size() > 1 ? fmt::format(" and {} more", tables.size() - 1) : "";
  sink.add(text->rule, cost_of(tables), step,
           fmt::format("{}{}: {}{}, under {}: {}", verb_of(work.work), subject, sized(*tables.front()), others,
                       to_string(mode), who_waits(mode)),
           text->hint);
}

bool drops_index_plainly(const LintStep& step) {
  return step.kind == "DropStmt" && step.node.value("removeType", "") == "OBJECT_INDEX" &&
         !step.node.value("concurrent", false);
}

void lint_index_drop(const LintStep& step, LintSink& sink) {
  if (!drops_index_plainly(step)) return;
  for (const ParseNode& object : member(step.node, "objects")) {
    const QualifiedName name = qualified_name(object);
    const LintCatalog::IndexPlace place = step.catalog.find_index(name);
    if (place.table == nullptr ? step.catalog.live : place.table->fresh) continue;
    const bool small = place.table != nullptr && cost_of(*place.table) == LintSeverity::note;
    sink.add("require-concurrent-index-deletion", small ? LintSeverity::note : LintSeverity::warning, step,
             fmt::format("drops index {} under ACCESS EXCLUSIVE on {}: readers and writers wait", shown_name(name),
                         place.table == nullptr ? "its table" : sized(*place.table)),
             "DROP INDEX CONCURRENTLY, in a migration of its own.");
  }
}

void lint_detach(const LintStep& step, LintSink& sink) {
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  if (table == nullptr) return;
  for (const ParseNode* command : table_commands(step)) {
    const ParseNode& partition = member(member(*command, "def"), "PartitionCmd");
    if (command->value("subtype", "") != "AT_DetachPartition" || partition.value("concurrent", false)) continue;
    const bool small = cost_of(*table) == LintSeverity::note;
    sink.add("require-concurrent-partition-detach", small ? LintSeverity::note : LintSeverity::warning, step,
             fmt::format("detaches {} under ACCESS EXCLUSIVE on {}: readers and writers wait",
                         qualified_name(member(partition, "name")).name, sized(*table)),
             "DETACH PARTITION … CONCURRENTLY, in a migration of its own.");
  }
}

/// The foreign keys that a statement drops, with their table.
std::vector<LintCatalog::Reference> dropped_keys(const LintStep& step) {
  std::vector<LintCatalog::Reference> keys;
  const auto add_all = [&](const CatalogTable& table, const auto& which) {
    for (const CatalogConstraint& key : table.constraints) {
      if (key.kind == 'f' && !key.inherited && key.references != table.name && which(key))
        keys.push_back({&table, &key});
    }
  };
  for (const CatalogTable* table : dropped_tables(step, "OBJECT_TABLE"))
    add_all(*table, [](const CatalogConstraint&) { return true; });
  const CatalogTable* table = step.kind == "AlterTableStmt" ? old_table(step) : nullptr;
  if (table == nullptr) return keys;
  for (const ParseNode* command : table_commands(step)) {
    const std::string subtype = command->value("subtype", ""), name = command->value("name", "");
    if (subtype == "AT_DropConstraint") add_all(*table, [&](const CatalogConstraint& key) { return key.name == name; });
    if (subtype == "AT_DropColumn")
      add_all(*table, [&](const CatalogConstraint& key) {
        return std::find(key.columns.begin(), key.columns.end(), name) != key.columns.end();
      });
  }
  return keys;
}

void lint_dropped_keys(const LintStep& step, LintSink& sink) {
  const std::vector<const CatalogTable*> gone = dropped_tables(step, "OBJECT_TABLE");
  for (const LintCatalog::Reference& key : dropped_keys(step)) {
    const CatalogTable* parent = step.catalog.find(key.key->references);
    if (parent == nullptr || parent->fresh || std::find(gone.begin(), gone.end(), parent) != gone.end()) continue;
    const bool small = cost_of(*parent) == LintSeverity::note;
    sink.add("drop-fk-locks-parent", small ? LintSeverity::note : LintSeverity::warning, step,
             fmt::format("locks {} too, with ACCESS EXCLUSIVE, because foreign key {} of {} references it",
                         sized(*parent), key.key->name, shown_name(key.table->name)),
             "Drop the foreign key in a migration of its own, with a short lock_timeout.");
  }
}

}  // namespace

void lint_work(const LintStep& step, LintSink& sink) {
  std::vector<bool> seen(step.effects.work.size(), false);
  for (std::size_t i = 0; i < step.effects.work.size(); ++i) {
    if (seen[i]) continue;
    const TableWork& work = step.effects.work[i];
    std::vector<const CatalogTable*> tables;
    for (std::size_t j = i; j < step.effects.work.size(); ++j) {
      const TableWork& other = step.effects.work[j];
      const CatalogTable* table = step.catalog.find(other.table);
      if (other.cause != work.cause || other.subject != work.subject || table == nullptr) continue;
      seen[j] = true;
      tables.push_back(table);
    }
    if (!tables.empty()) report(step, work, tables, sink);
  }
}

void lint_locks(const LintStep& step, LintSink& sink) {
  lint_index_drop(step, sink);
  lint_detach(step, sink);
  lint_dropped_keys(step, sink);
}

}  // namespace belay
