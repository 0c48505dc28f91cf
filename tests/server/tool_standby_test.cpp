// The four tools on a hot standby: backup-db works there, the others are for the primary.
#include "tests/cli/tool_bench.hpp"
#include "tests/support/standby.hpp"

namespace belay::test {
namespace {

/// A bench whose tools go to the standby, while its database is changed on the primary.
class StandbyBench : public ToolBench {
 public:
  explicit StandbyBench(const std::string& settings = {}) : StandbyBench(std::make_unique<OwnServer>(), settings) {}

  void go_to_standby() {
    standby->catch_up();
    env["DATABASE_URL"] = url_text(standby->here(db.owner_url()));
  }
  /// pg_dump begins only after `command`, which may use $psql.
  [[nodiscard]] Words pg_dump_after(const std::string& command) const {
    const fs::path bin = work / "bin";
    write_text(bin / "pg_dump",
               "#!/bin/sh\nif [ \"$1\" != --version ] && ! [ -e \"$0.ran\" ]; then\n: >\"$0.ran\"\npsql='" +
                   (pg_bin() / "psql").string() + " -XAtq'\n" + command + "\nfi\nexec " +
                   (pg_bin() / "pg_dump").string() + " \"$@\"\n");
    fs::permissions(bin / "pg_dump", fs::perms::owner_all);
    if (!fs::exists(bin / "pg_restore")) fs::create_symlink(pg_bin() / "pg_restore", bin / "pg_restore");
    return {"--pg-bin", bin.string()};
  }
  [[nodiscard]] Json manifest() const { return Json::parse(read_text(archives().back().string() + ".manifest.json")); }
  [[nodiscard]] std::map<std::string, int> rows() const {
    std::map<std::string, int> counts;
    const Json whole = manifest();
    for (const Json& table : whole.at("fingerprint").at("content").at("tables"))
      counts[table.at("name")] = table.at("rows");
    return counts;
  }

 private:
  StandbyBench(std::unique_ptr<OwnServer> server, const std::string& settings)
      : ToolBench("standby", Owner::plain, server->url()),
        primary(std::move(server)),
        standby(std::make_unique<Standby>(*primary, settings)) {}

 public:
  std::unique_ptr<OwnServer> primary;
  std::unique_ptr<Standby> standby;
};

TEST_CASE("a backup of a standby holds what was replayed there, says what a standby does not have, and is proven") {
  StandbyBench bench;
  fill_orders(bench.db);
  bench.db.sql(
      "CREATE UNLOGGED TABLE passing (id serial PRIMARY KEY, v integer); INSERT INTO passing (v) VALUES (1), (2); "
      "CREATE "
      "TABLE many AS SELECT generate_series(1, 5000) AS i; CREATE VIEW v AS SELECT * FROM many; SELECT "
      "lo_from_bytea(0, "
      "'large'); UPDATE orders SET note = 'x'");
  // A run that is at work on the primary: its marker is replicated, its lock is not.
  const std::string side = bench.db.name() + "__restore_20260101T000000Z-abcd";
  bench.db.sql("CREATE DATABASE \"" + side + "\"");
  bench.db.sql("COMMENT ON DATABASE \"" + side +
               "\" IS '{\"belay\":1,\"kind\":\"restore\",\"run\":\"20260101T000000Z-abcd\"," +
               "\"tool\":\"migrate-production\",\"step\":\"deploying\",\"host\":\"h\",\"target\":\"" + bench.db.name() +
               "\",\"target_comment\":null,\"details\":{}}'");
  bench.go_to_standby();
  const RunResult result = bench.backup();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, !Catch::Contains("warning") && !Catch::Contains("did not end in order"));
  CHECK_THAT(result.err, Catch::Contains("standby") && Catch::Contains(side));
  const std::map<std::string, int> rows = bench.rows();
  CHECK(rows.at("orders") == 300);
  CHECK(rows.at("many") == 5000);
  CHECK_FALSE(rows.contains("passing"));
  const Json manifest = bench.manifest();
  CHECK(manifest.at("snapshot").at("counters").empty());
  for (const std::string name : {"passing", "passing_id_seq"}) {
    const std::string sentence = "unlogged relation \"public\".\"" + name + "\": a standby does not have its content";
    CHECK_THAT(manifest.at("not_included").dump(), Catch::Contains(Json(sentence).dump()));
    CHECK_THAT(manifest.at("fingerprint").at("content").at("skipped").dump(), Catch::Contains(Json(sentence).dump()));
    CHECK_THAT(result.out, Catch::Contains(sentence));
  }
  // Put back on the primary, it is equal in everything that a standby knows.
  bench.env["DATABASE_URL"] = url_text(bench.db.owner_url());
  bench.db.sql("DROP DATABASE \"" + side + "\"");
  bench.db.sql("DELETE FROM lines; DELETE FROM orders");
  const RunResult restored = bench.restore({"--backup-file", bench.archives().back().string(), "--force"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM orders WHERE note = 'x'") == "300");
  CHECK(bench.db.value("SELECT count(*) FROM passing") == "0");
}

TEST_CASE("tools that change a database are refused on a standby with one sentence, before anything") {
  StandbyBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "DROP TABLE orders;");
  const std::string archive = bench.take_backup();
  const std::string before = bench.state();
  bench.go_to_standby();
  const std::vector<RunResult> refused{
      bench.migrate({"--backup-path", "other"}), bench.restore({"--backup-file", archive, "--force"}),
      bench.rollback({"--migration-name", "20240101000000_init", "--restore-backup", archive, "--force"}),
      bench.recover()};
  for (const RunResult& result : refused) {
    INFO(result.err);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains("the server is a hot standby"));
  }
  CHECK_FALSE(fs::exists(bench.work / "other"));
  CHECK(bench.archives().size() == 1);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a backup that a standby cancels for its primary's sake says so, with the settings that let it through") {
  StandbyBench bench("max_standby_streaming_delay = 100ms\n");
  fill_orders(bench.db);
  bench.go_to_standby();
  const std::string primary = url_text(bench.db.owner_url());
  // The backup holds ACCESS SHARE on the standby; the primary does not know, and its TRUNCATE is to be replayed.
  const RunResult result =
      bench.backup(bench.pg_dump_after("$psql '" + primary + "' -c 'TRUNCATE lines, orders'; sleep 1"));
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK_THAT(result.err, Catch::Contains("conflict with recovery") && Catch::Contains("max_standby_streaming_delay") &&
                             Catch::Contains("hot_standby_feedback"));
  CHECK(fs::is_empty(bench.work / "backups"));
  bench.standby->catch_up();
  REQUIRE(bench.backup().status == 0);
  CHECK(bench.rows().at("orders") == 0);
}

TEST_CASE("a standby that is promoted while it is dumped gives a backup of one state, or none") {
  StandbyBench bench;
  fill_orders(bench.db);
  bench.db.sql("CREATE UNLOGGED TABLE passing (v integer); INSERT INTO passing VALUES (1)");
  bench.go_to_standby();
  const RunResult result = bench.backup(bench.pg_dump_after(
      "$psql '" + url_text(bench.standby->url()) + "' -c 'SELECT pg_promote()' >/dev/null\n$psql '" +
      url_text(bench.standby->here(bench.db.owner_url())) +
      "' -c \"INSERT INTO orders VALUES (1000, 'late'); INSERT INTO passing VALUES (7), (8)\""));
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("the standby became a primary") && Catch::Contains("begins anew"));
  CHECK(bench.rows().at("orders") == 301);
  CHECK(bench.rows().at("passing") == 2);
  CHECK_FALSE(bench.manifest().at("snapshot").at("counters").empty());
}

}  // namespace
}  // namespace belay::test
