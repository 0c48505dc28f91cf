// When a guarded run may begin: its window, and the points of the checklist that only people can answer.
#include "migrate/window.hpp"
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// Hours from now, in UTC.
std::string window_around_now(const TestDatabase& db, int from, int to) {
  return db.value("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '" + std::to_string(from) +
                  " h', 'HH24:MI') || '-' || to_char(now() AT TIME ZONE 'UTC' + interval '" + std::to_string(to) +
                  " h', 'HH24:MI') || '[UTC]'");
}

TEST_CASE("outside its window a run is refused before its backup, inside it runs") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  const std::string closed = window_around_now(bench.db, 2, 3);
  const RunResult refused = bench.migrate({"--window", closed});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("fail  window") && Catch::Contains(closed + " is not open: it is "));
  CHECK(bench.archives("backups/pre-migration").empty());
  CHECK(bench.migrate({"--window", closed, "--dry-run"}).status == 0);
  CHECK(bench.migrate({"--window", "2-4"}).status == 2);
  CHECK(!bench.has("good"));
  CHECK(bench.migrate({"--window", window_around_now(bench.db, -2, 2)}).status == 0);
  CHECK(bench.has("good"));
}

TEST_CASE("a deploy that would not end inside the window is none, by the window's own clock") {
  const TestDatabase database{"window"};
  Connection db = database.connect();
  const TimePoint now = parse_iso_utc("2026-07-01T00:30:00Z");
  CHECK(outside_window("02:00-04:00 Europe/Berlin", std::chrono::minutes{80}, now, db) == "");
  CHECK(outside_window("02:00-04:00 Europe/Berlin", std::chrono::minutes{100}, now, db) ==
        "it is 02:30 there, and what was rehearsed took 6000 s: it would not end inside");
  CHECK(outside_window("02:00-04:00 UTC", {}, now, db) == "it is 00:30 there");
  CHECK(outside_window(std::nullopt, {}, now, db) == "");
  CHECK_THROWS_WITH(outside_window("02:00-04:00 Nowhere/Land", {}, now, db), Catch::Contains("Nowhere/Land"));
}

TEST_CASE("what only people can tell stops a run until somebody says that it is done, and the report says who") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_good", "CREATE TABLE good ();");
  write_text(bench.work / "belay.toml", "[checklist]\nmaintenance = \"The shop is in maintenance mode\"\n");
  bench.env["BELAY_CONFIG"] = (bench.work / "belay.toml").string();
  const RunResult check = bench.tool("migrate-production", {"check", "--no-rehearse"});
  CHECK(check.status == 0);
  CHECK_THAT(check.out, Catch::Contains("open: maintenance: The shop is in maintenance mode"));
  const RunResult refused = bench.migrate();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("fail  checklist") && Catch::Contains("--checklist-done NAME"));
  CHECK(bench.tool("migrate-production", {"rehearse", "--force"}).status == 0);
  CHECK(bench.migrate({"--checklist-done", "maintenence"}).status == 2);
  CHECK(!bench.has("good"));
  const RunResult done = bench.migrate({"--checklist-done", "maintenance", "--json"});
  INFO(done.err);
  REQUIRE(done.status == 0);
  const fs::path page = Json::parse(done.out).at("report").get<std::string>();
  const Json report = Json::parse(read_text(page.parent_path() / "report.json"));
  CHECK(report.at("confirmed").at(0).at("item") == "maintenance");
  CHECK_THAT(report.at("confirmed").at(0).at("by").get<std::string>(), Catch::EndsWith(", --checklist-done"));
}

}  // namespace
}  // namespace belay::test
