// migrate-production on real databases: what a failing run leaves behind. The database's content decides, not the
// message.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// Database-level properties of every kind that a plain owner may set on their own database.
void dress_as_owner(const TestDatabase& db) {
  const Session server(server_url(), "postgres");
  const std::string name = server.identifier(db.name());
  const std::string owner = server.identifier(db.owner_name());
  db.sql("COMMENT ON DATABASE " + name + " IS 'the app''s own {\"belay\": \"no\"} comment'; ALTER DATABASE " + name +
         " CONNECTION LIMIT 17; ALTER DATABASE " + name + " SET search_path = \"$user\", public, \"odd, name\";" +
         "ALTER DATABASE " + name + " SET work_mem = '5MB'; ALTER ROLE " + owner + " IN DATABASE " + name +
         " SET DateStyle = 'German, YMD'; REVOKE ALL ON DATABASE " + name + " FROM PUBLIC; GRANT CONNECT ON DATABASE " +
         name + " TO pg_monitor WITH GRANT OPTION; GRANT CREATE, TEMPORARY ON DATABASE " + name +
         " TO pg_read_all_data; GRANT SELECT ON orders TO pg_monitor WITH GRANT OPTION");
}

void check_put_back(const ToolBench& bench, const RunResult& result, const std::string& before) {
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(bench.state() == before);
  CHECK(bench.sides("failed").size() == 1);
  CHECK(bench.db.side_databases().size() == 1);
}

/// Nothing was committed: nothing may be kept, either.
void check_untouched(const ToolBench& bench, const RunResult& result, const std::string& before) {
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a migration that fails as one transaction is undone by itself: nothing is restored, nothing kept") {
  const ToolBench bench;
  deploy_first(bench);
  dress_as_owner(bench.db);
  bench.migration("20240102000000_bad", "CREATE TABLE a(); SELECT 1/0;");
  const std::string before = bench.state();
  const std::string oid = bench.db.value("SELECT oid FROM pg_database WHERE datname = current_database()");
  const RunResult result = bench.migrate({"--json"});
  check_untouched(bench, result, before);
  CHECK(bench.db.value("SELECT oid FROM pg_database WHERE datname = current_database()") == oid);
  CHECK(Json::parse(result.out).at("restored") == false);
  CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations") == "1");
}

TEST_CASE("the first migration of all failing leaves no history table and no new schema behind") {
  ToolBench bench("empty");
  bench.env["DATABASE_URL"] = url_text(bench.db.owner_url(), "schema=not%20there");
  bench.migration("20240101000000_bad", "CREATE TABLE a(); SELECT 1/0;");
  const std::string before = bench.state();
  check_untouched(bench, bench.migrate(), before);
}

TEST_CASE("what a migration's own COMMIT made permanent is put back, with every property of the database") {
  const ToolBench bench;
  deploy_first(bench);
  dress_as_owner(bench.db);
  bench.migration(
      "20240102000000_bad",
      "CREATE TABLE half (); DELETE FROM orders WHERE id > 10; ALTER TABLE orders ADD b int; COMMIT; SELECT 1/0;");
  const std::string before = bench.state();
  check_put_back(bench, bench.migrate(), before);
}

TEST_CASE("as a superuser, privileges granted on by others and settings of other roles come back too") {
  const TestDatabase roles("roles", Owner::plain);  // for their roles, which outlive what refers to them
  const TestDatabase others("others", Owner::plain);
  const ToolBench bench("super", Owner::superuser);
  deploy_first(bench);
  const Session server(server_url(), "postgres");
  const std::string name = server.identifier(bench.db.name());
  const std::string& first = roles.owner_name();
  const std::string& second = others.owner_name();
  bench.db.sql("GRANT ALL ON DATABASE " + name + " TO " + first + " WITH GRANT OPTION; SET ROLE " + first +
               "; GRANT CONNECT ON DATABASE " + name + " TO " + second + "; RESET ROLE; ALTER ROLE " + second +
               " IN DATABASE " + name + " SET search_path = ''; ALTER DATABASE " + name +
               " SET log_min_messages = 'error';" + "ALTER DATABASE " + name +
               " SET belay_test.x = 'a''b'; ALTER DATABASE " + name + " OWNER TO " + first +
               "; CREATE TABLE of_second (); ALTER TABLE of_second OWNER TO " + second);
  bench.migration("20240102000000_bad", "DROP TABLE of_second; COMMIT; SELECT 1/0;");
  const std::string before = bench.state();
  check_put_back(bench, bench.migrate(), before);
}

TEST_CASE("a second migration failing after a first one was committed takes both back") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good",
                  "ALTER TABLE orders ADD COLUMN good integer DEFAULT 7; UPDATE orders SET note = 'x';");
  bench.migration("20240103000000_bad", "CREATE TABLE b(); SELECT 1/0;");
  const std::string before = bench.state();
  check_put_back(bench, bench.migrate(), before);
  CHECK(bench.db.column("SELECT migration_name FROM _prisma_migrations") == Words{"20240101000000_init"});
}

TEST_CASE("the half-migrated database is kept under its run's name, whole, with a marker that says so") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql("COMMENT ON DATABASE \"" + bench.db.name() + "\" IS 'mine'");
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  const RunResult result = bench.migrate({"--json"});
  const Words kept = bench.sides("failed");
  REQUIRE(kept.size() == 1);
  const Json marker = bench.marker_of(kept[0]);
  CHECK(marker.at("belay") == 1);
  CHECK(marker.at("kind") == "failed");
  CHECK(marker.at("step") == "kept");
  CHECK(marker.at("tool") == "migrate-production");
  CHECK(marker.at("target") == bench.db.name());
  CHECK(marker.at("target_comment") == "mine");
  CHECK(kept[0] == bench.db.name() + "__failed_" + marker.at("run").get<std::string>());
  CHECK(Json::parse(result.out).at("kept") == kept[0]);
  DatabaseUrl inside = bench.db.url();
  inside.database = kept[0];
  CHECK(run_sql(inside, "SELECT to_regclass('half') IS NOT NULL")[0] == "t");
  CHECK(run_sql(inside, "SELECT count(*) FROM orders")[0] == "300");
}

TEST_CASE("an index that CONCURRENTLY could not build is not left behind, although nothing else was committed") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql("UPDATE orders SET note = 'same'");
  bench.migration("20240102000000_bad", "CREATE UNIQUE INDEX CONCURRENTLY by_note ON orders (note);");
  const std::string before = bench.state();
  const RunResult result = bench.migrate();
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(bench.state() == before);
}

TEST_CASE("a procedure that commits inside a migration counts as committed") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; COMMIT; PERFORM 1/0; END $$");
  bench.migration("20240102000000_bad", "CALL p();");
  const std::string before = bench.state();
  check_put_back(bench, bench.migrate(), before);
}

TEST_CASE("a script that the parser does not understand fails as a whole and leaves nothing") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); DELETE FROM orders; THIS IS NO SQL;");
  const std::string before = bench.state();
  check_untouched(bench, bench.migrate(), before);
}

TEST_CASE("clients that come back all the time are no obstacle to a put-back, and then see the old rows") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "DELETE FROM orders; COMMIT; SELECT 1/0;");
  std::atomic<bool> stop{false};
  std::thread client([&] {
    while (!stop) {
      try {
        const Session session(bench.db.owner_url(), bench.db.name());
        while (!stop) (void)session.run("SELECT count(*) FROM orders");
      } catch (const std::exception&) {
        continue;  // ended by the swap: reconnect at once
      }
    }
  });
  const RunResult result = bench.migrate();
  stop = true;
  client.join();
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("a good run applies everything, keeps no database, and its backup is from before") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "ALTER TABLE orders ADD COLUMN good integer DEFAULT 7;");
  bench.migration("20240103000000_index", "CREATE INDEX CONCURRENTLY by_note ON orders (note);");
  dress_as_owner(bench.db);
  const Words properties = database_properties(bench.db.url());
  const RunResult result = bench.migrate({"--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.db.value("SELECT sum(good) FROM orders") == "2100");
  CHECK(bench.db.value(
            "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL") == "3");
  CHECK(bench.db.side_databases().empty());
  CHECK(database_properties(bench.db.url()) == properties);
  const std::string archive = Json::parse(result.out).at("backup");
  const Json manifest = Json::parse(read_text(archive + ".manifest.json"));
  CHECK(manifest.at("history").size() == 1);
}

TEST_CASE("nothing pending is success without a backup, a journal or a side database") {
  const ToolBench bench;
  deploy_first(bench);
  const auto files = files_below(bench.work.path());
  const std::string before = bench.state();
  const RunResult result = bench.migrate({"--json"});
  CHECK(result.status == 0);
  CHECK(Json::parse(result.out).at("state") == "nothing pending");
  CHECK(files_below(bench.work.path()) == files);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("without a backup, what a failing migration committed stays, and status 7 says so") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  const RunResult result = bench.migrate({"--skip-backup"});
  CHECK(result.status == 7);
  CHECK_THAT(result.err, Catch::Contains("half-way") && Catch::Contains("migrate-production resolve"));
  CHECK(bench.has("half"));
  // The empty side database with the run's marker stays, so that recover knows; told to accept the state, it goes.
  CHECK(bench.sides("restore").size() == 1);
  CHECK(bench.recover({"--accept-as-is"}).status == 0);
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.has("half"));
}

TEST_CASE("a second kept database is refused before the run, and --keep 2 allows it") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT 1/0;");
  CHECK(bench.migrate().status == 6);
  const std::string before = bench.state();
  const std::size_t backups = bench.archives("backups/pre-migration").size();
  const RunResult refused = bench.migrate();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("restore-database drop"));
  CHECK(bench.archives("backups/pre-migration").size() == backups);
  CHECK(bench.migrate({"--keep", "2", "--again"}).status == 6);
  CHECK(bench.sides("failed").size() == 2);
  CHECK(bench.state() == before);
}

TEST_CASE("what others write during the deploy stops a put-back, recover's too, until it is said to go on") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql("CREATE TABLE theirs (i int)");
  bench.migration("20240102000000_bad", "CREATE TABLE half (); COMMIT; SELECT pg_sleep(1.5); SELECT 1/0;");
  const auto their_rows = [&] { return bench.db.value("SELECT count(*) FROM theirs"); };
  const RunResult stopped =
      guarded_beside(bench, {"--no-rehearse", "--force"}, "INSERT INTO theirs SELECT generate_series(1, 50)");
  INFO(stopped.err);
  CHECK(stopped.status == 7);
  CHECK_THAT(stopped.err, Catch::Contains("theirs") && Catch::Contains("50 rows new or changed") &&
                              Catch::Contains("--on-lost-writes restore"));
  CHECK(their_rows() == "50");
  CHECK(bench.recover().status == 7);
  CHECK(their_rows() == "50");
  CHECK(bench.recover({"--on-lost-writes", "restore"}).status == 0);
  CHECK(their_rows() == "0");
  CHECK(bench.db.value("SELECT to_regclass('half') IS NULL") == "t");
  CHECK(bench.sides("failed").size() == 1);
}

TEST_CASE("Ctrl-C while a migration runs ends with 130 and the database as before") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_slow", "DELETE FROM orders; SELECT pg_sleep(60);");
  const std::string before = bench.state();
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, run);
  run.kill(SIGINT);
  const RunResult result = run.wait(std::chrono::seconds(30));
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("Ctrl-C after something was committed puts the database back and ends with 130") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_slow", "DELETE FROM orders; COMMIT; SELECT pg_sleep(60);");
  const std::string before = bench.state();
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, run);
  run.kill(SIGINT);
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(bench.state() == before);
  CHECK(bench.sides("failed").size() == 1);
}

TEST_CASE("what a killed run left is refused with the hint to recover, and recover settles it") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_slow", "DELETE FROM orders; COMMIT; SELECT pg_sleep(60);");
  const std::string before = bench.state();
  Background run = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, run);
  run.kill(SIGKILL);
  (void)run.wait();
  wait_until("the run lock to be free", [&] {
    return bench.db.value(
               "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory' AND "
               "application_name LIKE 'belay/%' AND a.query LIKE '%" +
               bench.db.name() + "%'") == "0";
  });
  const RunResult refused = bench.migrate();
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("migrate-production recover"));
  const RunResult recovered = bench.recover({"--json"});
  INFO(recovered.err);
  CHECK(recovered.status == 0);
  CHECK(Json::parse(recovered.out).at("state") == "put back");
  CHECK(bench.state() == before);
}

TEST_CASE("\"no\" before the put-back ends with 7, and recover finishes it") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_bad", "DELETE FROM orders; COMMIT; SELECT 1/0;");
  const std::string before = bench.state();
  const RunResult stopped =
      run_on_terminal(ToolBench::argv_of("migrate-production", {"--no-rehearse"}), bench.env,
                      {{"Run these migrations?", "yes\n"}, {"Put database", "no\n"}}, {.cwd = bench.work.path()});
  INFO(stopped.out);
  CHECK(stopped.status == 7);
  CHECK_THAT(stopped.out, Catch::Contains("migrate-production recover"));
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "0");
  const RunResult recovered = bench.recover();
  INFO(recovered.err);
  CHECK(recovered.status == 0);
  CHECK(bench.state() == before);
  CHECK(bench.sides("failed").size() == 1);
  CHECK(bench.sides("restore").empty());
}

TEST_CASE("nothing to recover is success, and changes nothing") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string before = bench.state();
  const RunResult result = bench.recover({"--json"});
  CHECK(result.status == 0);
  CHECK(Json::parse(result.out).at("state") == "nothing to recover");
  CHECK(bench.state() == before);
}

}  // namespace
}  // namespace belay::test
