// Runs statements on a server of its own, each in a transaction, and compares what was predicted of it with what is
// measured.
#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/statement_meter.hpp"
#include "migrate/lint.hpp"
#include "migrate/predicted_locks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {

/// Tables and views with their strongest lock, and what is written anew. Indexes and sequences are left out.
using Effects = std::pair<std::map<std::string, std::string>, std::set<std::string>>;

/// By the server's own numbers.
[[nodiscard]] inline int lock_strength(const std::string& mode) {
  int number = 0;
  while (number < 8 && to_string(static_cast<LockMode>(number)) != mode) ++number;
  return number;
}

[[nodiscard]] inline Effects predicted_effects(const Statement& statement, LintCatalog catalog) {
  Effects effects;
  for (const ParseNode& node : executed_by(statement.text).statements) {
    const PredictedEffects each = predict_effects(node, catalog);
    for (const PredictedLock& lock : each.locks) {
      if (!catalog.tables.contains(lock.relation)) continue;
      std::string& mode = effects.first[shown_name(lock.relation)];
      if (lock_strength(mode) < lock_strength(std::string{to_string(lock.mode)})) mode = to_string(lock.mode);
    }
    for (const QualifiedName& name : each.rewritten()) effects.second.insert(shown_name(name));
    follow(catalog, node);
  }
  return effects;
}

[[nodiscard]] inline Effects measured_effects(const MeasuredStatement& statement, const LintCatalog& catalog) {
  Effects effects;
  std::set<std::string> tables;
  for (const auto& [name, table] : catalog.tables) tables.insert(shown_name(name));
  for (const TableLock& lock : statement.locks) {
    if (!tables.contains(lock.table)) continue;
    std::string& mode = effects.first[lock.table];
    if (lock_strength(mode) < lock_strength(lock.mode)) mode = lock.mode;
  }
  for (const std::string& table : statement.rewritten) {
    if (tables.contains(table)) effects.second.insert(table);
  }
  return effects;
}

[[nodiscard]] inline std::string effects_text(const Effects& effects) {
  std::string text;
  for (const auto& [table, mode] : effects.first) text += mode + " on " + table + "; ";
  for (const std::string& table : effects.second) text += "rewrites " + table + "; ";
  return text;
}

class LintRunner {
 public:
  LintRunner() : database_("lint", Owner::superuser, server_.url()), db_(database_.connect()) {}

  [[nodiscard]] Connection& db() { return db_; }
  /// What the server said to the statement that it refused last.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  /// Statement by statement; false if the server refused one.
  bool run(const std::string& text) {
    const Script script = parse_script(text);
    if (!script.parsed) return run_plainly(text);
    const bool alone = std::any_of(script.statements.begin(), script.statements.end(),
                                   [](const Statement& each) { return each.transaction_control; });
    for (const Statement& statement : script.statements) {
      const bool plainly = alone || statement.outside_transaction || statement.session_only;
      if (!(plainly ? run_plainly(statement.text) : run_measured(statement))) return false;
    }
    return true;
  }

 private:
  bool run_plainly(const std::string& sql) {
    try {
      db_.run_script(sql);
      return true;
    } catch (const ServerError& error) {
      refusal_ = error.primary;
      if (db_.transaction_state() != TransactionState::idle) db_.run("ROLLBACK");
      return false;
    }
  }

  bool run_measured(const Statement& statement) {
    const LintCatalog catalog = read_lint_catalog(db_, std::nullopt);
    const Effects predicted = predicted_effects(statement, catalog);
    StatementMeter meter{db_};
    meter.begin_script();
    db_.run("BEGIN");
    meter.before(statement);
    if (!run_plainly(statement.text)) return false;
    meter.after(statement);
    db_.run("COMMIT");
    meter.end_script();
    INFO(statement.text);
    const Executed executed = executed_by(statement.text);
    const bool known = executed.unknown.empty() &&
                       std::none_of(executed.statements.begin(), executed.statements.end(), has_unknown_name);
    if (known) CHECK(effects_text(measured_effects(meter.statements().back(), catalog)) == effects_text(predicted));
    return true;
  }

  OwnServer server_;
  TestDatabase database_;
  Connection db_;
  std::string refusal_;
};

}  // namespace belay::test
