// `migrate-production diff` from outside: what it prints, what it refuses, and that it leaves nothing behind.
#include <csignal>
#include <memory>

#include "tests/server/diff_bench.hpp"

namespace belay::test {
namespace {

RunResult diff(const ToolBench& bench, Words words = {}) {
  words.insert(words.begin(), "diff");
  return bench.tool("migrate-production", words);
}

/// Three migrations, deployed.
class Shop : public ToolBench {
 public:
  explicit Shop(std::string schema = "public") : ToolBench("diff \"ü\" %s"), schema_(std::move(schema)) {
    const Session server(server_url(), server_url().database);
    const std::string path = "ALTER DATABASE " + server.identifier(db.name()) + " ";
    if (schema_ != "public") db.sql("CREATE SCHEMA " + schema_ + "; " + path + "SET search_path = " + schema_);
    db.sql(history_table_sql);
    add("1_init",
        "CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL);\nCREATE TABLE orders (id int PRIMARY KEY, "
        "customer int REFERENCES customer, state varchar(9) DEFAULT 'open' CHECK (state IN ('open', 'paid')));");
    add("2_index", "CREATE INDEX CONCURRENTLY orders_state ON orders (state);");
    add("3_kind", "CREATE TYPE kind AS ENUM ('a', 'c');\nALTER TABLE orders ADD kind kind DEFAULT 'a';");
    db.sql(path + "RESET search_path");
  }
  void add(const std::string& name, const std::string& script) const {
    migration(name, script);
    deploy(*this, name, schema_);
  }

 private:
  std::string schema_;
};

void check_nothing_left(const ToolBench& bench, const std::string& before) {
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.state() == before);
}

TEST_CASE("a diff of a database that is as its folder is 0, changes nothing and leaves no side database") {
  const Shop bench;
  bench.migration("4_pending", "CREATE TABLE later ();");
  const std::string before = bench.state();
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::StartsWith("Found:    database \"" + bench.db.name() + "\"\nExpected: 3 applied ") &&
                             Catch::Contains("Not replayed: 4_pending, which is pending.\n") &&
                             Catch::EndsWith("\nNo difference detected.\n"));
  const RunResult dry = diff(bench, {"--dry-run"});
  CHECK(dry.status == 0);
  CHECK_THAT(dry.out, Catch::Contains("  1_init\n  2_index\n  3_kind\n") && Catch::EndsWith("Nothing was compared.\n"));
  check_nothing_left(bench, before);
}

TEST_CASE("a diff names each object that differs and the migration that last touched it, and ends with 9") {
  const Shop bench;
  bench.db.sql(
      "ALTER TABLE customer ALTER name DROP NOT NULL; DROP INDEX orders_state; CREATE TABLE by_hand (); ALTER TYPE "
      "kind "
      "ADD VALUE 'd'; ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID; ALTER SEQUENCE "
      "customer_id_seq INCREMENT 2; GRANT CREATE ON SCHEMA public TO PUBLIC");
  const std::string before = bench.state();
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 9);
  for (const std::string block : {
           "\ntable \"public\".\"customer\" (last touched by 1_init)\n  column \"public\".\"customer\".\"name\": not "
           "null: "
           "expected yes, found none\n",
           "\ntable \"public\".\"orders\" (last touched by 3_kind)\n",
           "  constraint \"public\".\"orders\".\"positive\": not expected (CHECK ((id > 0)) NOT VALID)\n",
           "  index \"public\".\"orders\".\"orders_state\": missing (btree (state))\n",
           "\ntable \"public\".\"by_hand\" (last touched by -)\n  table \"public\".\"by_hand\": not expected\n",
           "\nenum \"public\".\"kind\" (last touched by 3_kind)\n",
           "\nsequence \"public\".\"customer_id_seq\" (last touched by 1_init)\n",
           "\nschema \"public\" (last touched by -)\n  soft: schema \"public\": privileges: ",
           "Unfinished in the database: constraint \"public\".\"orders\".\"positive\": definition: CHECK ((id > 0)) "
           "NOT "
           "VALID",
       })
    CHECK_THAT(result.out, Catch::Contains(block));
  CHECK_THAT(result.out,
             Catch::EndsWith("\n1 object differs only in what does not count (soft).\n5 objects differ.\n"));
  const Json json = Json::parse(diff(bench, {"--json"}).out);
  CHECK(json.at("equal") == false);
  CHECK(json.at("database") == bench.db.name());
  CHECK(json.at("objects").size() == 6);
  CHECK(json.at("replayed") == Json::array({"1_init", "2_index", "3_kind"}));
  check_nothing_left(bench, before);
}

TEST_CASE("maintenance, detours and a dump and restore are no drift") {
  Shop bench;
  bench.db.sql(
      "INSERT INTO orders (id) VALUES (1); ALTER TABLE orders ADD gap int DEFAULT 7; ALTER TABLE orders DROP gap; "
      "GRANT "
      "SELECT ON orders TO PUBLIC; REVOKE SELECT ON orders FROM PUBLIC; ALTER TABLE orders DROP CONSTRAINT "
      "orders_customer_fkey, ADD FOREIGN KEY (customer) REFERENCES customer; CREATE TYPE other AS ENUM ('a'); DROP "
      "TYPE "
      "other; SELECT nextval('customer_id_seq')");
  bench.db.sql("REINDEX TABLE orders");
  bench.db.sql("VACUUM (FULL, ANALYZE)");
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 0);

  const DatabaseUrl copy = bench.db.owner_url().with_database(bench.db.name() + "__copy");
  const Session server(server_url(), server_url().database);
  run_sql(bench.db.owner_url().with_database("postgres"), "CREATE DATABASE " + server.identifier(copy.database));
  const std::string file = bench.work / "dump";
  const std::string pg = pg_bin().string();
  REQUIRE(run({pg + "/pg_dump", "-Fc", "-f", file, "--dbname=" + url_text(bench.db.owner_url())}).status == 0);
  REQUIRE(run({pg + "/pg_restore", "--dbname=" + url_text(copy), file}).status == 0);
  bench.env["DATABASE_URL"] = url_text(copy);
  const RunResult restored = diff(bench);
  INFO(restored.out << restored.err);
  CHECK(restored.status == 0);
  CHECK_THAT(restored.out, Catch::EndsWith("\nNo difference detected.\n"));
}

TEST_CASE("a diff says which migrations it does without, and compares all the same") {
  const Shop bench;
  bench.add("4_gone", "CREATE TABLE gone ();");
  fs::remove_all(bench.migrations() / "4_gone");
  bench.migration("3_kind", "CREATE TYPE kind AS ENUM ('a', 'c');\nALTER TABLE orders ADD kind kind DEFAULT 'c';");
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 9);
  for (const std::string line : {"Compared without 4_gone: ", "Replayed as the file is now: 3_kind, ",
                                 "table \"public\".\"gone\": not expected", "\"kind\": default: expected 'c'"})
    CHECK_THAT(result.out, Catch::Contains(line));
}

TEST_CASE("a migration that cannot be replayed is named with file, line and error; nothing is left") {
  const Shop bench;
  bench.add("4_more", "SELECT 1;");
  bench.migration("4_more", "CREATE TABLE fine ();\nALTER TABLE no_such ADD x int;");
  const std::string before = bench.state();
  const RunResult result = diff(bench);
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK(result.out.empty());
  for (const std::string part : {"could not replay migration \"4_more\" (P3006)", "at line 2", "4_more/migration.sql",
                                 "relation \"no_such\" does not exist (SQLSTATE 42P01)", "The target was not touched."})
    CHECK_THAT(result.err, Catch::Contains(part));
  check_nothing_left(bench, before);
}

/// Starts a diff whose last migration sleeps, and waits until it does.
std::unique_ptr<Background> start_sleeping(const Shop& bench) {
  bench.migration("4_slow", "SELECT pg_sleep(60);");
  auto run =
      std::make_unique<Background>(ToolBench::argv_of("migrate-production", {"diff"}), bench.env, bench.work.path());
  const Session server(server_url(), server_url().database);
  const std::string asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname LIKE " +
                             server.literal(bench.db.name() + "\\_\\_rehearsal%");
  wait_until("the replay to sleep", [&] { return server.run(asleep).at(0) == "1"; });
  return run;
}

TEST_CASE("Ctrl-C during a replay leaves no side database; what a killed diff leaves, the next one drops") {
  const Shop bench;
  bench.add("4_slow", "SELECT 1;");
  const std::string before = bench.state();
  {
    const auto run = start_sleeping(bench);
    run->kill(SIGINT);
    const RunResult result = run->wait();
    INFO(result.err);
    CHECK(result.status == 130);
    check_nothing_left(bench, before);
  }
  {
    const auto run = start_sleeping(bench);
    const RunResult second = diff(bench);
    CHECK(second.status == 3);
    CHECK_THAT(second.err, Catch::Contains("another belay run is at work"));
    run->kill(SIGKILL);
    static_cast<void>(run->wait());
  }
  REQUIRE(bench.sides("rehearsal").size() == 1);
  CHECK(bench.marker_of(bench.sides("rehearsal").front()).at("step") == "replaying");
  bench.migration("4_slow", "SELECT 1;");
  wait_until("the next diff to get the lock", [&] { return diff(bench).status == 0; });
  check_nothing_left(bench, before);
}

TEST_CASE("a cleanup and a recovery remove what a killed diff left") {
  const Shop bench;
  bench.add("4_slow", "SELECT 1;");
  for (const bool recover : {true, false}) {
    const auto run = start_sleeping(bench);
    run->kill(SIGKILL);
    static_cast<void>(run->wait());
    REQUIRE(bench.sides("rehearsal").size() == 1);
    RunResult removed;
    wait_until("the dead run's locks to go", [&] {
      removed = recover ? bench.recover() : bench.restore({"cleanup"});
      return removed.err.find("another belay run is at work") == std::string::npos;
    });
    INFO(removed.out << removed.err);
    CHECK(removed.status == 0);
    CHECK(bench.sides("rehearsal").empty());
  }
}

TEST_CASE("a migration that changes a role is not replayed on the target's server unless the server is named") {
  Shop bench;
  const Session server(server_url(), server_url().database);
  const std::string role = server.identifier(bench.db.owner_name());
  bench.add("4_role", "SELECT 1;");
  bench.migration("4_role", "SELECT 1;\nALTER ROLE " + role + " SET work_mem = '5MB';");
  const std::string settings =
      "SELECT coalesce(rolconfig::text, 'none') FROM pg_roles WHERE rolname = " + server.literal(bench.db.owner_name());
  const RunResult refused = diff(bench);
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("4_role, line 2: ALTER ROLE") && Catch::Contains("--side-server"));
  CHECK(server.run(settings).at(0) == "none");
  CHECK(bench.db.side_databases().empty());
  bench.env["BELAY_SIDE_SERVER"] = url_text(server_url());
  const RunResult allowed = diff(bench);
  INFO(allowed.err);
  CHECK(allowed.status == 0);
  CHECK(server.run(settings).at(0) == "{work_mem=5MB}");  // why it had to be said
}

TEST_CASE("a role that may not create databases is told the two ways out, and the second one works") {
  Shop bench;
  const Session server(server_url(), server_url().database);
  bench.db.sql_as_superuser("ALTER ROLE " + server.identifier(bench.db.owner_name()) + " NOCREATEDB");
  const RunResult refused = diff(bench);
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err,
             Catch::Contains("(P3014)") && Catch::Contains(" CREATEDB;") && Catch::Contains("--side-server"));
  bench.env["SHADOW_DATABASE_URL"] = url_text(server_url());
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, !Catch::Contains("Not compared"));
}

TEST_CASE("a shadow database given by name is used where none can be created, has to be empty, and is left empty") {
  Shop bench;
  bench.add(
      "4_all_kinds",
      "CREATE SCHEMA other; CREATE TABLE other.t (a int); CREATE EXTENSION pg_trgm; CREATE DOMAIN d AS int; CREATE "
      "FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m "
      "AS SELECT 1; CREATE SEQUENCE s; CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int); CREATE TYPE pair "
      "AS (a int, b d); CREATE STATISTICS st ON id, state FROM orders; SELECT lo_create(0); CREATE COLLATION c FROM "
      "\"C\"; CREATE TEXT SEARCH CONFIGURATION ts (COPY = english);");
  const TestDatabase shadow("shadow");
  const Session server(server_url(), server_url().database);
  const std::string owner = server.identifier(bench.db.owner_name());
  shadow.sql("ALTER DATABASE " + server.identifier(shadow.name()) + " OWNER TO " + owner);
  bench.db.sql_as_superuser("ALTER ROLE " + owner + " NOCREATEDB");
  DatabaseUrl url = bench.db.owner_url();
  const std::string itself = url_text(url);
  url.database = shadow.name();
  bench.env["SHADOW_DATABASE_URL"] = url_text(url);
  const std::string empty = shadow.dump();
  bench.db.sql("DROP VIEW v");
  const RunResult found = diff(bench);
  INFO(found.out << found.err);
  CHECK(found.status == 9);
  CHECK_THAT(found.out, Catch::Contains("4_all_kinds"));
  CHECK(shadow.dump() == empty);
  CHECK(shadow.value("SELECT count(*) FROM pg_class WHERE oid >= 16384") == "0");
  shadow.sql("CREATE TABLE somebodys (a int)");
  const RunResult refused = diff(bench);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("is not empty"));
  CHECK(shadow.value("SELECT to_regclass('somebodys') IS NOT NULL") == "t");
  bench.env["SHADOW_DATABASE_URL"] = itself;
  const RunResult same = diff(bench);
  CHECK(same.status == 3);
  CHECK_THAT(same.err, Catch::Contains("is the database itself"));
  bench.db.sql_as_superuser("ALTER DATABASE " + server.identifier(shadow.name()) + " OWNER TO postgres");
}

TEST_CASE("an extension that an administrator had made is made beforehand where the side server's role may") {
  Shop bench;
  bench.db.sql_as_superuser("CREATE EXTENSION pageinspect");
  bench.add("4_extension", "CREATE EXTENSION IF NOT EXISTS pageinspect;");
  const RunResult refused = diff(bench);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("(P3006)") && Catch::Contains("SQLSTATE 42501"));
  bench.env["BELAY_SIDE_SERVER"] = url_text(server_url());
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("on a server without the owner's role, owners and privileges are not compared, which is said") {
  const OwnServer other;
  Shop bench;
  bench.env["BELAY_SIDE_SERVER"] = url_text(other.url());
  bench.db.sql("GRANT SELECT ON orders TO PUBLIC");
  const RunResult result = diff(bench);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains("Not compared: owners and privileges: the objects were made as \""));
  bench.db.sql("DROP TABLE orders");
  CHECK(diff(bench).status == 9);
  CHECK(run_sql(other.url(), "SELECT count(*) FROM pg_database WHERE datname LIKE '%rehearsal%'").at(0) == "0");
}

TEST_CASE("a diff replays into the URL's schema, and with the database's own settings") {
  Shop bench("shop");
  bench.env["DATABASE_URL"] = url_text(bench.db.owner_url(), "schema=shop");
  const RunResult equal = diff(bench);
  INFO(equal.out << equal.err);
  CHECK(equal.status == 0);
  bench.db.sql("ALTER TABLE shop.orders ADD x int");
  const RunResult differs = diff(bench);
  CHECK(differs.status == 9);
  CHECK_THAT(differs.out, Catch::Contains("table \"shop\".\"orders\" (last touched by 3_kind)"));

  const ToolBench other("diff settings");
  other.db.sql("CREATE SCHEMA app; ALTER DATABASE \"" + other.db.name() + "\" SET search_path = app, public; " +
               history_table_sql);
  other.migration("1_init", "CREATE SCHEMA IF NOT EXISTS app; CREATE TABLE t ();");
  deploy(other, "1_init");
  const RunResult result = diff(other);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
}

TEST_CASE("a diff without a history is refused beside tables, and finds nothing in an empty database") {
  ToolBench bench;
  bench.migration("1_init", "CREATE TABLE t ();");
  CHECK(diff(bench).status == 0);
  bench.db.sql("CREATE TABLE t ()");
  const RunResult refused = diff(bench);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("P3005") && Catch::Contains("baseline"));
  CHECK(diff(bench, {"--migrations", "nowhere"}).status == 2);
  DatabaseUrl nobody = bench.db.owner_url();
  bench.env["DATABASE_URL"] = url_text(nobody.with_database("not there"));
  CHECK(diff(bench).status == 3);
  nobody.hosts = {{"127.0.0.1", "1"}};
  bench.env["DATABASE_URL"] = url_text(nobody);
  CHECK(diff(bench).status == 5);
}

}  // namespace
}  // namespace belay::test
