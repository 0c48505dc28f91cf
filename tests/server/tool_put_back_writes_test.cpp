// Putting a database back while others write to it: nothing that they wrote is taken away unsaid.
#include "tests/server/writing_clients.hpp"

namespace belay::test {
namespace {

/// Commits, and fails after that.
constexpr const char* half_done = "CREATE TABLE half (); COMMIT; SELECT 1/0;";

class BusyBench : public ToolBench {
 public:
  explicit BusyBench(const std::string& pending) {
    deploy_first(*this);
    db.sql("CREATE TABLE written (id integer)");
    migration("20240102000000_bad", pending);
  }
};

/// What the result says of rows of `written`: those that the last count showed, and those that came after it.
std::int64_t announced(const Json& result) {
  std::int64_t sum = 0;
  for (const Json& line : result.at("lost")) {
    const std::string text = line;
    const std::size_t at = text.find("written\": ");
    const bool counts = text.starts_with("since the backup") || text.starts_with("right before");
    if (!counts || at == std::string::npos) continue;
    const std::size_t number = text.find_first_of("0123456789", at);  // "about" stands before it where it may be less
    sum += std::stoll(text.substr(number));
  }
  return sum;
}

void put_back_under_a_writer(int runs) {
  for (int i = 0; i < runs; ++i) {
    CAPTURE(i);
    const BusyBench bench{half_done};
    Clients clients(bench.db.owner_url(), 1, Clients::Session::as_long_as_it_lasts, std::chrono::milliseconds(1));
    const RunResult result = bench.migrate({"--json", "--on-lost-writes", "restore"});
    clients.stop();
    INFO(result.err << result.out);
    REQUIRE(result.status == 6);
    const Json json = Json::parse(result.out);
    const std::string kept = json.at("kept");
    // What the backup had is in both.
    const std::multiset<std::string> here = written_rows(bench.db, bench.db.name());
    const std::multiset<std::string> there = written_rows(bench.db, kept);
    for (const Written& one : clients.written())
      CHECK(here.count(std::to_string(one.id)) + there.count(std::to_string(one.id)) >= 1);
    std::int64_t only_there = 0;
    for (const std::string& id : there) only_there += here.count(id) == 0 ? 1 : 0;
    CHECK(announced(json) == only_there);
  }
}

TEST_CASE("what a writer writes until a put-back's swap is announced, to the row") { put_back_under_a_writer(2); }
TEST_CASE("in fifty put-backs nothing that is written until the swap goes unannounced", "[long]") {
  put_back_under_a_writer(50);
}

TEST_CASE("others' rows in a table that the run rewrote are told apart from its own, and stop a put-back") {
  const BusyBench bench{"ALTER TABLE orders ADD made uuid DEFAULT gen_random_uuid();"};
  bench.migration("20240103000000_waits", "CREATE TABLE half (); COMMIT; SELECT pg_sleep(1.5); SELECT 1/0;");
  const RunResult stopped = guarded_beside(bench, {"--no-rehearse", "--force"},
                                           "INSERT INTO orders (id, note) VALUES (9001, 'theirs'), (9002, 'theirs')");
  INFO(stopped.err);
  CHECK(stopped.status == 7);
  CHECK_THAT(stopped.err, Catch::Contains("orders\": 2 rows new or changed, 0 rows deleted"));
  CHECK(bench.db.value("SELECT count(*) FROM orders WHERE note = 'theirs'") == "2");
  CHECK(bench.recover({"--on-lost-writes", "restore"}).status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("a table that the run dropped while others were at work stops a put-back, for nobody knows what it held") {
  const BusyBench bench{"DROP TABLE written;"};
  bench.migration("20240103000000_waits", "CREATE TABLE half (); COMMIT; SELECT pg_sleep(1.5); SELECT 1/0;");
  const RunResult stopped = guarded_beside(bench, {"--no-rehearse", "--force"}, "SELECT 1");
  INFO(stopped.err);
  CHECK(stopped.status == 7);
  CHECK_THAT(stopped.err, Catch::Contains("written\": dropped or renamed"));
}

/// Rehearsed, its first migration committed, its second one sleeping in a transaction of its own, then failing.
RunResult fail_late_beside(const ToolBench& bench, const std::string& others_sql) {
  bench.migration("20240103000000_fails_there",
                  "CREATE TABLE only_there (name text CHECK (name LIKE '%rehearsal%')); SELECT pg_sleep(CASE WHEN "
                  "current_database() LIKE '%rehearsal%' THEN 0 ELSE 1.5 END); INSERT INTO only_there VALUES "
                  "(current_database());");
  return guarded_beside(bench, {"--rehearse", "--force", "--json"}, others_sql);
}

TEST_CASE("a busy database is put back by the proven reversal of what was committed, and keeps the others' rows") {
  const BusyBench bench{
      "ALTER TABLE orders ADD made integer DEFAULT 7; CREATE TABLE fresh (id integer); INSERT INTO fresh VALUES (1);"};
  const std::string before = bench.db.dump({"--schema-only"});
  const RunResult result = fail_late_beside(bench, "INSERT INTO orders (id, note) VALUES (9001, 'theirs')");
  INFO(result.err);
  CHECK(result.status == 6);
  const Json json = Json::parse(result.out);
  CHECK(json.at("way") == "reversals");
  CHECK(json.at("kept").is_null());
  CHECK(bench.db.value("SELECT count(*) FROM orders WHERE note = 'theirs'") == "1");
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "301");
  CHECK(bench.db.dump({"--schema-only"}) == before);
  CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations") == "1");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("what others wrote into a column that a reversal would drop stops it") {
  const BusyBench bench{"ALTER TABLE orders ADD made integer DEFAULT 7;"};
  const RunResult result = fail_late_beside(bench, "INSERT INTO orders (id, made) VALUES (9001, 8)");
  INFO(result.err);
  CHECK(result.status == 7);
  CHECK_THAT(result.err, Catch::Contains("since, which it would discard: 1 rows"));
  CHECK(bench.db.value("SELECT made FROM orders WHERE id = 9001") == "8");
}

TEST_CASE("a migration that changes rows is not taken back by its reversal: the spare comes in") {
  const BusyBench bench{"ALTER TABLE orders ADD made integer; UPDATE orders SET note = 'changed';"};
  const std::string before = bench.state();
  const RunResult result = fail_late_beside(bench, "SELECT 1");
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK(Json::parse(result.out).at("way") == "spare");
  CHECK(bench.state() == before);
}

}  // namespace
}  // namespace belay::test
