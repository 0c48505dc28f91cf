// backup-db before it locks anything: what this role may not read, and whether the server's lock table takes the dump.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// The statements of the last message, as they are printed.
std::string statements_in(const std::string& err) {
  std::string sql;
  for (const std::string& line : lines_of(err)) {
    if (line.starts_with("  GRANT ") || line.starts_with("  ALTER ROLE ")) sql += line + "\n";
  }
  return sql;
}

std::map<std::string, int> rows_in_backup(const ToolBench& bench) {
  const Json manifest = Json::parse(read_text(bench.archives().back().string() + ".manifest.json"));
  std::map<std::string, int> rows;
  for (const Json& table : manifest.at("fingerprint").at("content").at("tables"))
    rows[table.at("name")] = table.at("rows");
  return rows;
}

/// A database whose owner may not read everything in it.
class HiddenBench : public ToolBench {
 public:
  HiddenBench() {
    fill_orders(db);
    db.sql_as_superuser(R"sql(
CREATE SCHEMA "Hidden ""place"; CREATE TABLE "Hidden ""place".seen (a integer); INSERT INTO "Hidden ""place".seen VALUES (1);
GRANT SELECT ON "Hidden ""place".seen TO PUBLIC;
CREATE TABLE closed (a integer); INSERT INTO closed VALUES (1), (2);
CREATE TABLE measured (a integer) PARTITION BY RANGE (a);
CREATE TABLE "measured, 1" PARTITION OF measured FOR VALUES FROM (0) TO (10); INSERT INTO measured VALUES (1), (2), (3);
GRANT SELECT ON measured TO PUBLIC;
CREATE TABLE by_column (a integer); GRANT SELECT (a) ON by_column TO PUBLIC;
CREATE SEQUENCE counter; GRANT USAGE ON counter TO PUBLIC;
CREATE TABLE tenants (a integer); INSERT INTO tenants VALUES (1), (2); GRANT SELECT ON tenants TO PUBLIC;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON tenants USING (a = 1);
SELECT lo_from_bytea(4000000001, 'secret');
CREATE VIEW a_view AS SELECT * FROM closed; CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM closed;
CREATE FUNCTION a_function() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION a_function() FROM PUBLIC;)sql");
  }
};

TEST_CASE("a role that may not read everything is told all of it at once, and the printed statements are enough") {
  const HiddenBench bench;
  const std::string before = bench.state();
  const RunResult refused = bench.backup();
  INFO(refused.err);
  CHECK(refused.status == 3);
  for (const char* missing :
       {"USAGE on schema \"Hidden \"\"place\"\n", "SELECT on table \"public\".\"closed\"\n",
        "SELECT on table \"public\".\"measured, 1\"\n", "SELECT on table \"public\".\"by_column\"\n",
        "SELECT on sequence \"public\".\"counter\"\n", "all rows of table \"public\".\"tenants\"",
        "SELECT on large object 4000000001\n", "GRANT pg_read_all_data TO"})
    CHECK_THAT(refused.err, Catch::Contains(missing));
  // What pg_dump reads from the catalogs only is nobody's secret.
  for (const char* readable : {"\"measured\"\n", "a_view", "a_matview", "a_function", "orders", "\"seen\""})
    CHECK_THAT(refused.err, !Catch::Contains(readable));
  CHECK(bench.archives().empty());
  CHECK(bench.state() == before);

  bench.db.sql_as_superuser(statements_in(refused.err));
  const RunResult good = bench.backup();
  INFO(good.err);
  REQUIRE(good.status == 0);
  const std::map<std::string, int> rows = rows_in_backup(bench);
  CHECK(rows.at("seen") == 1);
  CHECK(rows.at("closed") == 2);
  CHECK(rows.at("measured, 1") == 3);
  CHECK(rows.at("tenants") == 2);
}

TEST_CASE("a dry run refuses what the run would refuse, and reads no more") {
  const HiddenBench bench;
  const RunResult refused = bench.backup({"--dry-run"});
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("SELECT on table \"public\".\"closed\""));
  CHECK_FALSE(fs::exists(bench.work / "backups"));
}

TEST_CASE("a backup of the definitions alone needs no right to rows, sequences and large objects") {
  const HiddenBench bench;
  const RunResult refused = bench.backup({"--schema-only"});
  CHECK(refused.status == 3);
  for (const char* needless : {"counter", "tenants", "4000000001"}) CHECK_THAT(refused.err, !Catch::Contains(needless));
  bench.db.sql_as_superuser(statements_in(refused.err));
  const RunResult good = bench.backup({"--schema-only"});
  INFO(good.err);
  CHECK(good.status == 0);
}

TEST_CASE("row-level security that is forced on the owner refuses the owner's backup, and BYPASSRLS lifts it") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY");
  CHECK(bench.backup().status == 0);  // an owner is above it
  bench.db.sql("ALTER TABLE orders FORCE ROW LEVEL SECURITY");
  const RunResult refused = bench.backup();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("all rows of table \"public\".\"orders\"") && Catch::Contains("(FORCE)"));
  bench.db.sql_as_superuser(statements_in(refused.err));
  const RunResult good = bench.backup();
  INFO(good.err);
  CHECK(good.status == 0);
  CHECK(rows_in_backup(bench).at("orders") == 300);
}

TEST_CASE("of very many missing rights so many are named, and the number of the others") {
  const ToolBench bench;
  bench.db.sql_as_superuser(
      "DO $$ BEGIN FOR i IN 1..130 LOOP EXECUTE format('CREATE TABLE t%s ()', i); END LOOP; END $$");
  const RunResult refused = bench.backup();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("and 80 more"));
  bench.db.sql_as_superuser("GRANT pg_read_all_data TO " + bench.db.owner_name());
  const RunResult good = bench.backup();
  INFO(good.err);
  CHECK(good.status == 0);
  CHECK(rows_in_backup(bench).size() == 130);
}

TEST_CASE("tables that an extension keeps to itself stop no backup, and those that hold its configuration do") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql_as_superuser(
      "CREATE EXTENSION hstore; CREATE SCHEMA inner_works; CREATE TABLE inner_works.own (a integer); INSERT INTO "
      "inner_works.own VALUES (1); ALTER EXTENSION hstore ADD SCHEMA inner_works; ALTER EXTENSION hstore ADD TABLE "
      "inner_works.own");
  const RunResult good = bench.backup();
  INFO(good.err);
  CHECK(good.status == 0);
  CHECK_THAT(good.out, Catch::Contains("inner_works.own"));  // as not included
  bench.db.sql_as_superuser(
      "UPDATE pg_extension SET extconfig = ARRAY['inner_works.own'::regclass::oid], extcondition = ARRAY[''] WHERE "
      "extname = 'hstore'");
  const RunResult refused = bench.backup();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("SELECT on table \"inner_works\".\"own\""));
}

TEST_CASE("a guarded run whose role may not read everything ends before it changes anything") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "DROP TABLE orders;");
  bench.db.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY");
  const std::string before = bench.state();
  const RunResult refused = bench.migrate();
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("all rows of table \"public\".\"orders\""));
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a dump that would run the server's lock table full is refused with the setting that is needed") {
  const OwnServer server({{"max_connections", "20"}, {"max_locks_per_transaction", "10"}});
  const ToolBench bench("locks", Owner::plain, server.url());
  for (int part = 0; part < 10; ++part)  // each in a transaction of its own, which has to fit as well
    bench.db.sql("DO $$ BEGIN FOR i IN 1..90 LOOP EXECUTE format('CREATE TABLE t" + std::to_string(part) +
                 "_%s ()', i); END LOOP; END $$");
  const RunResult refused = bench.backup();
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("900 tables") && Catch::Contains("max_locks_per_transaction (now 10) to 64"));
  CHECK(bench.archives().empty());
}

}  // namespace
}  // namespace belay::test
