// Two deployers at the same time: one works, the other waits or says who does; and nobody's migration is undone by the
// other's put-back.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

TEST_CASE("of two guarded runs at once one deploys, and the other names it and ends with 3 or finds nothing pending") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good (); SELECT pg_sleep(1);");
  const Words words{"--no-rehearse", "--force"};
  Background first = bench.start("migrate-production", words);
  Background second = bench.start("migrate-production", words);
  const RunResult one = first.wait(std::chrono::seconds(60));
  const RunResult two = second.wait(std::chrono::seconds(60));
  INFO(one.err << two.err);
  CHECK(std::min(one.status, two.status) == 0);
  const RunResult& other = one.status == 0 ? two : one;
  CHECK((other.status == 3 || other.status == 0));
  if (other.status == 3) CHECK_THAT(other.err, Catch::Contains("pid") && Catch::Contains("host"));
  CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations WHERE migration_name LIKE '%good'") == "1");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("who waits while another run fails and is put back deploys after it, and nothing of its own is undone") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT pg_sleep(2); SELECT 1/0;");
  Background failing = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, failing);
  // What the other one has in its folder is another version.
  ToolBench folder_only("folder");
  const fs::path mine = folder_only.migrations();
  fs::copy(bench.migrations() / "20240101000000_init", mine / "20240101000000_init", fs::copy_options::recursive);
  write_text(mine / "20240103000000_mine/migration.sql", "CREATE TABLE mine ();");
  folder_only.env["DATABASE_URL"] = bench.env.at("DATABASE_URL");
  const RunResult waited = folder_only.migrate({"--wait-for-lock", "60s", "--keep", "2"});
  const RunResult failed = failing.wait(std::chrono::seconds(60));
  INFO(failed.err << waited.err);
  CHECK(failed.status == 6);
  CHECK(waited.status == 0);
  CHECK(bench.has("mine"));
  CHECK(!bench.has("half"));
}

}  // namespace
}  // namespace belay::test
