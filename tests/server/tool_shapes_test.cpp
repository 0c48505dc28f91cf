// Databases and clocks of odd shapes, from one end of backup-db to the other.
#include "tests/support/kept_bench.hpp"

namespace belay::test {
namespace {

// ---- clocks ----

constexpr long year = 365L * 86400;

std::map<std::string, std::string> with_clock(long shift) {
  return {{"LD_PRELOAD", BELAY_OTHER_CLOCK},
          {"ASAN_OPTIONS", "verify_asan_link_order=0"},
          {"BELAY_CLOCK_SHIFT", std::to_string(shift)}};
}

TEST_CASE("with this host's clock a year off, a backup has the server's time, removes nothing, and is found by it") {
  KeptBench bench("clock");
  const fs::path kept = bench.keep();
  const Manifest first = read_manifest_of(kept);
  std::size_t more = 0;
  for (const long shift : {year, -year}) {
    CAPTURE(shift);
    const RunResult result =
        bench.backup_with({"--verify", "restore", "--retention-days", "1", "--json"}, with_clock(shift));
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK_THAT(result.err, Catch::Contains("no older backup was removed"));
    const Manifest taken = read_manifest_of(bench.work / Json::parse(result.out).at("archive").get<std::string>());
    CHECK(taken.created_at > first.created_at);
    CHECK(taken.created_at - first.created_at < std::chrono::minutes(10));
    CHECK(bench.judge({.more = ++more, .next_works = false}) == "");
  }
  // By the right clock they are what they are, in the order in which they were taken.
  const RunResult list = bench.tool("backup-db", {"list", "--output-path", "backups", "--json"});
  const Json listed = Json::parse(list.out).at("backups");
  REQUIRE(listed.size() == 3);
  for (const Json& backup : listed) CHECK(std::abs(backup.at("age_seconds").get<long>()) < 600);
  const RunResult prune =
      bench.tool("backup-db", {"prune", "--output-path", "backups", "--retention-days", "1", "--force"});
  CHECK(prune.status == 0);
  CHECK(bench.judge({.more = more}) == "");
}

// ---- shapes ----

struct Shape {
  std::string what, sql;
  std::size_t tables;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {"nothing", "SELECT 1", 0},
      {"not even a schema", "DROP SCHEMA public", 0},
      {"schemas without tables", "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TYPE a.t AS ENUM (); CREATE SEQUENCE b.s",
       0},
      {"no columns and no rows",
       "CREATE TABLE a (); CREATE TABLE b (); INSERT INTO b DEFAULT VALUES; INSERT INTO b DEFAULT VALUES", 2},
      {"only dropped columns", "CREATE TABLE a (x text); INSERT INTO a VALUES ('gone'); ALTER TABLE a DROP COLUMN x",
       1},
      {"1600 columns",
       "DO $$ BEGIN EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg(format('c%s integer', i), ', ') FROM "
       "generate_series(1, 1600) i) || ')'; END $$; INSERT INTO wide (c1, c800, c1600) VALUES (1, 2, 3); INSERT INTO "
       "wide DEFAULT VALUES",
       1},
      {"partitions of partitions, five deep",
       "CREATE TABLE p (a integer, b text) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) "
       "TO (100) PARTITION BY LIST (b); CREATE TABLE p2 PARTITION OF p1 DEFAULT PARTITION BY HASH (a); CREATE TABLE p3 "
       "PARTITION OF p2 FOR VALUES WITH (MODULUS 1, REMAINDER 0) PARTITION BY RANGE (a); CREATE TABLE p4 PARTITION OF "
       "p3 FOR VALUES FROM (MINVALUE) TO (50) PARTITION BY RANGE (a); CREATE TABLE p5 PARTITION OF p4 DEFAULT; CREATE "
       "TABLE p6 PARTITION OF p3 FOR VALUES FROM (50) TO (MAXVALUE); INSERT INTO p SELECT i, i::text FROM "
       "generate_series(0, 99) i",
       2}};
  return all;
}

void check_shape(const Shape& shape, const Words& form) {
  CAPTURE(shape.what, form.size());
  const ToolBench bench("shape");
  bench.db.sql_as_superuser("ALTER SCHEMA public OWNER TO \"" + bench.db.owner_name() + "\"");
  bench.db.sql(shape.sql);
  Words words{"--verify", "restore", "--json"};
  words.insert(words.end(), form.begin(), form.end());
  const RunResult result = bench.backup(words);
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("proof").at("passed") == true);
  CHECK(json.at("tables") == shape.tables);
  const std::string archive = json.at("archive");
  CHECK(bench.tool("backup-db", {"verify", archive}).status == 0);
  CHECK(bench.tool("backup-db", {"diff", archive, archive}).status == 0);
  CHECK(not_whole(bench.work / "backups") == "");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a database of any shape is backed up and proven") {
  for (const Shape& shape : shapes()) check_shape(shape, {});
}
TEST_CASE("a database of any shape is backed up and proven in plain form", "[long]") {
  for (const Shape& shape : shapes()) check_shape(shape, {"--format", "plain", "--compress", "gzip"});
}

// ---- sizes ----

/// The mebibytes that the program had in memory at most come into `peak`.
RunResult measured(const ToolBench& bench, Words words, long& peak) {
  words.insert(words.begin(), program("backup-db"));
  words.insert(words.begin(), {"/usr/bin/time", "-f", "%M", "-o", (bench.work / "peak").string()});
  RunResult result = run(words, bench.env, {.cwd = bench.work.path(), .timeout = std::chrono::seconds(1200)});
  peak = std::stol(lines_of(read_text(bench.work / "peak")).back()) / 1024;
  return result;
}

TEST_CASE("a field of almost a gigabyte is backed up and proven, with memory for the largest row", "[long]") {
  const ToolBench bench("field");
  bench.db.sql(
      "CREATE TABLE large (id integer, t text); INSERT INTO large VALUES (1, 'small'), (2, "
      "repeat('0123456789', 100000000)), (3, 'small')");
  long peak = 0;
  const RunResult taken = measured(bench, {"--output-path", "backups"}, peak);
  INFO(taken.err);
  REQUIRE(taken.status == 0);
  CHECK(peak < 1500);
  const RunResult proven = measured(bench, {"verify", bench.archives().back().string(), "--verify", "restore"}, peak);
  INFO(proven.err << proven.out);
  CHECK(proven.status == 0);
  CHECK(peak < 3500);
}

TEST_CASE("a hundred thousand large objects are backed up and proven in little memory", "[long]") {
  const ToolBench bench("objects");
  for (int part = 0; part < 10; ++part)
    bench.db.sql("SELECT count(lo_from_bytea(0, decode(md5(i::text), 'hex'))) FROM generate_series(1, 10000) i");
  long peak = 0;
  const RunResult taken = measured(bench, {"--output-path", "backups", "--verify", "restore", "--json"}, peak);
  INFO(taken.err);
  REQUIRE(taken.status == 0);
  CHECK(Json::parse(taken.out).at("proof").at("passed") == true);
  CHECK(peak < 200);
}

}  // namespace
}  // namespace belay::test
