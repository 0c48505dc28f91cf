// Whole histories of applications: what is predicted of each statement is what is measured, and what the server accepts
// was not said to be refused.
#include <random>

#include "tests/server/lint_bench.hpp"
#include "tests/server/reversal_corpus.hpp"

namespace belay::test {
namespace {

void check_history(const CorpusApplication& application) {
  LintRunner runner;
  runner.db().run_script("CREATE ROLE app_reader");
  for (const CorpusMigration& migration : application.migrations) {
    INFO(application.name << "/" << migration.name);
    const LintScript script{
        .migration = migration.name, .file = migration.name, .script = parse_script(migration.sql), .has_down = false};
    const std::vector<LintFinding> findings = lint({script}, read_lint_catalog(runner.db(), std::nullopt));
    const bool ran = runner.run(migration.sql);
    INFO(runner.refusal());
    REQUIRE(ran);
    for (const LintFinding& finding : findings) {
      static const std::set<std::string> refusals{"view-blocks-type-change", "drop-blocked-by-dependents",
                                                  "unlogged-blocked-by-fk", "missing-permission"};
      INFO(finding.line << ": " << finding.message);
      CHECK_FALSE(refusals.contains(finding.rule));
    }
    if (!migration.rows.empty()) runner.db().run_script(migration.rows);
  }
}

TEST_CASE("of an application's history the lint predicts what is measured") {
  const std::vector<CorpusApplication> corpus = read_corpus();
  std::mt19937 random{Catch::rngSeed()};
  check_history(corpus.at(random() % corpus.size()));
}

TEST_CASE("of every application's history the lint predicts what is measured", "[long]") {
  for (const CorpusApplication& application : read_corpus()) check_history(application);
}

}  // namespace
}  // namespace belay::test
