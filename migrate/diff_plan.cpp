#include "migrate/diff_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/error.hpp"
#include "common/outside_effects.hpp"
#include "common/parse_tree.hpp"
#include "common/schema_reparse.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

void refuse_unmanaged(const MigrationFacts& facts) {
  if (facts.history.table_exists || facts.foreign_tables.empty()) return;
  std::string names;
  for (const std::string& name : facts.foreign_tables) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  throw Error{
      Failure::refused, "the database is not empty and has no migration history (P3005)",
      "Without a history nobody knows which migrations the schema is to be compared with. Tables there: " + names,
      "Is this the right database and schema? An existing database is taken over by `migrate-production "
      "baseline`, which records the migrations that it already has."};
}

void sort_in(DiffPlan& plan, const JoinedMigration& joined) {
  switch (joined.state) {
    case MigrationState::pending:
      return plan.pending.push_back(joined.name);
    case MigrationState::failed:
      return plan.failed.push_back(joined.name);
    case MigrationState::rolled_back:
      return plan.rolled_back.push_back(joined.name);
    case MigrationState::missing_locally:
    case MigrationState::applied:
      break;
  }
  const bool applied =
      std::any_of(joined.rows.begin(), joined.rows.end(), [](const HistoryRow& row) { return row.applied(); });
  if (!joined.local || !joined.local->script) {
    if (applied) plan.missing.push_back(joined.name);
    return;
  }
  if (joined.edited) plan.edited.push_back(joined.name);
  plan.replay.push_back({*joined.local, parse_script(*joined.local->script)});
}

void refuse_outside_effects(const DiffPlan& plan) {
  std::string found;
  for (const PendingMigration& migration : plan.replay)
    found += outside_effect_lines(migration.migration.name, migration.script);
  if (found.empty()) return;
  throw Error{Failure::refused, "migrations reach beyond their own database, and replaying them here would do so again",
              found,
              "Nothing was run. Name a server on which that does no harm with --side-server URL; this one too, if what "
              "these lines do may happen again."};
}

void say(std::vector<std::string>& lines, const std::vector<std::string>& names, const char* sentence) {
  for (const std::string& name : names) lines.push_back(fmt::format(fmt::runtime(sentence), name));
}

}  // namespace

DiffPlan plan_diff(const MigrationFacts& facts, OutsideEffects policy) {
  check_provider(facts.folder);
  refuse_unmanaged(facts);
  DiffPlan plan{.folder = facts.folder.path};
  for (const JoinedMigration& joined : join_history(facts.folder, facts.history)) sort_in(plan, joined);
  if (policy == OutsideEffects::refused) refuse_outside_effects(plan);
  return plan;
}

std::vector<std::string> extensions_made_before(const DiffPlan& plan, const SchemaFingerprint& live) {
  std::set<std::string> names;
  for (const PendingMigration& migration : plan.replay) {
    for (const Statement& statement : migration.script.statements) {
      for (const ParseNode& node : executed_by(statement.text).statements) {
        const ParseNode& create = member(node, "CreateExtensionStmt");
        const std::string name = create.value("extname", "");
        const auto schema = fact_value(live, "extension", quote_identifier(name), "schema");
        const bool anywhere = schema == quote_identifier("public") || schema == quote_identifier("pg_catalog");
        if (create.value("if_not_exists", false) && anywhere) names.insert(name);
      }
    }
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> reservations(const DiffPlan& plan) {
  std::vector<std::string> lines;
  say(lines, plan.missing, "Compared without {}: it is applied, and there is no readable file of it.");
  say(lines, plan.edited, "Replayed as the file is now: {}, which was edited after it was applied.");
  say(lines, plan.failed, "Not replayed: {}, which failed; what of it took effect counts as a difference.");
  say(lines, plan.rolled_back, "Not replayed: {}, which is marked as rolled back.");
  say(lines, plan.pending, "Not replayed: {}, which is pending.");
  return lines;
}

}  // namespace belay
