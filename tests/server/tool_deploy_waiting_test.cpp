// What a deploy says, and does, while one of its statements takes long.
#include <thread>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// A table, deployed, and a migration that builds an index on it.
void make_index_pending(const ToolBench& bench) {
  bench.migration("0_base", "CREATE TABLE t (a int); INSERT INTO t VALUES (1);");
  REQUIRE(bench.tool("migrate-production", {"deploy"}).status == 0);
  bench.migration("1_index", "CREATE INDEX CONCURRENTLY by_a ON t (a);");
}

bool valid(const ToolBench& bench) {
  return bench.db.value(
             "SELECT coalesce(bool_and(indisvalid), false) FROM pg_index WHERE indexrelid = to_regclass('by_a')") ==
         "t";
}

TEST_CASE("an interrupted index build leaves no index that counts, and the next deploy builds it") {
  const ToolBench bench;
  make_index_pending(bench);
  Session old(server_url(), bench.db.name());
  old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM t");
  Background run = bench.start("migrate-production", {"deploy"});
  wait_until("the build waits", [&] {
    return bench.db.value(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE "
               "'%CONCURRENTLY%' AND pid <> pg_backend_pid() AND datname = current_database()") != "0";
  });
  run.kill(SIGINT);
  const RunResult stopped = run.wait();
  INFO(stopped.err);
  CHECK(stopped.status == 7);
  CHECK_THAT(stopped.err, Catch::Contains("was interrupted") && Catch::Contains("public.by_a is invalid"));
  CHECK_FALSE(valid(bench));
  old.run("COMMIT");
  CHECK(bench.tool("migrate-production", {"deploy"}).status == 0);
  CHECK(valid(bench));
}

TEST_CASE("a deployer that waits for the lock of this run does not stop its index from being built", "[long]") {
  const ToolBench bench;
  make_index_pending(bench);
  // As Prisma's CLI waits: in the server, with a snapshot, and after its client has gone for good.
  Background run = bench.start("migrate-production", {"deploy"});
  Background waiter{
      {"psql", "-Xqc", "SELECT pg_advisory_lock(72707369)", url_text(bench.db.owner_url())}, {}, bench.work.path()};
  const RunResult result = run.wait();
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(valid(bench));
  (void)waiter.wait();
}

TEST_CASE("a deployer that came to wait before the index is built is cancelled after Prisma's own time", "[long]") {
  const ToolBench bench;
  make_index_pending(bench);
  bench.migration("1_index", "SELECT pg_sleep(2);\nCREATE INDEX CONCURRENTLY by_a ON t (a);");
  Background run = bench.start("migrate-production", {"deploy"});
  wait_until("the run holds Prisma's lock", [&] {
    return bench.db.value(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> "
               "pg_backend_pid() AND datname = current_database()") != "0";
  });
  Background waiter{
      {"psql", "-Xqc", "SELECT pg_advisory_lock(72707369)", url_text(bench.db.owner_url())}, {}, bench.work.path()};
  const RunResult result = run.wait();
  const RunResult waited = waiter.wait();
  INFO(result.err << waited.err);
  CHECK(result.status == 0);
  CHECK(valid(bench));
  CHECK_THAT(result.err, Catch::Contains("pg_advisory_lock") || Catch::Contains("cancelled backend"));
}

TEST_CASE("a waiting deployer that this role may not cancel is named, with what ends it", "[long]") {
  const ToolBench bench;
  make_index_pending(bench);
  bench.migration("1_index", "SELECT pg_sleep(2);\nCREATE INDEX CONCURRENTLY by_a ON t (a);");
  Background run = bench.start("migrate-production", {"deploy"});
  wait_until("the run holds Prisma's lock", [&] {
    return bench.db.value(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> "
               "pg_backend_pid() AND datname = current_database()") != "0";
  });
  const DatabaseUrl as_superuser = bench.db.url();
  Background waiter{
      {"psql", "-Xqc", "SELECT pg_advisory_lock(72707369)", url_text(as_superuser)}, {}, bench.work.path()};
  std::this_thread::sleep_for(std::chrono::seconds(17));  // Prisma's own time, and some
  bench.db.sql_as_superuser(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%advisory_lock(72707369)%' AND pid <> "
      "pg_backend_pid() AND datname = current_database()");
  const RunResult result = run.wait();
  (void)waiter.wait();
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(valid(bench));
  CHECK_THAT(result.err, Catch::Contains("this role may not cancel it") && Catch::Contains("pg_cancel_backend("));
}

TEST_CASE("a statement that takes long says for how long, what it waits for, and what Ctrl-C would do", "[long]") {
  const ToolBench bench;
  bench.migration("1_slow", "CREATE TABLE t ();\nSELECT pg_sleep(11);");
  const RunResult result = bench.tool("migrate-production", {"deploy"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("line 2: SELECT") && Catch::Contains("has run for 10 s") &&
                             Catch::Contains("Timeout:PgSleep") && Catch::Contains("Ctrl-C cancels it"));
}

}  // namespace
}  // namespace belay::test
