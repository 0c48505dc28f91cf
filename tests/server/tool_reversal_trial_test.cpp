// A reversal tried on real rows before it is run.
#include "tests/server/reversal_bench.hpp"

namespace belay::test {
namespace {

TEST_CASE("a reversal is tried on a copy of the backup that has the present history, with its locks and times") {
  const ReversalBench bench;
  bench.deploy("20240102000000_code", "ALTER TABLE orders ADD code integer; UPDATE orders SET code = id;");
  const RunResult none = bench.rollback({"--migration-name", "code", "--dry-run", "--json", "--prove", "data"});
  CHECK(none.status == 3);
  (void)bench.take_backup();
  const RunResult plan = bench.rollback({"--migration-name", "code", "--dry-run", "--json", "--prove", "data"});
  require_ok(plan);
  const Json json = Json::parse(plan.out);
  CHECK(json.at("data_trial").at("proven") == true);
  CHECK(json.at("data_trial").at("rows") == 102);  // and two of the history
  const Json locks = json.at("measured").at(0).at("locks");
  REQUIRE(locks.size() == 1);
  CHECK(locks.at(0).at("table") == "public.orders");
  CHECK(locks.at(0).at("mode") == "ACCESS EXCLUSIVE");
  const RunResult without = bench.rollback({"--migration-name", "code", "--dry-run", "--json", "--prove", "schema"});
  require_ok(without);
  CHECK(Json::parse(without.out).at("data_trial").is_null());
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE(
    "rows that do not let a reversal run, and values that it loses, are found on the copy and not on the target") {
  const ReversalBench bench;
  bench.deploy("20240102000000_code", "ALTER TABLE orders ADD code integer;");
  const fs::path down = bench.migrations() / "20240102000000_code/down.sql";
  write_text(down,
             "DO $$ BEGIN IF EXISTS (SELECT FROM orders) THEN RAISE 'there are rows'; END IF; END $$;"
             "ALTER TABLE orders DROP code;");
  const std::string before = bench.state();
  const RunResult fails = bench.take_back("code", {"--keep-folder", "--prove", "data"});
  CHECK(fails.status == 3);
  CHECK_THAT(fails.err, Catch::Contains("there are rows"));
  write_text(down,
             "CREATE FUNCTION pg_temp.cut() RETURNS void LANGUAGE sql AS 'UPDATE orders SET note = NULL';"
             "SELECT pg_temp.cut(); ALTER TABLE orders DROP code;");
  const RunResult cuts = bench.take_back("code", {"--keep-folder", "--prove", "data"});
  INFO(cuts.err << cuts.out);
  CHECK((cuts.status == 3 || Json::parse(cuts.out).at("data_trial").at("changed").size() == 1));
  CHECK(bench.db.side_databases().empty());
  if (cuts.status == 3) CHECK(bench.state() == before);
}

}  // namespace
}  // namespace belay::test
