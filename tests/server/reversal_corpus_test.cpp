// Reversals of whole applications' histories.
#include "tests/server/reversal_corpus.hpp"

#include <fmt/format.h>

#include <random>

#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

std::vector<TriedReversal> walk_all() {
  std::vector<TriedReversal> tried;
  for (const CorpusApplication& application : read_corpus()) {
    for (TriedReversal& one : walk_history(application, 0, application.migrations.size()))
      tried.push_back(std::move(one));
  }
  return tried;
}

void check_none_is_wrong(const std::vector<TriedReversal>& tried) {
  for (const TriedReversal& one : tried) {
    INFO(one.application << "/" << one.migration);
    for (const std::string& line : one.wrong) FAIL_CHECK(line);
  }
}

TEST_CASE("a stretch of an application's history is taken back, migration by migration") {
  const std::vector<CorpusApplication> corpus = read_corpus();
  std::mt19937 random{Catch::rngSeed()};
  const CorpusApplication& application = corpus.at(random() % corpus.size());
  constexpr std::size_t stretch = 3;
  const std::size_t from = random() % (application.migrations.size() - stretch + 1);
  INFO("seed " << Catch::rngSeed() << ": " << application.name << " from " << from);
  const std::vector<TriedReversal> tried = walk_history(application, from, from + stretch);
  CHECK(tried.size() == stretch);
  check_none_is_wrong(tried);
}

TEST_CASE("of whole histories nearly all that destroyed nothing is taken back, and nothing wrongly", "[long][corpus]") {
  const std::vector<TriedReversal> tried = walk_all();
  const std::string table = reversal_table(tried);
  fmt::print("{}", table);
  check_none_is_wrong(tried);
  CHECK(tried.size() >= 120);
  CHECK(share_taken_back(tried) >= 95);
}

}  // namespace
}  // namespace belay::test
