// What the real Prisma CLI says of a database after belay's programs were at it. Without npm every test here says so
// and is skipped.
#include "tests/cli/tool_bench.hpp"
#include "tests/prisma/prisma_cli.hpp"

namespace belay::test {
namespace {

RunResult prisma(const ToolBench& bench, const Words& words) {
  std::map<std::string, std::string> env = prisma_environment();
  env["DATABASE_URL"] = bench.env.at("DATABASE_URL");
  return run(prisma_argv(bench.migrations(), words), env);
}
RunResult prisma(const ToolBench& bench, const std::string& command) { return prisma(bench, Words{command}); }

/// Exactly these are pending to Prisma, and none is failed.
void check_pending(const ToolBench& bench, const Words& names) {
  const RunResult status = prisma(bench, "status");
  INFO(status.out << status.err);
  CHECK(status.status == (names.empty() ? 0 : 1));
  CHECK_THAT(status.out + status.err, !Catch::Contains("failed"));
  if (names.empty()) CHECK_THAT(status.out, Catch::Contains("up to date"));
  for (const std::string& name : names)
    CHECK_THAT(status.out, Catch::Contains("not yet been applied") && Catch::Contains(name));
}

TEST_CASE("after a failing guarded run that committed nothing Prisma sees the migration as pending, none as failed") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE a(); SELECT 1/0;");
  REQUIRE(bench.migrate().status == 6);
  check_pending(bench, {"20240102000000_bad"});
}

TEST_CASE("after a put-back Prisma sees every migration of the run as pending, and then applies the corrected ones") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  bench.migration("20240103000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  REQUIRE(bench.migrate().status == 6);
  check_pending(bench, {"20240102000000_good", "20240103000000_bad"});
  bench.migration("20240103000000_bad", "CREATE TABLE half ();");
  CHECK(prisma(bench, "deploy").status == 0);
  CHECK(bench.has("good"));
  CHECK(bench.has("half"));
  check_pending(bench, {});
}

TEST_CASE("after a first run on an empty database failed Prisma can begin anew") {
  if (!have_prisma()) return;
  const ToolBench bench;
  bench.migration("20240101000000_bad", "CREATE TABLE a(); SELECT 1/0;");
  REQUIRE(bench.migrate().status == 6);
  check_pending(bench, {"20240101000000_bad"});
  bench.migration("20240101000000_bad", "CREATE TABLE a();");
  CHECK(prisma(bench, "deploy").status == 0);
}

TEST_CASE("after a good run, and after a restore to before it, Prisma sees what belay sees") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  REQUIRE(bench.migrate().status == 0);
  check_pending(bench, {});
  REQUIRE(bench.rollback({"--migration-name", "next", "--restore-backup", "--force"}).status == 0);
  check_pending(bench, {"20240102000000_next"});
}

/// All columns but ids and times, in Prisma's order.
Words history_rows(const ToolBench& bench) {
  return bench.db.column(
      "SELECT concat_ws('|', migration_name, checksum, finished_at IS NOT NULL, rolled_back_at IS NOT NULL, "
      "finished_at "
      "= started_at, applied_steps_count, coalesce(quote_literal(logs), 'NULL'), length(id)) FROM _prisma_migrations "
      "ORDER BY started_at");
}

/// A failed migration, as a killed deploy leaves it, beside one that is applied and one that is pending.
void leave_failed(const ToolBench& bench) {
  deploy_first(bench);
  bench.migration("20240102000000_failed", "CREATE TABLE failed ();");
  bench.migration("20240103000000_next", "CREATE TABLE next ();");
  bench.db.sql(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ('x', 'y', "
      "'20240102000000_failed', clock_timestamp())");
}

TEST_CASE(
    "belay's and Prisma's resolve write the same rows and refuse the same, and both call the result by one name") {
  if (!have_prisma()) return;
  const ToolBench ours, theirs;
  leave_failed(ours);
  leave_failed(theirs);
  const std::string failed = "20240102000000_failed", next = "20240103000000_next";
  const std::vector<Words> steps{{"--rolled-back", "no such"}, {"--rolled-back", "20240101000000_init"},
                                 {"--applied", "no such"},     {"--applied", failed},
                                 {"--applied", failed},        {"--rolled-back", failed},
                                 {"--applied", next}};
  for (const Words& step : steps) {
    const RunResult belay = ours.tool("migrate-production", {"resolve", step[0], step[1]});
    const RunResult real = prisma(theirs, Words{"resolve", step[0], step[1]});
    INFO(step[0] << " " << step[1] << "\n" << belay.err << real.out << real.err);
    CHECK((belay.status == 0) == (real.status == 0));
    CHECK(history_rows(ours) == history_rows(theirs));
    for (const std::string code : {"P3008", "P3011", "P3012", "P3017"})
      CHECK((belay.err.find(code) != std::string::npos) == (real.err.find(code) != std::string::npos));
  }
  check_pending(ours, {});
  CHECK(theirs.tool("migrate-production", {"status"}).status == 0);
}

TEST_CASE("a migration marked as rolled back is applied again by Prisma's deploy, as belay says") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE IF NOT EXISTS next ();");
  REQUIRE(bench.migrate().status == 0);
  REQUIRE(bench.rollback({"--migration-name", "next", "--mark-only", "--force"}).status == 0);
  bench.db.sql("DROP TABLE next");
  CHECK(prisma(bench, "deploy").status == 0);
  CHECK(bench.has("next"));
}

TEST_CASE("after a migration in the middle was taken back by its reversal Prisma deploys what is there, and agrees") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_tags", "CREATE TABLE tags (id integer);");
  bench.migration("20240103000000_notes", "CREATE TABLE notes (id integer);");
  REQUIRE(prisma(bench, "deploy").status == 0);
  // Deleted rows: pending to Prisma, which applies it again.
  const Words taken_back{"--migration-name", "tags", "--force", "--skip-backup"};
  const auto with = [&](const std::string& word) {
    Words words = taken_back;
    words.push_back(word);
    return bench.rollback(words).status;
  };
  REQUIRE(with("--delete-history") == 0);
  CHECK_FALSE(bench.has("tags"));
  check_pending(bench, {"20240102000000_tags"});
  CHECK(prisma(bench, "deploy").status == 0);
  CHECK(bench.has("tags"));
  check_pending(bench, {});
  // Marked: status does not say so, deploy applies it again.
  REQUIRE(with("--keep-folder") == 0);
  check_pending(bench, {});
  CHECK(prisma(bench, "deploy").status == 0);
  CHECK(bench.has("tags"));
  // Moved: nothing puts it back.
  REQUIRE(with("--move-folder") == 0);
  check_pending(bench, {});
  CHECK(prisma(bench, "deploy").status == 0);
  CHECK_FALSE(bench.has("tags"));
  CHECK(bench.has("notes"));
}

TEST_CASE("while Prisma deploys a guarded run says who does, and ends with 3; then there is nothing to do") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_slow", "CREATE TABLE good (); SELECT pg_sleep(13);");
  std::map<std::string, std::string> env = prisma_environment();
  env["DATABASE_URL"] = bench.env.at("DATABASE_URL");
  Background theirs(prisma_argv(bench.migrations(), {"deploy"}), env, bench.work.path());
  wait_for_sleep(bench.db, theirs);
  const RunResult refused = bench.migrate();
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("It is held by pid") && Catch::Contains("application"));
  CHECK(theirs.wait(std::chrono::seconds(60)).status == 0);
  CHECK(bench.migrate().status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations WHERE migration_name LIKE '%slow'") == "1");
}

TEST_CASE("while a guarded run is at work Prisma cannot deploy, and its put-back undoes nothing of Prisma's") {
  if (!have_prisma()) return;
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT pg_sleep(3); SELECT 1/0;");
  Background ours = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, ours);
  fs::rename(bench.migrations() / "20240102000000_bad", bench.work / "aside");
  bench.migration("20240103000000_theirs", "CREATE TABLE theirs ();");
  std::map<std::string, std::string> env = prisma_environment();
  env["DATABASE_URL"] = bench.env.at("DATABASE_URL");
  Background theirs(prisma_argv(bench.migrations(), {"deploy"}), env, bench.work.path());
  const RunResult failed = ours.wait(std::chrono::seconds(60));
  INFO(failed.err);
  const RunResult prisma_says = theirs.wait(std::chrono::seconds(60));
  INFO(prisma_says.out << prisma_says.err);
  // Prisma's session waits in the database, so it is ended by the swap, or refuses because of the failed row it saw.
  CHECK((failed.status == 6 || failed.status == 7));
  if (failed.status == 7) CHECK(bench.recover({"--on-lost-writes", "restore"}).status == 0);
  CHECK(!bench.has("half"));
  if (prisma_says.status != 0) CHECK(prisma(bench, "deploy").status == 0);
  CHECK(bench.has("theirs"));
}

}  // namespace
}  // namespace belay::test
