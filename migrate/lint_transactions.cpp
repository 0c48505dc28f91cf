// Transactions: what a script does to the one that it runs in, and CONCURRENTLY.
#include <fmt/format.h>

#include <algorithm>

#include "common/outside_effects.hpp"
#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

using Place = LintSink::Place;

Place place_of(const Script& script, std::size_t index) { return {index, script.statements[index].line}; }

bool concurrent(const Statement& statement) { return statement.outside_transaction && statement.kind != "ALTER TYPE"; }

void lint_control(const Script& script, LintSink& sink) {
  bool open = false, said = false;
  for (std::size_t i = 0; i < script.statements.size(); ++i) {
    const Statement& statement = script.statements[i];
    if (statement.transaction_control && !said) {
      said = true;
      sink.add("transaction-control-in-script", LintSeverity::warning, place_of(script, i),
               fmt::format("{}: the migration is not one transaction any more, and can fail half-way", statement.kind),
               "Leave it out: a script whose statements allow it runs in one transaction anyway.");
    }
    if (statement.kind == "BEGIN" || statement.kind == "START TRANSACTION") open = true;
    if (statement.kind == "COMMIT" || statement.kind == "ROLLBACK") open = false;
    if (open && concurrent(statement))
      sink.add("ban-concurrent-index-creation-in-transaction", LintSeverity::error, place_of(script, i),
               fmt::format("the server refuses {} in a transaction block (25001)",
                           statement.object.empty() ? statement.kind : statement.kind + " " + statement.object),
               "Leave BEGIN and COMMIT out.");
  }
}

void lint_company(const Script& script, LintSink& sink) {
  const auto alone = std::count_if(script.statements.begin(), script.statements.end(), [](const Statement& statement) {
    return !statement.session_only && !statement.transaction_control;
  });
  for (std::size_t i = 0; i < script.statements.size() && alone > 1; ++i) {
    if (!concurrent(script.statements[i])) continue;
    return sink.add("concurrently-in-multi-statement-file", LintSeverity::warning, place_of(script, i),
                    fmt::format("{} cannot run in one transaction with the file's other statements; Prisma up to 7.3 "
                                "sends the file as one, and the server refuses it (25001)",
                                script.statements[i].kind),
                    "Give it a migration of its own.");
  }
}

/// The value that SET gives to lock_timeout; none if the statement is no such SET.
std::optional<std::string> lock_timeout_in(const Statement& statement) {
  if (statement.kind != "SET") return std::nullopt;
  const auto parsed = parse_statement(statement.text);
  if (!parsed) return std::nullopt;
  const ParseNode& set = member(*parsed, "VariableSetStmt");
  const ParseNode& arguments = member(set, "args");
  if (set.value("name", "") != "lock_timeout" || !arguments.is_array() || arguments.empty()) return std::nullopt;
  const ParseNode& value = member(arguments.front(), "A_Const");
  if (value.contains("ival")) return std::to_string(value["ival"].value("ival", 0));
  return name_in(member(value, "sval"));
}

void lint_lock_timeout(const Script& script, LintSink& sink) {
  std::string timeout;
  for (std::size_t i = 0; i < script.statements.size(); ++i) {
    if (const auto set = lock_timeout_in(script.statements[i])) timeout = *set;
    if (timeout.empty() || timeout.starts_with("0") || !concurrent(script.statements[i])) continue;
    return sink.add("concurrently-lock-timeout", LintSeverity::warning, place_of(script, i),
                    fmt::format("lock_timeout {} may end {} half-way, and leave an invalid index", timeout,
                                script.statements[i].kind),
                    "SET lock_timeout = 0 before it; migrate-production takes it off by itself, others do not.");
  }
}

void lint_enum_values(const Script& script, LintSink& sink) {
  for (std::size_t i = 0; i < script.statements.size(); ++i) {
    const Statement& statement = script.statements[i];
    if (statement.kind != "ALTER TYPE" || !statement.outside_transaction) continue;
    sink.add(
        "new-enum-value-used", LintSeverity::warning, place_of(script, i),
        fmt::format("a new value of {} is used further down: it has to be committed first, so the migration is not "
                    "one transaction (55P04 elsewhere)",
                    statement.object),
        "Add the value in a migration of its own.");
  }
}

/// What fails when a script that is not one transaction is run again.
const char* fails_again(const ParseNode& statement) {
  for (const auto& [kind, node] : statement.items()) {
    const bool checks = node.value("if_not_exists", false) || node.value("missing_ok", false);
    if (kind == "CreateStmt" && !checks) return "IF NOT EXISTS";
    if (kind == "IndexStmt" && !checks && !node.value("concurrent", false)) return "IF NOT EXISTS";
    if (kind == "DropStmt" && !checks) return "IF EXISTS";
    if (kind != "AlterTableStmt") continue;
    for (const ParseNode& item : member(node, "cmds")) {
      const ParseNode& command = member(item, "AlterTableCmd");
      if (command.value("missing_ok", false)) continue;
      if (command.value("subtype", "") == "AT_AddColumn") return "IF NOT EXISTS";
      if (command.value("subtype", "") == "AT_DropColumn") return "IF EXISTS";
    }
  }
  return nullptr;
}

void lint_running_again(const Script& script, LintSink& sink) {
  if (script.atomic() || script.statements.size() < 2) return;
  for (std::size_t i = 0; i < script.statements.size(); ++i) {
    const auto node = parse_statement(script.statements[i].text);
    const char* missing = node ? fails_again(*node) : nullptr;
    if (missing == nullptr) continue;
    sink.add("prefer-robust-stmts", LintSeverity::note, place_of(script, i),
             fmt::format("the script is not one transaction: run again after a failure, {} fails here",
                         script.statements[i].kind),
             fmt::format("Write {}.", missing));
  }
}

}  // namespace

void lint_transactions(const LintScript& script, LintSink& sink) {
  lint_control(script.script, sink);
  lint_company(script.script, sink);
  lint_lock_timeout(script.script, sink);
  lint_enum_values(script.script, sink);
  lint_running_again(script.script, sink);
  for (const OutsideEffect& effect : outside_effects(script.script)) {
    if (effect.unknown) continue;
    std::size_t index = 0;
    for (std::size_t i = 0; i < script.script.statements.size(); ++i) {
      if (script.script.statements[i].line <= effect.line) index = i;
    }
    sink.add("outside-database", LintSeverity::warning, Place{index, effect.line},
             fmt::format("reaches beyond the database: {}", effect.what),
             "It cannot be rehearsed beside the target, and no backup of the database takes it back.");
  }
}

}  // namespace belay
