// `migrate-production lint` from outside: what it reads, what it prints, how it ends, and that it changes nothing.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

class LintBench : public ToolBench {
 public:
  LintBench() : ToolBench("lint") { deploy_first(*this); }
  [[nodiscard]] RunResult lint(Words words = {}) const {
    words.insert(words.begin(), "lint");
    return tool("migrate-production", words);
  }
  [[nodiscard]] Json findings(Words words = {}) const {
    words.emplace_back("--json");
    return Json::parse(lint(words).out).at("findings");
  }
};

TEST_CASE("pending migrations are linted against the live tables, and a finding that is an error ends with 9") {
  const LintBench bench;
  bench.migration("20240102000000_drop_note",
                  "ALTER TABLE orders ALTER COLUMN id TYPE bigint;\n\nALTER TABLE orders DROP "
                  "COLUMN note;\n");
  const std::string before = bench.state();
  const auto files = files_below(bench.work.path());
  const RunResult result = bench.lint();
  INFO(result.err);
  CHECK(result.status == 9);
  CHECK_THAT(result.out,
             Catch::Contains("prisma/migrations/20240102000000_drop_note/migration.sql:3: error: drops column "
                             "note of public.orders (") &&
                 Catch::Contains(" [ban-drop-column]\n    hint: ") &&
                 Catch::Contains("/migration.sql:1: note: writes the whole table anew for column id") &&
                 Catch::Contains("in 1 migration; judged by the tables of database"));
  CHECK(bench.lint({"--fail-on", "warning"}).status == 9);
  CHECK(bench.state() == before);
  CHECK(files_below(bench.work.path()) == files);
}

TEST_CASE("what is applied is not linted again, but with --all the folder is, by the tables' present sizes") {
  const LintBench bench;
  CHECK(bench.findings() == Json::array());
  CHECK(bench.lint().status == 0);
  bench.migration("20240102000000_drop_orders", "DROP TABLE orders;");
  const Json found = bench.findings({"--all"});
  REQUIRE_FALSE(found.empty());
  CHECK(found.at(0).at("rule") == "ban-drop-table");
  CHECK_THAT(found.at(0).at("message").get<std::string>(), Catch::Contains("public.orders (about 300 rows") ||
                                                               Catch::Contains("public.orders (24") ||
                                                               Catch::Contains("KiB)"));
}

TEST_CASE("without a database every table is taken to be filled, and that is said") {
  LintBench bench;
  bench.migration("20240102000000_drop_orders", "DROP TABLE orders;");
  bench.env["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nowhere";
  CHECK(bench.lint().status == 5);
  const RunResult result = bench.lint({"--offline"});
  CHECK(result.status == 9);
  CHECK_THAT(result.out, Catch::Contains("drops table public.orders (taken to be filled) [ban-drop-table]") &&
                             Catch::Contains("in 2 migrations; without a database: every table is taken to be filled"));
}

TEST_CASE("an allowed finding does not fail, and its reason is in text, JSON and SARIF") {
  const LintBench bench;
  bench.migration("20240102000000_drop_orders",
                  "-- belay:allow ban-drop-table, no-way-back: read by nobody since March\nDROP TABLE orders;");
  const RunResult result = bench.lint({"--fail-on", "warning", "--sarif", "lint.sarif"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains(":2: allowed: drops table ") &&
                             Catch::Contains("    reason: read by nobody since March\n") &&
                             Catch::Contains("0 errors, 0 warnings, 0 notes, 2 allowed in 1 migration"));
  CHECK(bench.findings().at(0).at("allowed") == "read by nobody since March");
  const Json sarif = Json::parse(read_text(bench.work / "lint.sarif"));
  const Json first = sarif.at("runs").at(0).at("results").at(0);
  CHECK(first.at("locations").at(0).at("physicalLocation").at("artifactLocation").at("uri") ==
        "prisma/migrations/20240102000000_drop_orders/migration.sql");
  CHECK(first.at("suppressions").at(0).at("kind") == "inSource");
}

TEST_CASE("a role that may only read can lint, and is told what it may not do") {
  LintBench bench;
  bench.migration("20240102000000_more_orders",
                  "ALTER TABLE orders ADD COLUMN more text;\nCREATE TABLE extra (id integer);");
  const Session server(bench.db.url(), bench.db.name());
  server.run(
      "ALTER TABLE orders OWNER TO postgres; GRANT SELECT ON orders TO PUBLIC; REVOKE CREATE ON SCHEMA public FROM "
      "PUBLIC; ALTER SCHEMA public OWNER TO postgres;");
  const Json found = bench.findings();
  REQUIRE(found.size() == 2);
  for (const Json& finding : found) CHECK(finding.at("rule") == "missing-permission");
  CHECK_THAT(found.at(0).at("message").get<std::string>(), Catch::Contains("public.orders belongs to postgres"));
}

TEST_CASE("the URL's schema is where names are looked for") {
  LintBench bench;
  bench.db.sql("CREATE SCHEMA app; CREATE TABLE app.orders (id integer);");
  bench.env["DATABASE_URL"] = url_text(bench.db.owner_url(), "schema=app");
  bench.migration("20240102000000_drop_orders", "DROP TABLE orders;");
  const Json found = bench.findings();
  const auto dropped = std::find_if(found.begin(), found.end(),
                                    [](const Json& finding) { return finding.at("rule") == "ban-drop-table"; });
  REQUIRE(dropped != found.end());
  CHECK_THAT(dropped->at("message").get<std::string>(), Catch::Contains("app.orders (empty)"));
}

TEST_CASE("lint's own options are refused where they mean nothing") {
  const LintBench bench;
  CHECK(bench.lint({"--all", "--offline"}).status == 2);
  CHECK(bench.lint({"--fail-on", "note"}).status == 2);
  CHECK(bench.lint({"--name-pattern", "("}).status == 2);
  CHECK(bench.tool("migrate-production", {"status", "--offline"}).status == 2);
}

}  // namespace
}  // namespace belay::test
