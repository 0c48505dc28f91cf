#include "migrate/lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/bytes.hpp"
#include "common/outside_effects.hpp"
#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

constexpr Bytes small_table = 16ULL << 20U, large_table = 1ULL << 30U;

/// Statements are looked at one after another, each in the catalog that it will find.
class Linter {
 public:
  Linter(const std::vector<LintScript>& scripts, LintCatalog catalog, const LintSettings& settings)
      : scripts_(scripts), catalog_(std::move(catalog)), settings_(settings) {}

  std::vector<LintFinding> run() {
    for (std::size_t i = 0; i < scripts_.size(); ++i) {
      sink_.begin_script(scripts_[i], i);
      see_script(scripts_[i], i);
      if (!settings_.history) continue;
      made_.judge(scripts_, catalog_, sink_);
      settle_fresh(catalog_);
    }
    if (!settings_.history) made_.judge(scripts_, catalog_, sink_);
    for (std::size_t i = 0; i < scripts_.size(); ++i) {
      sink_.begin_script(scripts_[i], i);
      apply_allows(scripts_[i], i, sink_);
    }
    return sorted();
  }

 private:
  void see_script(const LintScript& script, std::size_t number) {
    lint_name(script, settings_.name_pattern, sink_);
    lint_identifiers(script, sink_);
    if (!script.script.parsed) {
      return sink_.add("unparsed-script", LintSeverity::warning, LintSink::Place{0, 1},
                       fmt::format("not understood by the parser, and not looked at: {}", script.script.parse_error),
                       "Look at it yourself; the server decides whether it is right.");
    }
    lint_transactions(script, sink_);
    const std::vector<std::string> path = catalog_.search_path;  // a SET ends with its session
    std::vector<LintTrace> traces;
    for (std::size_t i = 0; i < script.script.statements.size(); ++i) see_statement(script, number, i, traces);
    lint_together(script, traces, catalog_, sink_);
    catalog_.search_path = path;
  }

  void see_statement(const LintScript& script, std::size_t number, std::size_t index, std::vector<LintTrace>& traces) {
    const Statement& statement = script.script.statements[index];
    const Executed executed = executed_by(statement.text);
    const bool unnamed = std::any_of(executed.statements.begin(), executed.statements.end(), has_unknown_name);
    if (!executed.unknown.empty() || unnamed)
      sink_.add("dynamic-sql", LintSeverity::note, LintSink::Place{index, statement.line},
                fmt::format("what it does cannot be told beforehand: {}",
                            executed.unknown.empty() ? "a name is put in when it runs" : executed.unknown),
                "Its effects are not among these findings; a rehearsal shows them.");
    for (const ParseNode& node : executed.statements) {
      if (!node.is_object() || node.empty()) continue;
      if (!catalog_.live) assume_tables(catalog_, node);
      const PredictedEffects effects = predict_effects(node, catalog_);
      const std::string& kind = node.begin().key();
      const LintStep step{script, index, statement, kind, node.begin().value(), catalog_, effects};
      constexpr std::array<StepRule, 6> rules{lint_loss,  lint_drops,   lint_work,
                                              lint_locks, lint_clients, lint_refusals};
      for (const StepRule rule : rules) rule(step, sink_);
      made_.see(step, number);
      traces.push_back(trace_of(step));
      follow(catalog_, node);
    }
  }

  std::vector<LintFinding> sorted() {
    std::vector<LintSink::Found>& found = sink_.found();
    std::stable_sort(found.begin(), found.end(), [](const LintSink::Found& a, const LintSink::Found& b) {
      return std::pair{a.script, a.finding.line} < std::pair{b.script, b.finding.line};
    });
    std::vector<LintFinding> findings;
    for (LintSink::Found& each : found) findings.push_back(std::move(each.finding));
    return findings;
  }

  const std::vector<LintScript>& scripts_;
  LintCatalog catalog_;
  const LintSettings& settings_;
  LintSink sink_;
  MadeConstraints made_;
};

LintSeverity by_bytes(std::optional<Bytes> bytes) {
  if (!bytes) return LintSeverity::warning;
  return *bytes < small_table ? LintSeverity::note : *bytes < large_table ? LintSeverity::warning : LintSeverity::error;
}

}  // namespace

std::string_view to_string(LintSeverity severity) {
  constexpr std::array<std::string_view, 3> words{"note", "warning", "error"};
  return words.at(static_cast<std::size_t>(severity));
}

bool has_unknown_name(const ParseNode& statement) {
  bool unknown = false;
  walk_nodes(statement, [&](std::string_view, const ParseNode& node) {
    unknown = unknown || node.value("relname", ParseNode{}) == "%I";
    return !unknown;
  });
  return unknown;
}

std::vector<LintFinding> lint(const std::vector<LintScript>& scripts, LintCatalog catalog,
                              const LintSettings& settings) {
  return Linter{scripts, std::move(catalog), settings}.run();
}

void LintSink::add(const char* rule, LintSeverity severity, const LintStep& step, const std::string& message,
                   const std::string& hint) {
  add(rule, severity, Place{step.index, step.statement.line}, message, hint);
}

void LintSink::add(const char* rule, LintSeverity severity, const Place& place, const std::string& message,
                   const std::string& hint) {
  for (const Found& each : found_) {  // a DO block may do the same thing twice
    if (each.script == number_ && each.finding.line == place.line && each.finding.rule == rule &&
        each.finding.message == message)
      return;
  }
  found_.push_back({{rule, severity, script_->migration, script_->file, place.line, message, hint, std::nullopt},
                    number_,
                    place.line == 0 ? std::nullopt : std::optional{place.index}});
}

LintSeverity cost_of(const CatalogTable& table) { return by_bytes(table.bytes); }

LintSeverity cost_of(const std::vector<const CatalogTable*>& tables) {
  std::optional<Bytes> sum = 0;
  for (const CatalogTable* table : tables)
    sum = table->bytes && sum ? std::optional{*sum + *table->bytes} : std::nullopt;
  return by_bytes(sum);
}

LintSeverity loss_of(const CatalogTable& table) { return table.filled ? LintSeverity::error : LintSeverity::warning; }

std::string sized(const CatalogTable& table) {
  const std::string name = shown_name(table.name);
  if (!table.bytes) return name + " (taken to be filled)";
  if (!table.filled) return name + " (empty)";
  const std::string rows = table.rows.value_or(-1) < 0
                               ? ""
                               : fmt::format("about {} rows, ", human_count(static_cast<std::uint64_t>(*table.rows)));
  return fmt::format("{} ({}{})", name, rows, human_size(*table.bytes));
}

std::string listed(const std::vector<std::string>& words) {
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), most); ++i) text += (i == 0 ? "" : ", ") + words[i];
  return words.size() > most ? fmt::format("{} and {} more", text, words.size() - most) : text;
}

const CatalogTable* old_table(const LintStep& step, const char* key) {
  const CatalogTable* table = step.catalog.find(qualified_name(member(step.node, key)));
  return table == nullptr || table->fresh ? nullptr : table;
}

std::vector<const ParseNode*> table_commands(const LintStep& step) {
  std::vector<const ParseNode*> commands;
  if (step.kind != "AlterTableStmt" || step.node.value("objtype", "") == "OBJECT_INDEX") return commands;
  for (const ParseNode& item : member(step.node, "cmds")) commands.push_back(&member(item, "AlterTableCmd"));
  return commands;
}

std::vector<const CatalogTable*> dropped_tables(const LintStep& step, const char* type) {
  std::vector<const CatalogTable*> tables;
  if (step.kind != "DropStmt" || step.node.value("removeType", "") != type) return tables;
  for (const ParseNode& object : member(step.node, "objects")) {
    const CatalogTable* table = step.catalog.find(qualified_name(object));
    if (table != nullptr && !table->fresh) tables.push_back(table);
  }
  return tables;
}

bool cascades(const ParseNode& node) { return node.value("behavior", "") == "DROP_CASCADE"; }

}  // namespace belay
