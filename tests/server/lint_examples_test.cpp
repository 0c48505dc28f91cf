// docs/lint.md is held to what the lint does and to what a server does: every rule has a section with a bad and a good
// example; all of them are run; the bad one gives the rule, the good one does not; and what each statement was
// predicted to lock and to write anew is what is measured.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "common/statement_meter.hpp"
#include "migrate/lint.hpp"
#include "migrate/predicted_locks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

using Words = std::vector<std::string>;

struct Example {
  std::string rule, kind;  ///< setup, bad or good
  Words more;              ///< fails, down, name=…
  std::vector<std::string> scripts;
  int line = 0;
  [[nodiscard]] bool says(const std::string& word) const {
    return std::find(more.begin(), more.end(), word) != more.end();
  }
};

Words split(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// The blocks behind `<!-- lint: RULE KIND … -->`. Blocks of one rule and kind in a row are migrations of one run.
std::vector<Example> read_examples(std::set<std::string>& sections) {
  const std::filesystem::path page = std::filesystem::path{BELAY_TEST_DATA} / "../../docs/lint.md";
  std::vector<Example> examples;
  std::istringstream in(read_text(page));
  bool marked = false, inside = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("#### ")) sections.insert(line.substr(5));
    if (line.starts_with("<!-- lint: ")) {
      Words words = split(line.substr(11, line.find("-->") - 11));
      const Example next{words.front(),
                         words.size() > 1 ? words[1] : "setup",
                         words.size() > 2 ? Words{words.begin() + 2, words.end()} : Words{},
                         {},
                         number};
      const bool same = !examples.empty() && examples.back().rule == next.rule && examples.back().kind == next.kind;
      if (!same) examples.push_back(next);
      examples.back().scripts.emplace_back();
      marked = true;
    } else if (line.starts_with("```")) {
      if (inside) marked = false;
      inside = marked && !inside;
    } else if (inside) {
      examples.back().scripts.back() += line + "\n";
    }
  }
  return examples;
}

class Bench {
 public:
  Bench() : database_("lint", Owner::superuser, server_.url()), db_(database_.connect()) {}

  void prepare(const std::string& setup) {
    db_.run_script("RESET ROLE; RESET lock_timeout; SET client_min_messages = warning");
    for (const Row& row : db_.rows("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname "
                                   "<> 'information_schema'"))
      db_.run("DROP SCHEMA " + row.text(0) + " CASCADE");
    for (const Row& row : db_.rows("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname ~ '^belay_lint'")) {
      db_.run_script("DROP OWNED BY " + row.text(0));
      db_.run_script("DROP ROLE " + row.text(0));
    }
    db_.run_script("CREATE SCHEMA public; SET search_path = public;" + setup);
  }

  [[nodiscard]] std::set<std::string> lint_of(const Example& example) {
    std::vector<LintScript> scripts;
    for (std::size_t i = 0; i < example.scripts.size(); ++i) {
      std::string name = fmt::format("202601010000{:02}_example", i);
      for (const std::string& word : example.more) {
        if (word.starts_with("name=")) name = word.substr(5);
      }
      scripts.push_back({.migration = name,
                         .file = name + "/migration.sql",
                         .script = parse_script(example.scripts[i]),
                         .has_down = example.says("down")});
    }
    std::set<std::string> rules;
    text_.clear();
    for (const LintFinding& finding : lint(scripts, read_lint_catalog(db_, std::nullopt))) {
      text_ += fmt::format("{}:{}: {}: {} [{}]\n", finding.file, finding.line, to_string(finding.severity),
                           finding.message, finding.rule);
      if (!finding.allowed) rules.insert(finding.rule);
    }
    return rules;
  }

  /// Statement by statement; false if the server refused one.
  bool run(const Example& example) {
    for (const std::string& text : example.scripts) {
      const Script script = parse_script(text);
      if (!script.parsed) {
        if (!run_plainly(text)) return false;
        continue;
      }
      for (const Statement& statement : script.statements) {
        if (!run_statement(script, statement)) return false;
      }
    }
    return true;
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  bool run_plainly(const std::string& sql) {
    try {
      db_.run_script(sql);
      return true;
    } catch (const ServerError& error) {
      text_ += error.primary + "\n";
      if (db_.transaction_state() != TransactionState::idle) db_.run("ROLLBACK");
      return false;
    }
  }

  bool run_statement(const Script& script, const Statement& statement) {
    const bool alone = std::any_of(script.statements.begin(), script.statements.end(),
                                   [](const Statement& each) { return each.transaction_control; });
    if (alone || statement.outside_transaction || statement.session_only) return run_plainly(statement.text);
    INFO(statement.text);
    const LintCatalog catalog = read_lint_catalog(db_, std::nullopt);
    const auto predicted = predict(statement, catalog);
    StatementMeter meter{db_};
    meter.begin_script();
    db_.run("BEGIN");
    meter.before(statement);
    if (!run_plainly(statement.text)) return false;
    meter.after(statement);
    db_.run("COMMIT");
    meter.end_script();
    if (executed_by(statement.text).unknown.empty()) CHECK(measured(meter.statements().back(), catalog) == predicted);
    return true;
  }

  using Effects = std::pair<std::map<std::string, std::string>, std::set<std::string>>;

  static Effects predict(const Statement& statement, const LintCatalog& catalog) {
    Effects effects;
    for (const ParseNode& node : executed_by(statement.text).statements) {
      const PredictedEffects each = predict_effects(node, catalog);
      for (const PredictedLock& lock : each.locks) {
        if (catalog.tables.contains(lock.relation)) effects.first[shown_name(lock.relation)] = to_string(lock.mode);
      }
      for (const QualifiedName& name : each.rewritten()) effects.second.insert(shown_name(name));
    }
    return effects;
  }

  static int strength(const std::string& mode) {
    int number = 0;
    while (number < 8 && to_string(static_cast<LockMode>(number)) != mode) ++number;
    return number;
  }

  static Effects measured(const MeasuredStatement& statement, const LintCatalog& catalog) {
    Effects effects;
    std::set<std::string> tables;
    for (const auto& [name, table] : catalog.tables) tables.insert(shown_name(name));
    for (const TableLock& lock : statement.locks) {
      if (!tables.contains(lock.table)) continue;
      std::string& mode = effects.first[lock.table];
      if (strength(mode) < strength(lock.mode)) mode = lock.mode;
    }
    for (const std::string& table : statement.rewritten) {
      if (tables.contains(table)) effects.second.insert(table);
    }
    return effects;
  }

  OwnServer server_;
  TestDatabase database_;
  Connection db_;
  std::string text_;
};

TEST_CASE("docs/lint.md has a section for every rule, with a bad and a good example") {
  std::set<std::string> sections, rules, bad, good;
  for (const Example& example : read_examples(sections)) {
    if (example.kind == "bad") bad.insert(example.rule);
    if (example.kind == "good") good.insert(example.rule);
  }
  for (const LintRule& rule : lint_rules()) rules.insert(std::string{rule.name});
  CHECK(sections == rules);
  CHECK(bad == rules);
  CHECK(good == rules);
}

TEST_CASE(
    "the examples of docs/lint.md run as they say, give their rule or do not, and lock and rewrite what is predicted") {
  std::set<std::string> sections;
  Bench bench;
  std::string common, setup, rule;
  for (const Example& example : read_examples(sections)) {
    if (example.kind == "setup" && example.rule == "setup") {
      common = example.scripts.front();
      continue;
    }
    if (example.rule != rule) setup.clear();
    rule = example.rule;
    if (example.kind == "setup") {
      setup = example.scripts.front();
      continue;
    }
    bench.prepare(common + "\n" + setup);
    const std::set<std::string> found = bench.lint_of(example);
    INFO("docs/lint.md:" << example.line << ": " << example.rule << " " << example.kind << "\n" << bench.text());
    CHECK(found.contains(rule) == (example.kind == "bad"));
    const bool ran = bench.run(example);
    INFO(bench.text());
    CHECK(ran != example.says("fails"));
  }
}

}  // namespace
}  // namespace belay::test
