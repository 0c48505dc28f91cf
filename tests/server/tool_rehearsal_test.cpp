// Guarded runs that are rehearsed on a restored copy first.
#include <fstream>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// A deployed table with rows, and one pending migration.
class RehearsalBench : public ToolBench {
 public:
  explicit RehearsalBench(const std::string& pending) {
    migration("20240101000000_init", "CREATE TABLE orders (id integer PRIMARY KEY, note text);");
    REQUIRE(tool("migrate-production", {"deploy"}).status == 0);
    db.sql("INSERT INTO orders SELECT i, 'note ' || i FROM generate_series(1, 200) i");
    migration("20240102000000_next", pending);
    before = state();
  }
  [[nodiscard]] RunResult guarded(Words more = {}) const {
    more.insert(more.begin(), {"--force", "--json", "--rehearse"});
    return tool("migrate-production", more);
  }
  std::string before;
};

TEST_CASE("pending migrations are rehearsed on a copy of the backup, with each statement's locks, then deployed") {
  const RehearsalBench bench{
      "ALTER TABLE orders ADD code integer;\nALTER TABLE orders ALTER id TYPE bigint;\nUPDATE orders SET code = 1;"};
  const RunResult result = bench.guarded();
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json rehearsed = Json::parse(result.out).at("rehearsal").at("migrations").at(0);
  CHECK(rehearsed.at("name") == "20240102000000_next");
  const Json statements = rehearsed.at("statements");
  REQUIRE(statements.size() == 3);
  CHECK(statements.at(0).at("locks").at(0).at("table") == "public.orders");
  CHECK(statements.at(0).at("locks").at(0).at("mode") == "ACCESS EXCLUSIVE");
  CHECK(statements.at(0).at("rewritten").empty());
  CHECK(statements.at(1).at("rewritten") == Json{"public.orders"});
  CHECK(statements.at(2).at("rows") == 200);
  CHECK(rehearsed.at("reversal") == "needs data");
  CHECK(bench.db.value("SELECT count(*) FROM orders WHERE code = 1") == "200");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a migration that fails on the real rows is stopped by its rehearsal, and the target was not touched") {
  const RehearsalBench bench{"CREATE UNIQUE INDEX ON orders ((id / 2));"};
  const RunResult result = bench.guarded();
  CHECK(result.status == 3);
  CHECK_THAT(result.err,
             Catch::Contains("failed in the rehearsal") && Catch::Contains("could not create unique index"));
  CHECK(bench.state() == bench.before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("what passes the rehearsal and fails in production is put back by swapping the spare in") {
  const RehearsalBench bench{"DROP TABLE orders;"};
  // It fails where the database has another name than the copy that it was rehearsed in.
  bench.migration("20240103000000_fails",
                  "CREATE TABLE only_there (name text CHECK (name LIKE '%rehearsal%')); INSERT INTO only_there VALUES "
                  "(current_database());");
  const std::string before = bench.state();
  const RunResult result = bench.guarded();
  INFO(result.err);
  CHECK(result.status == 6);
  const Json json = Json::parse(result.out);
  CHECK(json.at("spare") == true);
  CHECK(json.at("restored") == true);
  const Json report =
      Json::parse(std::ifstream{fs::path{json.at("report").get<std::string>()}.replace_extension("json")});
  CHECK(report.at("steps").back().at("name") == "Put back");
  CHECK(report.at("steps").back().at("state") == "done");
  CHECK_THAT(report.at("outcome").at("hint").get<std::string>(), Catch::Contains("restore-database drop"));
  CHECK_THAT(result.err, !Catch::Contains("migrate-production deploy"));
  CHECK(bench.state() == before);
  CHECK(bench.sides("failed").size() == 1);
  CHECK(bench.db.side_databases().size() == 1);
}

TEST_CASE(
    "a dry run shows statement counts, lint, the backup's place and level, and what the last rehearsal measured") {
  const RehearsalBench bench{"ALTER TABLE orders ADD code integer; SELECT pg_sleep(0.3);"};
  REQUIRE(bench.tool("migrate-production", {"rehearse", "--force"}).status == 0);
  const RunResult result = bench.tool("migrate-production", {"--dry-run", "--no-rehearse", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("statements").at("20240102000000_next") == 2);
  CHECK(json.at("backup_level") == "archive");
  CHECK(json.at("lint").is_array());
  CHECK(json.at("last_rehearsal").at("state") == "passed");
  CHECK(json.at("last_rehearsal").at("same_migrations") == true);
  CHECK(json.at("last_rehearsal").at("longest_lock_ms") > 250);
  const RunResult shown = bench.tool("migrate-production", {"--dry-run", "--no-rehearse"});
  CHECK_THAT(shown.out, Catch::Contains("2 statements") && Catch::Contains("Lint: 0 errors") &&
                            Catch::Contains("rehearsed the same migrations: passed") &&
                            Catch::Contains("migrate-production recover"));
}

TEST_CASE("looking beside a run that died half-way names recover before anything that is done by hand") {
  RehearsalBench bench{"ALTER TABLE orders ADD code integer;"};
  bench.env["BELAY_FAULT_KILL_NAME"] = "guard: deployed";
  CHECK(bench.guarded({"--no-spare"}).status != 0);
  bench.env.erase("BELAY_FAULT_KILL_NAME");
  for (const Words& words : {Words{"status"}, Words{"history"}, Words{"check", "--no-rehearse"}}) {
    const RunResult result = bench.tool("migrate-production", words);
    INFO(words.front() << result.err);
    CHECK_THAT(result.err, Catch::Contains("deploying") && Catch::Contains("migrate-production recover"));
  }
  CHECK(bench.tool("migrate-production", {"recover", "--force"}).status == 0);
  CHECK_THAT(bench.tool("migrate-production", {"status"}).err, !Catch::Contains("recover"));
}

TEST_CASE("a lock that is held for too long in the rehearsal stops the run") {
  const RehearsalBench bench{"ALTER TABLE orders ADD code integer; SELECT pg_sleep(0.3);"};
  const RunResult result = bench.guarded({"--max-lock", "100ms"});
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("longer than --max-lock 100ms"));
  CHECK(bench.state() == bench.before);
}

TEST_CASE("what reaches beyond its database is not rehearsed, and says why") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"CREATE ROLE belay_never_made;", "CREATE ROLE"},
      {"SELECT dblink_exec('dbname=postgres', 'CREATE TABLE belay_never_made ()');", "dblink_exec"},
      {"DROP SUBSCRIPTION belay_never_made;", "DROP SUBSCRIPTION"}};
  for (const auto& [sql, what] : cases) {
    CAPTURE(sql);
    RehearsalBench bench{sql};
    // The target's own server, by whatever name, is no other one.
    for (const char* side : {"", "SHADOW_DATABASE_URL", "BELAY_SIDE_SERVER"}) {
      if (*side != '\0') bench.env[side] = url_text(bench.db.url());
      const RunResult result = bench.guarded();
      INFO(side);
      CHECK(result.status == 3);
      CHECK_THAT(result.err, Catch::Contains(what) && Catch::Contains("--no-rehearse"));
      bench.env.erase(side);
    }
    CHECK(bench.db.value("SELECT count(*) FROM pg_roles WHERE rolname = 'belay_never_made'") == "0");
    CHECK(bench.state() == bench.before);
    CHECK(bench.db.side_databases().empty());
  }
}

TEST_CASE("a run that is killed while it rehearses leaves the target alone, and what it left is removed") {
  for (const char* point : {"copy: created", "guard: rehearsed"}) {
    RehearsalBench bench{"ALTER TABLE orders ADD code integer;"};
    bench.env["BELAY_FAULT_KILL_NAME"] = point;
    CHECK(bench.guarded().status != 0);
    bench.env.erase("BELAY_FAULT_KILL_NAME");
    const RunResult recovered = bench.tool("migrate-production", {"recover", "--force"});
    INFO(point << recovered.err);
    CHECK(recovered.status == 0);
    CHECK(bench.state() == bench.before);
    CHECK(bench.db.side_databases().empty());
  }
}

}  // namespace
}  // namespace belay::test
