// A script that is not one transaction and stopped half-way: what its journal says, and how a second deploy goes on.
#include <thread>

#include "common/statement_journal.hpp"
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

std::string row(const ToolBench& bench) {
  return bench.db.value(
      "SELECT concat_ws(' ', count(*), bool_and(finished_at IS NOT NULL), bool_or(logs IS NOT NULL), "
      "max(applied_steps_count)) FROM _prisma_migrations");
}

std::string table_comment(const ToolBench& bench) {
  return bench.db.value("SELECT coalesce(obj_description('_prisma_migrations'::regclass), '-')");
}

bool valid(const ToolBench& bench, const std::string& index) {
  return bench.db.value("SELECT coalesce(bool_and(indisvalid), false) FROM pg_index WHERE indexrelid = to_regclass('" +
                        index + "')") == "t";
}

std::string indexes(const ToolBench& bench) {
  return bench.db.value(
      "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class JOIN pg_index ON oid = "
      "indexrelid WHERE indrelid = 't'::regclass");
}

constexpr const char* long_script =
    "CREATE TABLE t (a int);\n"
    "INSERT INTO t SELECT generate_series(1, 10);\n"
    "SET search_path = public, other;\n"
    "CREATE INDEX CONCURRENTLY by_a ON t (a);\n"
    "INSERT INTO t SELECT x FROM only_in_other;\n"
    "BEGIN;\nINSERT INTO t VALUES (100);\nUPDATE t SET a = a + 1000 WHERE a = 100;\nCOMMIT;\n"
    "CREATE UNIQUE INDEX CONCURRENTLY once ON t (a);\n";

TEST_CASE("a script that failed half-way is gone on with after the last finished statement, and nothing is run twice") {
  const ToolBench bench;
  bench.migration("1_steps", long_script);
  bench.db.sql("CREATE SCHEMA other");
  const RunResult first = deploy(bench);
  INFO(first.err);
  CHECK(first.status == 7);
  CHECK_THAT(first.err, Catch::Contains("line 5") && Catch::Contains("4 of 10 statements") &&
                            Catch::Contains("`migrate-production deploy` again"));
  CHECK(row(bench) == "1 f t 0");
  CHECK(bench.db.value("SELECT count(*) FROM t") == "10");
  CHECK_THAT(bench.migrate().err, Catch::Contains("4 of its 10 statements are finished"));
  const RunResult shown = bench.tool("migrate-production", {"history", "1_steps"});
  CHECK(shown.status == 9);
  CHECK_THAT(shown.out, Catch::Contains("line    4  CREATE INDEX by_a: done") &&
                            Catch::Contains("line    5  INSERT t: failed, or not run") &&
                            Catch::Contains("line    6  BEGIN: not run"));
  bench.db.sql("CREATE TABLE other.only_in_other (x int); INSERT INTO other.only_in_other VALUES (50)");
  const RunResult second = deploy(bench);
  INFO(second.err);
  CHECK(second.status == 0);
  CHECK(row(bench) == "1 t f 1");
  CHECK(bench.db.value("SELECT count(*) || ' ' || max(a) FROM t") == "12 1100");
  CHECK(valid(bench, "by_a"));
  CHECK(valid(bench, "once"));
  CHECK(table_comment(bench) == "-");
}

TEST_CASE("a script that was changed since is not gone on with, and the refusal says how far it came") {
  const ToolBench bench;
  bench.migration("1_steps", "CREATE TABLE t (a int);\nVACUUM;\nSELECT 1/0;");
  CHECK(deploy(bench).status == 7);
  bench.migration("1_steps", "CREATE TABLE t (a int);\nVACUUM;\nSELECT 1;");
  const RunResult refused = deploy(bench);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("P3009") && Catch::Contains("2 of its 3 statements are finished") &&
                              Catch::Contains("was changed since"));
  CHECK(bench.tool("migrate-production", {"resolve", "--applied", "1_steps"}).status == 0);
  CHECK(deploy(bench).status == 0);
}

TEST_CASE("an invalid index that a failing build leaves is named, dropped and built again") {
  const ToolBench bench;
  bench.db.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); COMMENT ON TABLE t IS 'ours'");
  REQUIRE(bench.tool("migrate-production", {"deploy"}).status == 3);  // P3005
  bench.migration("0_base", "SELECT 1");
  REQUIRE(bench.tool("migrate-production", {"baseline"}).status == 0);
  bench.db.sql("COMMENT ON TABLE _prisma_migrations IS 'kept for the audit'");
  bench.migration("1_unique", "CREATE UNIQUE INDEX CONCURRENTLY once ON t (a);");
  const RunResult failed = deploy(bench);
  CHECK(failed.status == 7);
  CHECK_THAT(failed.err, Catch::Contains("index public.once is invalid") && Catch::Contains("23505"));
  CHECK_FALSE(valid(bench, "once"));
  bench.db.sql("DELETE FROM t");
  const RunResult again = deploy(bench);
  INFO(again.err);
  CHECK(again.status == 0);
  CHECK_THAT(again.err, Catch::Contains("DROP INDEX CONCURRENTLY IF EXISTS public.once"));
  CHECK(valid(bench, "once"));
  CHECK(indexes(bench) == "once");
  CHECK(table_comment(bench) == "kept for the audit");
}

TEST_CASE("an invalid index of the same name, left by somebody else, is never taken for the new one") {
  const ToolBench bench;
  bench.migration("0_base", "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);");
  REQUIRE(deploy(bench).status == 0);
  CHECK_THROWS(bench.db.sql("CREATE UNIQUE INDEX CONCURRENTLY by_a ON t (a)"));
  REQUIRE_FALSE(valid(bench, "by_a"));
  bench.migration("1_if", "CREATE INDEX CONCURRENTLY IF NOT EXISTS by_a ON t (a);");
  const RunResult result = deploy(bench);
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(valid(bench, "by_a"));
}

TEST_CASE("a lock that others hold is waited for in tries, and who holds it is named") {
  const ToolBench bench;
  bench.migration("0_base", "CREATE TABLE t (a int);");
  REQUIRE(deploy(bench).status == 0);
  Session holder(server_url(), bench.db.name());
  holder.run("SET application_name = 'nightly report'; BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
  bench.migration("1_alter", "CREATE TABLE u (a int);\nALTER TABLE t ADD COLUMN b int;");
  const RunResult given_up = deploy(bench, {"--lock-timeout", "300ms", "--lock-retries", "1"});
  INFO(given_up.err);
  CHECK(given_up.status == 6);
  CHECK_THAT(given_up.err, Catch::Contains("nightly report") && Catch::Contains("try 1 of 1") &&
                               Catch::Contains("55P03") && Catch::Contains("Blocked by backend"));
  CHECK(row(bench) == "2 f t 1");
  CHECK(bench.tool("migrate-production", {"resolve", "--rolled-back", "1_alter"}).status == 0);
  Background waiting = bench.start("migrate-production", {"deploy", "--lock-timeout", "300ms", "--lock-retries", "20"});
  wait_until("the first try", [&] {
    return bench.db.value(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE "
               "'%ADD COLUMN%' AND pid <> pg_backend_pid() AND datname = current_database()") != "0";
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  holder.run("ROLLBACK");
  const RunResult done = waiting.wait();
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 't'") == "2");
}

TEST_CASE("an index is built beside an old transaction whatever lock_timeout says, and its holder is named") {
  const ToolBench bench;
  bench.migration("0_base", "CREATE TABLE t (a int); INSERT INTO t VALUES (1);");
  REQUIRE(deploy(bench).status == 0);
  Session old(server_url(), bench.db.name());
  old.run("SET application_name = 'old reader'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM t");
  bench.migration("1_index",
                  "SET lock_timeout = '200ms';\nCREATE INDEX CONCURRENTLY by_a ON t (a);\nSHOW lock_timeout;");
  Background run = bench.start("migrate-production", {"deploy", "--lock-timeout", "200ms", "--lock-retries", "0"});
  wait_until("the build waits", [&] {
    return bench.db.value(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE "
               "'%CONCURRENTLY%' AND pid <> pg_backend_pid() AND datname = current_database()") != "0";
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(900));
  old.run("COMMIT");
  const RunResult result = run.wait();
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("old reader"));
  CHECK(valid(bench, "by_a"));
}

TEST_CASE("a script is gone on with after the process was killed in any of its statements") {
  for (const std::string point :
       {"apply: row written", "apply: step begun", "apply: step done", "apply: steps done", "apply: steps recorded"}) {
    const ToolBench bench;
    bench.db.sql("CREATE SCHEMA other; CREATE TABLE other.only_in_other (x int)");
    bench.migration("1_steps", long_script);
    std::map<std::string, std::string> env = bench.env;
    env["BELAY_FAULT_KILL_NAME"] = point;
    INFO(point);
    const RunResult killed = run(ToolBench::argv_of("migrate-production", {"deploy"}), env, {.cwd = bench.work.path()});
    CHECK(killed.signal == SIGKILL);
    const RunResult again = deploy(bench);
    INFO(again.err);
    CHECK(again.status == 0);
    CHECK(row(bench) == "1 t f 1");
    CHECK(bench.db.value("SELECT count(*) || ' ' || max(a) FROM t") == "11 1100");
    CHECK(indexes(bench) == "by_a once");
    CHECK(valid(bench, "once"));
    CHECK(table_comment(bench) == "-");
  }
}

TEST_CASE("a journal survives being written and read, with names of any kind") {
  StatementJournal journal{.row_id = "id", .migration = "größe \"x\" \\ \n", .checksum = "abc", .statements = 3};
  journal.done = 2;
  journal.begun = true;
  journal.before = {{"index", "\"a b\".\"c\""}};
  journal.indexes = {"\"ä\".\"b\""};
  journal.table_comment = "said 'so'";
  const std::optional<StatementJournal> read = parse_journal(to_comment(journal));
  REQUIRE(read);
  CHECK(to_comment(*read) == to_comment(journal));
  CHECK_FALSE(parse_journal("a table of Prisma's"));
  CHECK_FALSE(parse_journal("{}"));
  CHECK_FALSE(parse_journal(R"({"format":"belay statement journal","version":9})"));
}

}  // namespace
}  // namespace belay::test
