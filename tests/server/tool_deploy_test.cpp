// `migrate-production deploy`: the engine alone. What it leaves in schema and history, and what its statuses say.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

Words history(const ToolBench& bench) {
  return bench.db.column(
      "SELECT concat_ws(' ', migration_name, CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled back' WHEN finished_at "
      "IS NULL THEN 'failed' ELSE 'applied' END, applied_steps_count) FROM _prisma_migrations ORDER BY started_at");
}

bool has(const ToolBench& bench, const std::string& table) {
  return bench.db.value("SELECT to_regclass('" + table + "') IS NOT NULL") == "t";
}

void three(const ToolBench& bench) {
  bench.migration("1_a", "CREATE TABLE a (i int);");
  bench.migration("2_b", "CREATE TABLE b (i int);");
  bench.migration("3_c", "CREATE TABLE c (i int);");
}

TEST_CASE("a deploy applies what is pending, says that nothing guards it, and finds nothing the second time") {
  const ToolBench bench;
  three(bench);
  const RunResult first = deploy(bench);
  INFO(first.out << first.err);
  CHECK(first.status == 0);
  CHECK_THAT(first.err, Catch::Contains("No backup is taken"));
  CHECK_THAT(first.out,
             Catch::Contains("└─ 3_c/") && Catch::Contains("All migrations have been successfully applied."));
  CHECK(history(bench) == Words{"1_a applied 1", "2_b applied 1", "3_c applied 1"});
  CHECK(bench.db.side_databases().empty());
  const RunResult second = deploy(bench, {"--json"});
  CHECK(second.status == 0);
  CHECK(Json::parse(second.out).at("state") == "nothing pending");
}

TEST_CASE("a deploy stops where it is told to, and a guarded run too") {
  const ToolBench bench;
  three(bench);
  const RunResult one = deploy(bench, {"--steps", "1"});
  CHECK(one.status == 0);
  CHECK_THAT(one.out, Catch::Contains("2 left pending, the first: 2_b"));
  CHECK(history(bench) == Words{"1_a applied 1"});
  CHECK_THAT(deploy(bench, {"--to", "1_a"}).out, Catch::Contains("2 pending behind it"));
  const RunResult unknown = deploy(bench, {"--to", "9_x"});
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.err, Catch::Contains("no migration \"9_x\""));
  CHECK(deploy(bench, {"--to", "2_b", "--steps", "1"}).status == 2);
  CHECK(bench.tool("migrate-production", {"status", "--to", "2_b"}).status == 2);
  CHECK(history(bench) == Words{"1_a applied 1"});
  CHECK(bench.migrate({"--to", "_b"}).status == 0);
  CHECK(history(bench) == Words{"1_a applied 1", "2_b applied 1"});
  CHECK_FALSE(has(bench, "c"));
}

TEST_CASE("a deploy that fails says by its status whether anything of it stayed, and the next one refuses") {
  const ToolBench bench;
  bench.migration("1_bad", "CREATE TABLE a (i int);\nSELECT 1/0;");
  const RunResult nothing = deploy(bench);
  CHECK(nothing.status == 6);
  CHECK_THAT(nothing.err, Catch::Contains("line 2") && Catch::Contains("Nothing of the failed migration") &&
                              Catch::Contains("resolve --rolled-back 1_bad"));
  CHECK_FALSE(has(bench, "a"));
  CHECK(history(bench) == Words{"1_bad failed 0"});
  const RunResult refused = deploy(bench);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("P3009"));
  CHECK(bench.tool("migrate-production", {"resolve", "--rolled-back", "1_bad"}).status == 0);
  bench.migration("1_bad", "CREATE TABLE a (i int);");
  bench.migration("2_bad", "SELECT 1/0;");
  const RunResult partly = deploy(bench);
  CHECK(partly.status == 7);
  CHECK_THAT(partly.err, Catch::Contains("Applied by this run before it, and there: 1_bad"));
  CHECK(has(bench, "a"));
  CHECK(history(bench) == Words{"1_bad rolled back 0", "1_bad applied 1", "2_bad failed 0"});
}

TEST_CASE("a deploy of an empty folder makes the history, as Prisma does, and a dry run makes nothing") {
  const ToolBench bench;
  const std::string before = bench.state();
  CHECK(deploy(bench, {"--dry-run"}).status == 0);
  CHECK(bench.state() == before);
  const RunResult empty = deploy(bench);
  CHECK(empty.status == 0);
  CHECK_THAT(empty.out, Catch::Contains("No pending migrations to apply."));
  CHECK(has(bench, "_prisma_migrations"));
}

}  // namespace
}  // namespace belay::test
