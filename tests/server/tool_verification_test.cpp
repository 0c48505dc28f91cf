// What a guarded run verifies after its deploy: whatever of it fails, the database is put back.
#include "tests/cli/tool_bench.hpp"
#include "tests/support/http_server.hpp"

namespace belay::test {
namespace {

constexpr const char* next = "20240102000000_next";

/// A deployed table with 300 rows, a second one that hangs on it, and one pending migration.
class VerifyBench : public ToolBench {
 public:
  explicit VerifyBench(const std::string& pending) : script(pending) {
    deploy_first(*this);
    db.sql(
        "CREATE TABLE lines (id integer REFERENCES orders ON DELETE CASCADE); INSERT INTO lines SELECT id FROM orders");
    migration(next, pending);
    before = state();
  }
  /// A shell's words that run `sql` and record the pending migration, as Prisma would.
  [[nodiscard]] std::string psql(const std::string& sql, bool recorded) const {
    const std::string row = "INSERT INTO _prisma_migrations VALUES ('by-hand', encode(sha256($x$" + script +
                            "$x$), 'hex'), now(), '" + next + "', NULL, NULL, now(), 1);";
    write_text(work / "apply.sql", sql + (recorded ? row : ""));
    return "psql -qX -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f apply.sql";
  }
  void check_put_back(const RunResult& result) const {
    INFO(result.err);
    CHECK(result.status == 6);
    CHECK(state() == before);
    CHECK(sides("failed").size() == 1);
    CHECK(db.side_databases().size() == 1);
  }
  /// Refused, and nothing was done.
  void check_untouched(const RunResult& result, int status) const {
    INFO(result.err);
    CHECK(result.status == status);
    CHECK(state() == before);
    CHECK(db.side_databases().empty());
    CHECK(archives("backups/pre-migration").empty());
  }
  std::string script, before;
};

Words quick_health(const std::string& url) {
  return {"--health-check", url, "--health-retries", "1", "--health-interval", "10ms", "--health-timeout", "2s"};
}

TEST_CASE("an application that is not well after the deploy has the database put back") {
  const VerifyBench bench{"ALTER TABLE orders DROP COLUMN note;"};
  const HttpServer server{[](int n) { return HttpServer::response(n == 1 ? 200 : 500); }};
  const RunResult result = bench.migrate(quick_health(server.url()));
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("the health check failed after the deploy") &&
                             Catch::Contains("status 500, expected 200 to 299 (2 tries"));
  CHECK(server.requests() == 3);
}

TEST_CASE("an application that is not well before the run stops it there") {
  const VerifyBench bench{"ALTER TABLE orders DROP COLUMN note;"};
  const HttpServer server{[](int) { return HttpServer::response(503); }};
  const RunResult result = bench.migrate(quick_health(server.url()));
  bench.check_untouched(result, 3);
  CHECK_THAT(result.err, Catch::Contains("fails already before the run"));
}

TEST_CASE("a health command asks the database with the run's URL, and what it finds broken is put back") {
  const VerifyBench bench{"ALTER TABLE orders RENAME note TO remark;"};
  const std::string ask = "psql -qX -d \"$DATABASE_URL\" -c 'SELECT note FROM orders LIMIT 1'";
  const RunResult result = bench.migrate({"--health-command", ask, "--health-retries", "0"});
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("ended with status 1"));
  CHECK_THAT(result.err, !Catch::Contains(bench.env.at("DATABASE_URL")));
}

TEST_CASE("what is verified and good is in the result") {
  const VerifyBench bench{"ALTER TABLE orders ADD code integer; ALTER TABLE orders ALTER id TYPE bigint;"};
  write_text(bench.migrations() / next / "verify.sql",
             "SELECT count(*) = 300 FROM orders; SELECT code IS NULL FROM orders;");
  const HttpServer server{[](int) { return HttpServer::response(200); }};
  Words words = quick_health(server.url());
  words.insert(words.end(), {"--json", "--critical-table", "orders", "--watch", "100ms"});
  const RunResult result = bench.migrate(words);
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("verified") == Json{"no critical table lost a row",
                                    std::string{"verify.sql of migration \""} + next + "\"",
                                    "the health check is good"});
  bool counted = false;
  for (const Json& table : json.at("row_counts")) {
    if (table.at("table") != "orders") continue;
    counted = true;
    CHECK(table.at("before") == 300);
    CHECK(table.at("after") == 300);
    CHECK(table.at("critical") == true);
  }
  CHECK(counted);
  CHECK(bench.db.value("SELECT reltuples FROM pg_class WHERE oid = 'orders'::regclass") == "300");
  CHECK(server.requests() > 2);
}

TEST_CASE(
    "a verify.sql that is not true is a failed run: in the rehearsal nothing was touched, after it it is put back") {
  const VerifyBench bench{"ALTER TABLE orders ADD code integer;"};
  write_text(bench.migrations() / next / "verify.sql",
             "SELECT true;\nSELECT code = 1 FROM orders WHERE id = 1;\nSELECT count(code) > 0 FROM orders;");
  const RunResult rehearsed = bench.tool("migrate-production", {"--force", "--rehearse", "--no-spare"});
  INFO(rehearsed.err);
  CHECK(rehearsed.status == 3);
  CHECK_THAT(rehearsed.err,
             Catch::Contains("did not pass verification") && Catch::Contains("line 3: SELECT count(code) > 0"));
  CHECK(bench.state() == bench.before);
  CHECK(bench.db.side_databases().empty());
  const RunResult result = bench.migrate();
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("line 3: SELECT count(code) > 0 FROM orders: false"));
}

TEST_CASE("files named by --verify-sql are run too, and one that is not there is said before the run") {
  const VerifyBench bench{"ALTER TABLE orders ADD code integer;"};
  bench.check_untouched(bench.migrate({"--verify-sql", "missing.sql"}), 2);
  write_text(bench.work / "commits.sql", "SELECT true; COMMIT;");
  bench.check_untouched(bench.migrate({"--verify-sql", "commits.sql"}), 3);
  write_text(bench.work / "one.sql", "SELECT true");
  write_text(bench.work / "two.sql", "SELECT missing_column FROM orders");
  const RunResult result = bench.migrate({"--verify-sql", "one.sql", "--verify-sql", "two.sql"});
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("two.sql, line 1") && Catch::Contains("does not exist (42703)"));
}

TEST_CASE("a critical table that loses one row is put back, and one that nobody knows is said before the run") {
  const VerifyBench bench{"DELETE FROM orders WHERE id = 7;"};
  bench.check_untouched(bench.migrate({"--critical-table", "ordres"}), 3);
  const RunResult result = bench.migrate({"--critical-table", "orders"});
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("300 → 299 rows") && Catch::Contains("lost 1 of 300 rows"));
}

TEST_CASE("rows that go by a cascade are found in the rehearsal already, where nobody else writes") {
  const VerifyBench bench{"DELETE FROM orders WHERE id <= 30;"};
  const RunResult result = bench.tool("migrate-production", {"--force", "--rehearse", "--no-spare"});
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("table \"public\".\"lines\" lost 30 of 300 rows"));
  CHECK(bench.state() == bench.before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a table that lost rows while others were at work is told, and not put back, unless it is a critical one") {
  const VerifyBench bench{"SELECT pg_sleep(2);"};
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, run);
  bench.db.sql("DELETE FROM lines WHERE id <= 100");
  const RunResult result = run.wait();
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err,
             Catch::Contains("by others, who were at work, or by the run: table \"public\".\"lines\" lost 100"));
}

TEST_CASE("rows that go by a cascade, which no statement names, are put back unless they were expected to go") {
  const VerifyBench bench{"DELETE FROM orders WHERE id <= 30;"};
  const RunResult result = bench.migrate();
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("table \"public\".\"lines\" lost 30 of 300 rows"));
  const RunResult expected = bench.migrate({"--again", "--keep", "5", "--expect-loss", "lines"});
  INFO(expected.err);
  CHECK(expected.status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM lines") == "270");
}

TEST_CASE("a constraint that is left NOT VALID is put back, and one that was there before does not matter") {
  VerifyBench bench{"ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;"};
  bench.db.sql("ALTER TABLE orders ADD CONSTRAINT earlier CHECK (id > -5) NOT VALID");
  bench.before = bench.state();
  const RunResult result = bench.migrate();
  bench.check_put_back(result);
  CHECK_THAT(result.err, Catch::Contains("constraint positive on public.orders was left NOT VALID"));
  bench.migration(next,
                  "ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID; ALTER TABLE orders VALIDATE "
                  "CONSTRAINT positive;");
  const RunResult good = bench.migrate({"--keep", "5"});
  INFO(good.err);
  CHECK(good.status == 0);
}

TEST_CASE("a deploy by another command is verified as belay's own is") {
  const VerifyBench bench{"CREATE TABLE next (id integer);"};
  const RunResult result = bench.migrate({"--json", "--deploy-command", bench.psql(bench.script, true)});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("applied").at(0).at("name") == next);
  CHECK(bench.has("next"));
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a command that fails half-way, does nothing, or does something else is put back") {
  struct Case {
    std::string sql, after;
    bool recorded;
    std::string why;
  };
  for (const Case& c :
       {Case{"CREATE TABLE half ();", "; exit 1", false, "ended with status 1"},
        Case{"UPDATE orders SET note = 'x';", "; exit 1", false, "ended with status 1"},
        Case{"CREATE TABLE next (id integer);", "; exit 5", true, "ended with status 5"},
        Case{"CREATE TABLE half ();", "", false, "did not apply migration"},
        Case{"CREATE TABLE next ();", "; echo 'SELECT 1' >prisma/migrations/" + std::string{next} + "/migration.sql",
             true, "were changed while"}}) {
    const VerifyBench bench{"CREATE TABLE next (id integer);"};
    INFO(c.why << c.sql);
    const RunResult result = bench.migrate({"--deploy-command", bench.psql(c.sql, c.recorded) + c.after});
    bench.check_put_back(result);
    CHECK_THAT(result.err, Catch::Contains(c.why));
  }
}

TEST_CASE("a command that changed nothing leaves nothing to be restored") {
  const VerifyBench bench{"CREATE TABLE next (id integer);"};
  for (const char* command : {"true", "echo \"no: $DATABASE_URL\" >&2; exit 1"}) {
    const RunResult result = bench.migrate({"--again", "--json", "--deploy-command", command});
    INFO(result.err);
    CHECK(result.status == 6);
    CHECK(Json::parse(result.out).at("restored") == false);
    CHECK(bench.state() == bench.before);
    CHECK(bench.db.side_databases().empty());
    CHECK_THAT(result.err, !Catch::Contains(bench.env.at("DATABASE_URL")));
  }
}

TEST_CASE("a command for development is refused before anything is done, also behind a script of package.json") {
  const VerifyBench bench{"CREATE TABLE next (id integer);"};
  write_text(bench.work / "package.json", R"({"scripts": {"release": "tsc && prisma db push"}})");
  for (const char* command : {"npx prisma migrate reset --force", "npm run release"}) {
    const RunResult result = bench.migrate({"--deploy-command", command});
    bench.check_untouched(result, 3);
    CHECK_THAT(result.err, Catch::Contains("is a command for development"));
  }
  bench.check_untouched(bench.migrate({"--deploy-command", "true", "--steps", "1"}), 2);
}

TEST_CASE("a run that dies with its command half done is put back by recover, and the command's sessions are ended") {
  VerifyBench bench{"CREATE TABLE next (id integer);"};
  const std::string command = bench.psql("CREATE TABLE half (); SELECT pg_sleep(60); CREATE TABLE late ();", false);
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force", "--deploy-command", command});
  wait_for_sleep(bench.db, run);
  run.kill(SIGKILL);
  CHECK(run.wait().signal == SIGKILL);
  const RunResult recovered = bench.recover();
  INFO(recovered.err << recovered.out);
  CHECK(recovered.status == 0);
  CHECK_THAT(recovered.out, Catch::Contains("put back"));
  CHECK(bench.state() == bench.before);
  CHECK(bench.sides("failed").size() == 1);
}

TEST_CASE("an interrupted deploy command is stopped, and what it did is put back") {
  const VerifyBench bench{"CREATE TABLE next (id integer);"};
  const std::string command = bench.psql("CREATE TABLE half (); SELECT pg_sleep(60); CREATE TABLE late ();", false);
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force", "--deploy-command", command});
  wait_for_sleep(bench.db, run);
  run.kill(SIGINT);
  const RunResult result = run.wait();
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(bench.state() == bench.before);
}

TEST_CASE("hooks run around a guarded run and around each migration, and know what it is about") {
  const VerifyBench bench{"CREATE TABLE next (id integer);"};
  bench.migration("20240103000000_more", "CREATE TABLE more ();");
  const std::string log = "echo \"$BELAY_HOOK $BELAY_MIGRATION $BELAY_STATUS\" >>log; cat >>json";
  const RunResult result = bench.migrate({"--before", log, "--after", log, "--on-failure", log, "--before-migration",
                                          log, "--after-migration", log + "; exit 3"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("warning: --after-migration ended with status 3"));
  CHECK(lines_of(read_text(bench.work / "log")) ==
        Words{"before  ", "before-migration 20240102000000_next ", "after-migration 20240102000000_next ",
              "before-migration 20240103000000_more ", "after-migration 20240103000000_more ", "after  0"});
  const Json second = Json::parse(lines_of(read_text(bench.work / "json")).at(1));
  CHECK(second.at("migration") == next);
  CHECK(second.at("hook") == "before-migration");
}

TEST_CASE("a failing --before stops the run before anything is done, a failing --before-migration the deploy there") {
  const VerifyBench bench{"CREATE TABLE next (id integer);"};
  bench.check_untouched(bench.migrate({"--before", "exit 1", "--on-failure", "touch failed"}), 3);
  bench.migration("20240103000000_more", "CREATE TABLE more ();");
  const RunResult result = bench.migrate({"--before-migration", "[ $BELAY_MIGRATION = 20240102000000_next ]",
                                          "--on-failure", "echo $BELAY_STATUS >failed"});
  bench.check_put_back(result);
  CHECK_THAT(result.err,
             Catch::Contains("--before-migration failed, so migration \"20240103000000_more\" was not run"));
  CHECK(read_text(bench.work / "failed") == "6\n");
}

}  // namespace
}  // namespace belay::test
