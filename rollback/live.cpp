#include "rollback/live.hpp"

#include <fmt/format.h>

#include <set>

#include "common/outside_effects.hpp"
#include "common/parse_tree.hpp"
#include "common/schema_reparse.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

std::string owner_of_history(Connection& db, const std::string& schema) {
  return db.value(
      "SELECT coalesce((SELECT pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = "
      "c.relnamespace WHERE n.nspname = $1 AND c.relname = '_prisma_migrations'), current_user)",
      {schema});
}

Counted count_one(Connection& db, const std::string& query) {
  try {
    Transaction reads{db, "READ ONLY"};
    db.run("SELECT set_config('lock_timeout', '5s', true)");
    Counted counted{.number = std::stoull(db.value(query)), .why_not = {}};
    reads.rollback();
    return counted;
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    return {.number = std::nullopt, .why_not = error.primary};
  }
}

}  // namespace

LiveState read_live_state(Connection& db, const MigrationsFolder& folder, const std::string& history_schema,
                          const std::string& lock_timeout) {
  Transaction reads{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  db.run("SELECT set_config('lock_timeout', $1, true)", {lock_timeout});
  const History history = read_history(db, history_schema);
  LiveState live{.schema = read_schema_fingerprint(db, history_schema),
                 .properties = read_properties(db, db.database()).value(),
                 .objects_owner = owner_of_history(db, history_schema),
                 .migrations = join_history(folder, history),
                 .journal = history.journal};
  reads.rollback();
  return live;
}

std::vector<Counted> count_rows(Connection& db, const std::vector<ReversalStatement>& statements) {
  std::vector<Counted> counts;
  for (const ReversalStatement& statement : statements)
    counts.push_back(statement.count.empty() ? Counted{} : count_one(db, statement.count));
  return counts;
}

std::vector<Migration> applied_migrations(const std::vector<JoinedMigration>& migrations) {
  std::vector<Migration> applied;
  for (const JoinedMigration& migration : migrations) {
    if (migration.state == MigrationState::applied && migration.local && migration.local->script)
      applied.push_back(*migration.local);
  }
  return applied;
}

std::vector<std::string> extensions_made_before(const std::vector<Migration>& migrations,
                                                const SchemaFingerprint& live) {
  std::set<std::string> names;
  for (const Migration& migration : migrations) {
    for (const Statement& statement : parse_script(migration.script.value_or("")).statements) {
      if (statement.kind != "CREATE EXTENSION" && statement.kind != "DO") continue;
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

void refuse_outside_effects(const std::vector<Migration>& migrations) {
  std::string found;
  for (const Migration& migration : migrations)
    found += outside_effect_lines(migration.name, parse_script(migration.script.value_or("")));
  if (found.empty()) return;
  throw Error{Failure::refused, "migrations reach beyond their own database, and replaying them here would do so again",
              found,
              "Nothing was run. Name a server on which that does no harm with --side-server URL; this one too, if what "
              "these lines do may happen again."};
}

}  // namespace belay
