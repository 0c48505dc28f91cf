// Reversals that cannot be one transaction.
#include "tests/server/reversal_bench.hpp"

namespace belay::test {
namespace {

/// A migration whose down.sql drops its index without blocking anybody.
class StepsBench : public ReversalBench {
 public:
  explicit StepsBench(const std::string& between = "") : before(schema()), rows_before(rows()) {
    deploy(name, "CREATE INDEX by_note ON orders (note);\nALTER TABLE users ADD slug text;");
    write_text(migrations() / name / "down.sql",
               "DROP INDEX CONCURRENTLY by_note;\n" + between + "ALTER TABLE users DROP slug;");
  }
  [[nodiscard]] bool has_journal() const {
    return db.value("SELECT obj_description('_prisma_migrations'::regclass) IS NOT NULL") == "t";
  }
  static constexpr const char* name = "20240102000000_index";
  std::string before, rows_before;
};

constexpr const char* stops_at_bad_rows =
    "DO $$ BEGIN IF EXISTS (SELECT FROM orders WHERE note = 'bad') THEN RAISE 'bad rows'; END IF; END $$;\n";

TEST_CASE("a reversal with CONCURRENTLY is run statement by statement, and the history is written with the last") {
  const StepsBench bench;
  require_ok(bench.take_back("index"));
  CHECK(bench.schema() == bench.before);
  CHECK(bench.rows() == bench.rows_before);
  CHECK(bench.row_state(StepsBench::name) == "t,f");
  CHECK_FALSE(bench.has_journal());
}

TEST_CASE("a reversal that stopped half-way says so, lets nobody deploy, and is gone on with") {
  const StepsBench bench{stops_at_bad_rows};
  bench.db.sql("UPDATE orders SET note = 'bad' WHERE id = 1");
  const RunResult stopped = bench.take_back("index");
  CHECK(stopped.status == 7);
  CHECK_THAT(stopped.err, Catch::Contains("bad rows") && Catch::Contains("1 of 3 statements are done"));
  CHECK(bench.row_state(StepsBench::name) == "t,t");
  bench.migration("20240103000000_next", "SELECT 1;");
  const RunResult deploy = bench.tool("migrate-production", {"deploy"});
  CHECK(deploy.status == 3);
  CHECK_THAT(deploy.err, Catch::Contains("of its reversal 1 of 3 statements are done"));
  bench.db.sql("UPDATE orders SET note = 'good' WHERE id = 1");
  require_ok(bench.take_back("index"));
  CHECK(bench.schema() == bench.before);
  CHECK(bench.row_state(StepsBench::name) == "t,f");
  CHECK_FALSE(bench.has_journal());
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a reversal of which nothing was committed leaves the migration applied") {
  const StepsBench bench;
  bench.db.sql("UPDATE orders SET note = 'bad' WHERE id = 1");
  write_text(bench.migrations() / StepsBench::name / "down.sql",
             std::string{stops_at_bad_rows} + "DROP INDEX CONCURRENTLY by_note;\nALTER TABLE users DROP slug;");
  const std::string before = bench.state();
  CHECK(bench.take_back("index").status == 6);
  CHECK(bench.state() == before);
  CHECK_FALSE(bench.has_journal());
}

/// Killed once the reversal was begun: the history says failed, and the next call ends it.
void check_goes_on_after(std::map<std::string, std::string> how) {
  StepsBench bench;
  const std::string first_line = bench.row_state(StepsBench::name);
  bench.env.merge(how);
  const RunResult killed = bench.take_back("index");
  for (const char* variable : {"BELAY_FAULT_KILL_NAME", "BELAY_FAULT_KILL_AT"}) bench.env.erase(variable);
  INFO(killed.err);
  CHECK(killed.status != 0);
  CHECK(first_line == "f,t");
  if (bench.row_state(StepsBench::name) == "t,t") CHECK(bench.has_journal());
  if (bench.row_state(StepsBench::name) != "t,f") require_ok(bench.take_back("index"));
  CHECK(bench.schema() == bench.before);
  CHECK(bench.rows() == bench.rows_before);
  CHECK(bench.row_state(StepsBench::name) == "t,f");
  CHECK_FALSE(bench.has_journal());
  require_ok(bench.restore({"cleanup"}));
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a reversal that runs statement by statement is killed, and gone on with") {
  check_goes_on_after({{"BELAY_FAULT_KILL_NAME", "undo steps: begun"}});
  check_goes_on_after({{"BELAY_FAULT_KILL_NAME", "undo steps: before COMMIT"}});
}

TEST_CASE("a reversal that runs statement by statement is killed at every step", "[long]") {
  StepsBench traced;
  const fs::path file = traced.work / "trace";
  traced.env["BELAY_FAULT_TRACE"] = file.string();
  require_ok(traced.take_back("index"));
  bool begun = false;
  for (const std::string& line : lines_of(read_text(file))) {
    begun = begun || line.ends_with("undo steps: begun");
    if (begun) check_goes_on_after({{"BELAY_FAULT_KILL_AT", line.substr(0, line.find(' '))}});
  }
  CHECK(begun);
}

}  // namespace
}  // namespace belay::test
