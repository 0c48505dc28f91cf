// What restore-database finds out before it builds anything, how it builds by several jobs, what it leaves to do
// afterwards, and how a dead run's leftovers go.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

class ChecksBench : public ToolBench {
 public:
  explicit ChecksBench(Owner owner = Owner::plain, const std::string& more = {}) : ToolBench("checks", owner) {
    fill_orders(db);
    if (!more.empty()) db.sql_as_superuser(more);
    archive = take_backup();
    db.sql("DELETE FROM lines");
    before = state();
  }
  [[nodiscard]] RunResult restore_it(Words words = {}) const {
    words.insert(words.begin(), {"--backup-file", archive, "--force"});
    return restore(words);
  }
  /// Refused with these words in its message, and nothing was done.
  void check_refused(const Words& words, const std::string& says) const {
    const RunResult result = restore_it(words);
    INFO(result.err);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains(says));
    CHECK(state() == before);
    CHECK(db.side_databases().empty());
  }
  std::string archive, before;
};

TEST_CASE("an extension that this role may not create stops a restore before it begins") {
  const ChecksBench bench(Owner::plain, "CREATE EXTENSION pageinspect");
  bench.check_refused({}, "pageinspect: only a superuser may create it");
}

TEST_CASE("too little space on the server, or on the way there, is found before") {
  const ChecksBench bench;
  bench.check_refused({"--server-free", "1MB"}, "too little space on the server");
}

TEST_CASE("a side database that cannot be connected to is refused, and gone") {
  OwnServer server;
  ToolBench bench("hba", Owner::plain, server.url());
  fill_orders(bench.db);
  const std::string archive = bench.take_backup();
  const std::string before = bench.state();
  server.allow("host " + bench.db.name() + ",postgres all 127.0.0.1/32 scram-sha-256\nhost all " +
               bench.db.owner_name() + " 127.0.0.1/32 reject");
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--skip-pre-restore-backup"});
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("pg_hba.conf"));
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("one job and several restore the same, in a work folder of one's own, and leave nothing there") {
  const ChecksBench bench;
  bench.db.sql(
      "CREATE TABLE ballast AS SELECT i, md5(i::text) FROM generate_series(1, 50000) i; CREATE INDEX ON ballast (i)");
  const std::string then = bench.state();
  const std::string archive = bench.take_backup();
  fs::create_directories(bench.work / "room");
  for (const std::string jobs : {"1", "3"}) {
    CAPTURE(jobs);
    bench.db.sql("DELETE FROM ballast WHERE i % 2 = 0");
    const RunResult result = bench.restore({"--backup-file", archive, "--force", "--jobs", jobs, "--work-dir", "room",
                                            "--skip-pre-restore-backup", "--keep", "5"});
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK(bench.state() == then);
    CHECK(fs::is_empty(bench.work / "room"));
    CHECK(bench.db.value("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'ballast'") == "t");
  }
}

TEST_CASE("a work folder that cannot take the unpacked archive is an error of storage, or one job does it") {
  const ChecksBench bench;
  const RunResult result = bench.restore_it({"--jobs", "2", "--work-dir", "nowhere/at/all"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK(bench.state() == bench.before);
  CHECK(bench.db.side_databases().empty());
}

// ---- commands around a restore ----

TEST_CASE("the application is stopped before and started after, and a command that fails stops the restore untouched") {
  const ChecksBench bench;
  const std::string note = "cat >>told; echo $BELAY_HOOK $BELAY_STATUS $BELAY_DATABASE >>told";
  const RunResult refused = bench.restore_it({"--before", "echo no; exit 3", "--on-failure", note});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_FALSE(fs::exists(bench.work / "told"));
  CHECK(bench.state() == bench.before);
  const RunResult result = bench.restore_it({"--before", note, "--after", note, "--on-failure", "touch failed"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Words told = lines_of(read_text(bench.work / "told"));
  REQUIRE(told.size() == 4);
  CHECK(Json::parse(told[0]).at("hook") == "before");
  CHECK(told[1] == "before " + bench.db.name());
  CHECK(Json::parse(told[2]).at("status") == 0);
  CHECK(told[3] == "after 0 " + bench.db.name());
  CHECK_FALSE(fs::exists(bench.work / "failed"));
}

TEST_CASE("a restore that fails after the application was stopped runs the command for failures, with the status") {
  const ChecksBench bench;
  const RunResult result = bench.restore_it(
      {"--before", "true", "--on-failure", "echo $BELAY_STATUS >failed", "--jobs", "2", "--work-dir", "nowhere"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK(read_text(bench.work / "failed") == "8\n");
}

// ---- history ----

TEST_CASE("the history comes back as the backup had it, and what would stop the next deploy is settled on request") {
  ToolBench bench("history");
  deploy_first(bench);
  bench.db.sql(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, logs, started_at) VALUES ('second', 'x', "
      "'20240202000000_second', 'it broke', now())");
  bench.migration("20240202000000_second", "CREATE TABLE second ();");
  const std::string archive = bench.take_backup();
  const std::string history =
      "SELECT string_agg(migration_name || ' ' || (finished_at IS NOT NULL) || ' ' || "
      "(rolled_back_at IS NOT NULL), ', ' ORDER BY started_at) FROM _prisma_migrations";
  const std::string then = bench.db.value(history);
  bench.db.sql("DELETE FROM _prisma_migrations WHERE id = 'second'");
  REQUIRE(bench.restore({"--backup-file", archive, "--force"}).status == 0);
  CHECK(bench.db.value(history) == then);
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--resync", "--keep", "2", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out).at("history");
  CHECK(json.at("settled") == Json{"20240202000000_second"});
  CHECK(json.at("pending") == Json{"20240202000000_second"});
  CHECK(json.at("failed").empty());
  CHECK(bench.db.value("SELECT rolled_back_at IS NOT NULL FROM _prisma_migrations WHERE id = 'second'") == "t");
  const RunResult deployed = bench.migrate({"--keep", "3"});
  INFO(deployed.err);
  CHECK(deployed.status == 0);
  CHECK(bench.has("second"));
}

TEST_CASE("resync without a migrations folder is refused before anything is done") {
  const ChecksBench bench;
  const RunResult result = bench.restore_it({"--resync", "--migrations", "not/there"});
  INFO(result.err);
  CHECK(result.status == 2);
  CHECK(bench.state() == bench.before);
}

// ---- leftovers ----

TEST_CASE("what a killed restore left is said with the one command that removes it, and nothing else goes") {
  const ChecksBench bench;
  REQUIRE(bench.restore_it({"--skip-pre-restore-backup"}).status == 0);
  const Words kept = bench.sides("before");
  {
    Background run = bench.start("restore-database", {"--backup-file", bench.archive, "--force", "--keep", "2",
                                                      "--jobs", "1", "--before", "sleep 0.1"});
    wait_until("a side database", [&] { return !bench.sides("restore").empty() || !run.running(); });
    run.kill(SIGKILL);
    (void)run.wait();
  }
  if (bench.sides("restore").empty()) return;  // it had been faster: nothing is left, and nothing to remove
  const std::string state = bench.state();
  const RunResult refused = bench.restore_it({"--keep", "2"});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("restore-database cleanup"));
  const RunResult dry = bench.restore({"cleanup", "--dry-run"});
  CHECK_THAT(dry.out, Catch::Contains("Would remove"));
  CHECK_FALSE(bench.sides("restore").empty());
  const RunResult cleaned = bench.restore({"cleanup", "--json"});
  INFO(cleaned.err);
  CHECK(cleaned.status == 0);
  CHECK(Json::parse(cleaned.out).at("removed").size() == 1);
  CHECK(bench.sides("restore").empty());
  CHECK(bench.sides("before") == kept);
  CHECK(bench.state() == state);
  CHECK_THAT(bench.restore({"cleanup"}).out, Catch::Contains("Nothing of a dead run"));
}

TEST_CASE("cleanup leaves a database without marker alone if it holds something, and a deploy's rope always") {
  const ChecksBench bench;
  const Session server(bench.db.owner_url(), "postgres");
  const std::string unmarked = bench.db.name() + "__restore_20240101T000000Z-abcd";
  const std::string rope = bench.db.name() + "__spare_20240101T000000Z-abce";
  server.run("CREATE DATABASE " + server.identifier(unmarked));
  run_sql(bench.db.owner_url().with_database(unmarked), "CREATE TABLE theirs ()");
  const RunResult left = bench.restore({"cleanup"});
  INFO(left.err);
  CHECK(left.status == 0);
  CHECK_THAT(left.out, Catch::Contains("left alone"));
  CHECK(run_sql(bench.db.url().with_database(unmarked), "SELECT to_regclass('theirs') IS NOT NULL").at(0) == "t");
  server.run("CREATE DATABASE " + server.identifier(rope));
  const std::string marker = R"({"belay":1,"kind":"spare","run":"20240101T000000Z-abce","tool":"migrate-production",)"
                             R"("step":"deploying","host":"h","target":")" +
                             bench.db.name() + R"(","target_comment":null,"details":{}})";
  server.run("COMMENT ON DATABASE " + server.identifier(rope) + " IS " + server.literal(marker));
  const RunResult refused = bench.restore({"cleanup"});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("migrate-production recover"));
  CHECK(bench.sides("spare").size() == 1);
  server.run("DROP DATABASE " + server.identifier(rope));
  server.run("DROP DATABASE " + server.identifier(unmarked));
}

}  // namespace
}  // namespace belay::test
