// What a guarded run can be told: to ask others not to write, to brake, to wait, to start with a container.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

constexpr const char* waits_and_fails = "CREATE TABLE half (); COMMIT; SELECT pg_sleep(1.5); SELECT 1/0;";

std::string read_only_setting(const TestDatabase& db, const std::string& database) {
  return run_sql(db.url().with_database("postgres"),
                 "SELECT coalesce((SELECT string_agg(c, ' ') FROM pg_db_role_setting s JOIN pg_database d ON d.oid = "
                 "s.setdatabase, unnest(setconfig) c WHERE setrole = 0 AND datname = '" +
                     database + "' AND c LIKE 'default_transaction_read_only%'), 'none')")
      .at(0);
}

TEST_CASE("with --read-only a client that writes in the ordinary way gets an error, and can write again afterwards") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", waits_and_fails);
  const test::Session early(bench.db.owner_url(), bench.db.name());
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force", "--read-only"});
  wait_for_sleep(bench.db, run);
  CHECK_THROWS(early.run("SELECT 1"));
  const test::Session late(bench.db.owner_url(), bench.db.name());
  CHECK_THROWS_WITH(late.run("INSERT INTO orders VALUES (9001)"), Catch::Contains("read-only transaction"));
  CHECK(late.run("SELECT count(*) FROM orders").at(0) == "300");
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(read_only_setting(bench.db, bench.db.name()) == "none");
  CHECK(read_only_setting(bench.db, bench.sides("failed").at(0)) == "none");
  const test::Session after(bench.db.owner_url(), bench.db.name());
  CHECK_NOTHROW(after.run("INSERT INTO orders VALUES (9001)"));
}

TEST_CASE("a client that switches read-only off is counted, and stops the put-back") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", waits_and_fails);
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force", "--read-only"});
  wait_for_sleep(bench.db, run);
  const test::Session stubborn(bench.db.owner_url(), bench.db.name());
  stubborn.run("SET default_transaction_read_only = off");
  stubborn.run("INSERT INTO orders VALUES (9001)");
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  CHECK(result.status == 7);
  CHECK_THAT(result.err, Catch::Contains("orders\": 1 rows new or changed") && Catch::Contains("stays read-only"));
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "301");
  const RunResult status = bench.tool("migrate-production", {"recover", "--dry-run"});
  CHECK_THAT(status.err, Catch::Contains("is read-only for its clients since run"));
  CHECK(bench.recover({"--on-lost-writes", "restore"}).status == 0);
  CHECK(read_only_setting(bench.db, bench.db.name()) == "none");
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("a setting that the database had before --read-only is there again after a good run") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql("ALTER DATABASE " + bench.db.name() + " SET default_transaction_read_only = off");
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  const RunResult result = bench.migrate({"--read-only"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(read_only_setting(bench.db, bench.db.name()) == "default_transaction_read_only=off");
}

TEST_CASE("a run that is killed under --read-only is told of by the next one, and recover takes it back") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  bench.env["BELAY_FAULT_KILL_NAME"] = "read-only: set";
  CHECK(bench.migrate({"--read-only"}).signal == SIGKILL);
  bench.env.erase("BELAY_FAULT_KILL_NAME");
  CHECK(read_only_setting(bench.db, bench.db.name()) == "default_transaction_read_only=on");
  const RunResult again = bench.migrate();
  CHECK(again.status == 3);
  CHECK_THAT(again.err, Catch::Contains("is read-only for its clients"));
  // What the dead run asked of others is no property of the database that a backup would give back.
  const std::string archive = bench.take_backup();
  CHECK_THAT(read_text(archive + ".manifest.json"), !Catch::Contains("transaction_read_only"));
  CHECK(bench.recover().status == 0);
  CHECK(read_only_setting(bench.db, bench.db.name()) == "none");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a migration whose run was put back is not tried again unchanged, and no backup is taken for it") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "SELECT 1/0;");
  CHECK(bench.migrate().status == 6);
  const std::size_t backups = bench.archives("backups/pre-migration").size();
  const RunResult again = bench.migrate();
  CHECK(again.status == 3);
  CHECK_THAT(again.err, Catch::Contains("20240102000000_bad: run 2") && Catch::Contains("--again"));
  CHECK(bench.archives("backups/pre-migration").size() == backups);
  CHECK(bench.migrate({"--again"}).status == 6);
  bench.migration("20240102000000_bad", "SELECT 1;");
  CHECK(bench.migrate().status == 0);
}

TEST_CASE("a migration whose run died once it had failed is not tried again unchanged either") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  const std::string before = bench.state();
  bench.env["BELAY_FAULT_KILL_NAME"] = "apply: steps failed row written";
  CHECK(bench.migrate().signal == SIGKILL);
  bench.env.erase("BELAY_FAULT_KILL_NAME");
  const Json dry = Json::parse(bench.recover({"--dry-run", "--json"}).out);
  CHECK(dry.at("side_databases").at(0).at("had_begun") == true);
  CHECK(bench.recover().status == 0);
  const Json runs = Json::parse(bench.tool("migrate-production", {"runs", "--json"}).out).at("runs");
  const auto died = std::find_if(runs.begin(), runs.end(), [](const Json& run) { return run.contains("outcome"); });
  REQUIRE(died != runs.end());
  CHECK(died->at("outcome").at("state") == "interrupted");
  CHECK_THAT(died->at("settled").get<std::string>(), Catch::StartsWith("put back, by recover at 2"));
  const RunResult again = bench.migrate({"--keep", "2"});
  CHECK(again.status == 3);
  CHECK_THAT(again.err, Catch::Contains("20240102000000_bad: run 2") && Catch::Contains("its run died"));
  CHECK(bench.state() == before);
}

TEST_CASE("what could not be linted has not passed --fail-on") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  bench.db.sql_as_superuser("REVOKE SELECT ON pg_catalog.pg_publication_tables FROM PUBLIC");
  const RunResult refused = bench.migrate({"--fail-on", "error"});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("could not be linted"));
  CHECK(!bench.has("good"));
  CHECK_THAT(bench.migrate().err, Catch::Contains("the migrations were not linted"));
  CHECK(bench.has("good"));
}

TEST_CASE("a container's entry point can be told to leave the migrations alone, a call by hand cannot") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  bench.env["RUN_MIGRATIONS"] = "false";
  CHECK(bench.migrate({"--at-start"}).status == 0);
  CHECK(!bench.has("good"));
  const RunResult by_hand = bench.migrate();
  CHECK(by_hand.status == 0);
  CHECK_THAT(by_hand.err, Catch::Contains("RUN_MIGRATIONS=false counts with --at-start only"));
  CHECK(bench.has("good"));
}

TEST_CASE("who waits for another run and then finds nothing pending ends with 0") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_slow", "CREATE TABLE good (); SELECT pg_sleep(4);");
  Background first = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, first);
  for (const Words& words : {Words{"--force"}, Words{"deploy", "--wait-for-lock", "100ms"}}) {
    const RunResult impatient = bench.tool("migrate-production", words);
    CHECK(impatient.status == 3);
    CHECK_THAT(impatient.err, Catch::Contains("pid") && Catch::Contains("host"));
  }
  const RunResult patient = bench.migrate({"--wait-for-lock", "60s", "--json"});
  INFO(patient.err);
  CHECK(patient.status == 0);
  CHECK(Json::parse(patient.out).at("state") == "nothing pending");
  CHECK(first.wait(std::chrono::seconds(60)).status == 0);
}

TEST_CASE("nothing pending is success beside a kept database, and --backup-always takes a backup even then") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  CHECK(bench.migrate().status == 6);
  fs::remove_all(bench.migrations() / "20240102000000_bad");
  const std::size_t backups = bench.archives("backups/pre-migration").size();
  CHECK(bench.migrate().status == 0);
  CHECK(bench.archives("backups/pre-migration").size() == backups);
  CHECK(bench.migrate({"--backup-always"}).status == 0);
  CHECK(bench.archives("backups/pre-migration").size() == backups + 1);
}

TEST_CASE("an applied migration that was edited stops a run, unless it is named") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  bench.migration("20240101000000_init", "-- edited\n");
  const RunResult refused = bench.migrate();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("edited after it was applied: 20240101000000_init"));
  CHECK(bench.migrate({"--allow-edited", "20240101000000_init"}).status == 0);
  CHECK(bench.has("good"));
}

TEST_CASE("drift stops a run that is told so, and check shows it") {
  ToolBench bench;
  bench.migration("20240101000000_init", "CREATE TABLE orders (id integer PRIMARY KEY, note text);");
  REQUIRE(bench.tool("migrate-production", {"deploy"}).status == 0);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  bench.db.sql("ALTER TABLE orders ADD by_hand integer");
  const RunResult refused = bench.migrate({"--fail-on-drift"});
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("1 object of the live schema differ"));
  // The target's own server may be named too, whose run lock is held already.
  bench.env["SHADOW_DATABASE_URL"] = url_text(bench.db.url());
  CHECK_THAT(bench.migrate({"--fail-on-drift"}).err, Catch::Contains("1 object of the live schema differ"));
  bench.env.erase("SHADOW_DATABASE_URL");
  const RunResult dry = bench.migrate({"--fail-on-drift", "--dry-run", "--json"});
  CHECK(dry.status == 0);
  CHECK_THAT(dry.out, Catch::Contains("not compared: a dry run makes no side database"));
  const RunResult check = bench.tool("migrate-production", {"check", "--no-rehearse", "--json"});
  INFO(check.err);
  CHECK(check.status == 0);
  const Json checks = Json::parse(check.out).at("checks");
  const auto drift = std::find_if(checks.begin(), checks.end(), [](const Json& c) { return c.at("check") == "drift"; });
  CHECK(drift->at("state") == "warn");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("check says what would stop a run, changes nothing, and ends with 9") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_alter", "ALTER TABLE not_mine ADD i integer;");
  bench.db.sql("CREATE TABLE not_mine (); ALTER TABLE not_mine OWNER TO CURRENT_USER");
  run_sql(bench.db.url(),
          "ALTER TABLE not_mine OWNER TO " + run_sql(bench.db.url(), "SELECT quote_ident(current_user)").at(0));
  const std::string before = bench.state();
  const RunResult check = bench.tool("migrate-production", {"check", "--no-rehearse"});
  INFO(check.out << check.err);
  CHECK(check.status == 9);
  CHECK_THAT(check.out,
             Catch::Contains("fail  rights") && Catch::Contains("GRANT") && Catch::Contains("would be refused"));
  CHECK(bench.state() == before);
  const RunResult offsite = bench.tool("migrate-production", {"check", "--skip-backup", "--require-offsite"});
  CHECK_THAT(offsite.out, Catch::Contains("fail  backup place"));
  const RunResult connection = bench.tool("migrate-production", {"check", "--check-connection"});
  CHECK(connection.status == 0);
  CHECK_THAT(connection.out, Catch::Contains("PostgreSQL") && Catch::Contains("may create databases"));
}

TEST_CASE("a run that may leave the database half-way says so, and recover still has its backup") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  const std::string before = bench.state();
  const RunResult result = bench.migrate({"--no-put-back"});
  CHECK(result.status == 7);
  CHECK(bench.has("half"));
  CHECK(bench.recover().status == 0);
  CHECK(bench.state() == before);
}

}  // namespace
}  // namespace belay::test
