// The cases of docs/disaster-recovery.md on real databases, with a look at every row afterwards.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

class DisasterBench : public ToolBench {
 public:
  DisasterBench() : ToolBench("disaster") { deploy_first(*this); }
  [[nodiscard]] std::string ids(const std::string& condition = "true") const {
    return db.value("SELECT count(*) || ' ' || coalesce(sum(id), 0) FROM orders WHERE " + condition);
  }
  [[nodiscard]] std::string in(const std::string& database, const std::string& query) const {
    return run_sql(db.url().with_database(database), query).at(0);
  }
};

TEST_CASE("a dropped table comes back from a copy beside, and what was written elsewhere since stays") {
  const DisasterBench bench;
  bench.db.sql("CREATE TABLE notes (id integer)");
  const std::string then = bench.ids();
  const std::string archive = bench.take_backup();
  bench.db.sql("INSERT INTO notes VALUES (7); DROP TABLE orders");
  const std::string copy = bench.db.name() + "_copy";
  const RunResult result = bench.restore({"--backup-file", archive, "--to", copy});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const RunResult moved = run(
      {"bash", "-c", "pg_dump --table=orders \"$FROM\" | psql -qX -v ON_ERROR_STOP=1 \"$DATABASE_URL\""},
      {{"FROM", url_text(bench.db.owner_url().with_database(copy))}, {"DATABASE_URL", bench.env.at("DATABASE_URL")}});
  INFO(moved.err);
  CHECK(moved.status == 0);
  CHECK(bench.ids() == then);
  CHECK(bench.db.value("SELECT id FROM notes") == "7");
  const Session server(bench.db.owner_url(), "postgres");
  server.run("DROP DATABASE " + server.identifier(copy));
}

TEST_CASE("a bad deploy that is noticed an hour later goes back, and the hour's rows are in the kept database") {
  const DisasterBench bench;
  bench.migration("20240202000000_bad", "ALTER TABLE orders ADD COLUMN bad text; UPDATE orders SET note = NULL;");
  const RunResult deployed = bench.migrate({"--backup-path", "deploys"});
  INFO(deployed.err);
  REQUIRE(deployed.status == 0);
  bench.db.sql("INSERT INTO orders (id, note) SELECT i, 'an hour later' FROM generate_series(1001, 1020) i");
  const RunResult back = bench.rollback(
      {"--migration-name", "20240202000000_bad", "--restore-backup", "--backup-path", "deploys", "--force"});
  INFO(back.err);
  REQUIRE(back.status == 0);
  CHECK(bench.ids() == "300 45150");
  CHECK(bench.ids("note = md5(id::text)") == "300 45150");
  CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations") == "1");
  CHECK_THAT(back.err, Catch::Contains("orders"));
  const std::string kept = bench.sides("before").at(0);
  CHECK(bench.in(kept, "SELECT count(*) FROM orders WHERE note = 'an hour later'") == "20");
  REQUIRE(bench.restore({"undo", "--force"}).status == 0);
  CHECK(bench.ids("note = 'an hour later'") == "20 20210");
}

TEST_CASE("a damaged backup changes nothing, and another copy of it brings everything back") {
  const DisasterBench bench;
  const std::string then = bench.state();
  const std::string archive = bench.take_backup({"--copy-to", ":local:" + (bench.work / "offsite").string()});
  bench.db.sql("DELETE FROM orders");
  const std::string emptied = bench.state();
  std::string bytes = read_text(archive);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  write_text(archive, bytes);
  const RunResult refused = bench.restore({"--backup-file", archive, "--force"});
  INFO(refused.err);
  CHECK(refused.status == 8);
  CHECK(bench.state() == emptied);
  const RunResult result = bench.restore({"--from", ":local:" + (bench.work / "offsite").string(), "--backup-file",
                                          fs::path(archive).filename().string(), "--force"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.state() == then);
}

}  // namespace
}  // namespace belay::test
