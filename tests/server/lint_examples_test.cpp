// docs/lint.md is held to what the lint does and to what a server does: every rule has a section with a bad and a good
// example; all of them are run; the bad one gives the rule, the good one does not; and what each statement was
// predicted to lock and to write anew is what is measured.
#include <fmt/format.h>

#include <sstream>

#include "tests/server/lint_bench.hpp"

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

class Bench : public LintRunner {
 public:
  void prepare(const std::string& setup) {
    db().run_script("RESET ROLE; RESET lock_timeout; SET client_min_messages = warning");
    for (const Row& row : db().rows("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname "
                                    "<> 'information_schema'"))
      db().run("DROP SCHEMA " + row.text(0) + " CASCADE");
    for (const Row& row : db().rows("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname ~ '^belay_lint'"))
      db().run_script("DROP OWNED BY " + row.text(0) + "; DROP ROLE " + row.text(0));
    db().run_script("CREATE SCHEMA public; SET search_path = public;" + setup);
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
    for (const LintFinding& finding : lint(scripts, read_lint_catalog(db(), std::nullopt))) {
      text_ += fmt::format("{}:{}: {}: {} [{}]\n", finding.file, finding.line, to_string(finding.severity),
                           finding.message, finding.rule);
      if (!finding.allowed) rules.insert(finding.rule);
    }
    return rules;
  }

  bool run_all(const Example& example) {
    return std::all_of(example.scripts.begin(), example.scripts.end(),
                       [&](const std::string& script) { return run(script); });
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
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
    const bool ran = bench.run_all(example);
    INFO(bench.refusal());
    CHECK(ran != example.says("fails"));
  }
}

}  // namespace
}  // namespace belay::test
