// The rehearsal alone: on a fresh backup, on a backup file, on another server; and the application's word on the copy.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

class RehearseBench : public ToolBench {
 public:
  explicit RehearseBench(const std::string& pending, Owner owner = Owner::plain) : ToolBench("rehearse", owner) {
    deploy_first(*this);
    migration("20240102000000_next", pending);
    before = state();
  }
  [[nodiscard]] RunResult rehearse(Words more = {}) const {
    more.insert(more.begin(), {"rehearse", "--force", "--json"});
    return tool("migrate-production", more);
  }
  void check_untouched() const {
    CHECK(state() == before);
    CHECK(db.side_databases().empty());
  }
  std::string before;
};

TEST_CASE("rehearse says what is pending would do, and does nothing else") {
  const RehearseBench bench{"ALTER TABLE orders ADD code integer;"};
  const RunResult result = bench.rehearse();
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("state") == "rehearsed");
  CHECK(json.at("migrations").at(0).at("reversal") == "proven");
  CHECK(json.at("migrations").at(0).at("statements").at(0).at("locks").at(0).at("mode") == "ACCESS EXCLUSIVE");
  bench.check_untouched();
}

TEST_CASE("rehearse refuses what fails on the backup's rows") {
  const RehearseBench bench{"CREATE UNIQUE INDEX ON orders ((id / 2));"};
  const RunResult result = bench.rehearse();
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("failed in the rehearsal"));
  bench.check_untouched();
}

TEST_CASE("a backup file is rehearsed on without its database") {
  RehearseBench bench{"ALTER TABLE orders ADD code integer;"};
  const std::string archive = bench.take_backup();
  const TestDatabase elsewhere{"elsewhere", Owner::superuser};
  bench.env["DATABASE_URL"] = url_text(elsewhere.url());
  const RunResult good = bench.rehearse({"--backup-file", archive});
  INFO(good.err);
  REQUIRE(good.status == 0);
  CHECK(Json::parse(good.out).at("migrations").at(0).at("name") == "20240102000000_next");
  CHECK(elsewhere.value("SELECT count(*) FROM pg_class WHERE relname = 'orders'") == "0");
  bench.migration("20240102000000_next", "SELECT 1/0;");
  CHECK(bench.rehearse({"--backup-file", archive}).status == 3);
  bench.check_untouched();
}

TEST_CASE("the application's own command is run against the rehearsed copy, and its word counts") {
  const RehearseBench bench{"ALTER TABLE orders ADD code integer DEFAULT 7;"};
  const std::string counts = "test \"$(psql -XAt \"$DATABASE_URL\" -c 'SELECT count(code) FROM orders')\" = ";
  CHECK(bench.rehearse({"--rehearse-command", counts + "300"}).status == 0);
  const RunResult bad = bench.rehearse({"--rehearse-command", counts + "299"});
  CHECK(bad.status == 3);
  CHECK_THAT(bad.err, Catch::Contains("--rehearse-command: status 1"));
  bench.check_untouched();
}

TEST_CASE("a copy that is kept is named, and stands in nobody's way") {
  const RehearseBench bench{"ALTER TABLE orders ADD code integer;"};
  const RunResult result = bench.rehearse({"--keep-copy"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string kept = Json::parse(result.out).at("kept");
  const DatabaseUrl copy = bench.db.url().with_database(kept);
  CHECK(run_sql(copy, "SELECT count(*) FROM information_schema.columns WHERE column_name = 'code'").at(0) == "1");
  CHECK(bench.migrate().status == 0);
  CHECK(bench.recover().status == 0);
  run_sql(bench.db.url().with_database("postgres"), "DROP DATABASE \"" + kept + "\"");
}

TEST_CASE("on another server a migration is rehearsed that reaches beyond its database") {
  const OwnServer other;
  RehearseBench bench{"CREATE ROLE belay_rehearsed_there; ALTER TABLE orders ADD code integer;", Owner::superuser};
  const std::string made = "SELECT count(*) FROM pg_roles WHERE rolname = 'belay_rehearsed_there'";
  bench.env["SHADOW_DATABASE_URL"] = url_text(other.url());
  CHECK(bench.rehearse().status == 3);  // named for every run of the project, and not for this one
  CHECK(run_sql(other.url(), made).at(0) == "0");
  bench.env["BELAY_SIDE_SERVER"] = url_text(other.url());
  const RunResult result = bench.rehearse();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(run_sql(other.url(), made).at(0) == "1");
  CHECK(bench.db.value(made) == "0");
  CHECK(run_sql(other.url(), "SELECT count(*) FROM pg_database WHERE datname LIKE '%rehearsal%'").at(0) == "0");
  bench.check_untouched();
}

}  // namespace
}  // namespace belay::test
