// Guarded runs that let the real Prisma CLI deploy. Without npm every test here says so and is skipped.
#include "tests/cli/tool_bench.hpp"
#include "tests/prisma/prisma_cli.hpp"

namespace belay::test {
namespace {

RunResult guarded(ToolBench& bench, Words more = {}) {
  for (const auto& [name, value] : prisma_environment()) bench.env[name] = value;
  std::string command;
  for (const std::string& word : prisma_argv(bench.migrations(), {"deploy"})) command += "'" + word + "' ";
  more.insert(more.begin(), {"--deploy-command", command});
  return bench.migrate(more);
}

TEST_CASE("Prisma deploys under guard: it takes its own lock, and belay holds the run's") {
  if (!have_prisma()) return;
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  bench.migration("20240103000000_more", "CREATE TABLE more ();");
  const RunResult result = guarded(bench, {"--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("applied").size() == 2);
  CHECK(bench.has("next"));
  CHECK(bench.has("more"));
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("what Prisma applied before a migration of its run failed is put back") {
  if (!have_prisma()) return;
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  bench.migration("20240103000000_bad", "CREATE TABLE half (); SELECT 1/0;");
  const std::string before = bench.state();
  const RunResult result = guarded(bench);
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK_THAT(result.err, Catch::Contains("division by zero") && !Catch::Contains(bench.env.at("DATABASE_URL")));
  CHECK(bench.state() == before);
  CHECK(bench.sides("failed").size() == 1);
}

TEST_CASE("a first migration that fails in Prisma leaves nothing to be restored") {
  if (!have_prisma()) return;
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240103000000_bad", "CREATE TABLE half (); SELECT 1/0;");
  const std::string before = bench.state();
  const RunResult result = guarded(bench, {"--json"});
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(Json::parse(result.out).at("restored") == false);
  CHECK(bench.state() == before);
}

TEST_CASE("Prisma makes its table under guard where there was none, and a failure takes it away again") {
  if (!have_prisma()) return;
  ToolBench bench;
  bench.migration("20240101000000_bad", "CREATE TABLE a(); SELECT 1/0;");
  const std::string before = bench.state();
  CHECK(guarded(bench).status == 6);
  CHECK(bench.state() == before);
  bench.migration("20240101000000_bad", "CREATE TABLE a();");
  const RunResult good = guarded(bench);
  INFO(good.err);
  CHECK(good.status == 0);
  CHECK(bench.has("a"));
}

}  // namespace
}  // namespace belay::test
