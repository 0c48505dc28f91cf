// backup-db on real databases: what a backup holds, when it is none, and what it leaves on the disk.
#include "tests/cli/tool_bench.hpp"
#include "tests/support/small_disk.hpp"

namespace belay::test {
namespace {

/// Sends a transaction and keeps it open.
class Holder {
 public:
  Holder(const ToolBench& bench, const std::string& statement) : session_(bench.db.owner_url(), bench.db.name()) {
    session_.run("BEGIN; " + statement);
  }
  void release() const { session_.run("COMMIT"); }

 private:
  Session session_;
};

TEST_CASE("an archive comes back without belay, by exactly the command that was printed") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql(
      "CREATE SCHEMA \"Odd name\"; CREATE TABLE \"Odd name\".\"t,\" AS SELECT i, repeat('x', i) FROM "
      "generate_series(1, 50) i");
  const RunResult result = bench.backup({"--json"});
  REQUIRE(result.status == 0);
  const std::string line = Json::parse(result.out).at("restore_without_belay");
  const std::string created = "# created with: ";
  const std::size_t at = line.find(created);
  REQUIRE(at != std::string::npos);
  const Session server(bench.db.owner_url(), "postgres");
  const TestDatabase fresh("fresh");  // for its unique name: the printed one is a placeholder
  const std::string own_name = "new_" + fresh.name();
  const auto renamed = [&](std::string text) {
    for (std::size_t i = text.find("NEW_EMPTY_DATABASE"); i != std::string::npos; i = text.find("NEW_EMPTY_DATABASE"))
      text.replace(i, 18, own_name);
    return text;
  };
  server.run(renamed(line.substr(at + created.size())));
  const DatabaseUrl& url = bench.db.owner_url();
  const RunResult restored = run({"bash", "-o", "pipefail", "-c", renamed(line)},
                                 {{"PGHOST", url.hosts.at(0).name},
                                  {"PGPORT", url.hosts.at(0).port.value_or("5432")},
                                  {"PGUSER", *url.user},
                                  {"PGPASSWORD", *url.password},
                                  {"PATH", pg_bin().string() + ":" + std::string(std::getenv("PATH"))}},
                                 {.cwd = bench.work / "backups"});
  INFO(restored.err);
  CHECK(restored.status == 0);
  const std::string rows =
      "SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM orders o UNION ALL SELECT md5(string_agg(l::text, '' ORDER "
      "BY id)) "
      "FROM lines l UNION ALL SELECT md5(string_agg(t::text, '' ORDER BY i)) FROM \"Odd name\".\"t,\" t";
  DatabaseUrl inside = bench.db.url();
  inside.database = own_name;
  CHECK(run_sql(inside, rows) == bench.db.column(rows));
  server.run("DROP DATABASE " + server.identifier(own_name));
}

TEST_CASE("a database with a materialized view is backed up, and the view comes back filled") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql("CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM orders");
  const std::string archive = bench.take_backup();
  bench.db.sql("DROP MATERIALIZED VIEW totals");
  const RunResult result = bench.restore({"--backup-file", archive, "--force"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(bench.db.value("SELECT n FROM totals") == "300");
}

TEST_CASE("files of a backup are for their owner only, and so are the folders made for them") {
  const ToolBench bench;
  fill_orders(bench.db);
  const RunResult result = bench.tool("backup-db", {"--output-path", "made/for/it", "--log-file", "log"});
  REQUIRE(result.status == 0);
  int files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(bench.work / "made")) {
    CAPTURE(entry.path().string());
    CHECK(mode_of(entry.path()) == (entry.is_directory() ? 0700 : 0600));
    files += entry.is_regular_file() ? 1 : 0;
  }
  CHECK(files == 3);
  CHECK(mode_of(bench.work / "made") == 0700);
  CHECK(mode_of(bench.work / "log") == 0600);
}

TEST_CASE("backups taken in the same second have names of their own") {
  const ToolBench bench;
  fill_orders(bench.db);
  // Whether two runs fall into one second is luck, so the names that the next seconds could bring are taken beforehand.
  const auto now = std::chrono::system_clock::now();
  for (int i = 0; i < 20; ++i) {
    const std::time_t second = std::chrono::system_clock::to_time_t(now + std::chrono::seconds(i));
    std::tm utc{};
    ::gmtime_r(&second, &utc);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y%m%d_%H%M%S", &utc);
    write_text(bench.work / "backups" / ("backup_" + bench.db.name() + "_" + text.data() + ".dump.zst"), "taken");
  }
  const RunResult result = bench.backup({"--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("archive").get<std::string>().ends_with("_2.dump.zst"));
  CHECK(bench.archives().size() == 21);
}

TEST_CASE("a TRUNCATE that commits while the backup waits for a lock never makes an empty table in a good backup") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql("CREATE TABLE a_truncated AS SELECT generate_series(1, 1000) AS v; CREATE TABLE z_blocked (a integer)");
  const Holder blocked(bench, "LOCK TABLE z_blocked IN ACCESS EXCLUSIVE MODE");
  const Holder truncating(bench, "TRUNCATE a_truncated; INSERT INTO a_truncated VALUES (1)");
  Background run = bench.start("backup-db", {"--output-path", "backups", "--json"});
  const Session server(server_url(), "postgres");
  wait_until("the backup to wait for a lock", [&] {
    REQUIRE(run.running());
    return server.run(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND wait_event_type = "
               "'Lock' AND "
               "datname = " +
               server.literal(bench.db.name()))[0] == "1";
  });
  truncating.release();
  blocked.release();
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  REQUIRE(result.status == 0);
  // Every table of the backup is as of one moment: here, after the TRUNCATE.
  const Json manifest = Json::parse(read_text(bench.archives().back().string() + ".manifest.json"));
  std::map<std::string, int> rows;
  for (const Json& table : manifest.at("fingerprint").at("content").at("tables"))
    rows[table.at("name")] = table.at("rows");
  CHECK(rows.at("a_truncated") == 1);
  CHECK(rows.at("orders") == 300);
}

TEST_CASE("a TRUNCATE between the backup's locks and pg_dump's own does not stand still with everybody behind it") {
  const ToolBench bench;
  fill_orders(bench.db);
  // A pg_dump that begins a second late, so that the TRUNCATE is sure to be queued before its LOCK TABLE.
  const fs::path late = bench.work / "bin";
  write_text(late / "pg_dump",
             "#!/bin/sh\n[ \"$1\" = --version ] || sleep 1\nexec " + (pg_bin() / "pg_dump").string() + " \"$@\"\n");
  fs::permissions(late / "pg_dump", fs::perms::owner_all);
  fs::create_symlink(pg_bin() / "pg_restore", late / "pg_restore");
  Background run = bench.start("backup-db", {"--output-path", "backups", "--pg-bin", late.string()});
  const Session server(server_url(), "postgres");
  const Session client(bench.db.owner_url(), bench.db.name());
  const std::string question =
      "SELECT count(*) > 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name LIKE 'belay/%' "
      "AND l.mode = 'AccessShareLock' AND l.granted AND l.relation >= 16384 AND a.datname = " +
      server.literal(bench.db.name());
  wait_until("the tables to be locked", [&] {
    REQUIRE(run.running());
    return server.run(question)[0] == "t";
  });
  client.run("SET lock_timeout = '25s'; TRUNCATE lines, orders");
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  CHECK(result.status == 0);
}

TEST_CASE("two backups started at the same moment are two backups") {
  const ToolBench bench;
  fill_orders(bench.db);
  std::size_t good = 0;
  for (int round = 0; round < 3; ++round) {
    Background first = bench.start("backup-db", {"--output-path", "backups"});
    Background second = bench.start("backup-db", {"--output-path", "backups"});
    good += first.wait().status == 0 ? 1 : 0;
    good += second.wait().status == 0 ? 1 : 0;
  }
  CHECK(good > 3);
  CHECK(bench.archives().size() == good);
}

TEST_CASE("a lock that is not given up in time refuses the backup, says who holds it, and leaves nothing") {
  const ToolBench bench;
  fill_orders(bench.db);
  const Holder blocked(bench, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
  const RunResult result = bench.backup({"--lock-timeout", "300ms"});
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("Blocked by backend") && Catch::Contains("belay-test"));
  CHECK(fs::is_empty(bench.work / "backups"));
}

TEST_CASE("Ctrl-C during a backup ends with 130 and leaves no file") {
  const ToolBench bench;
  bench.db.sql("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 50) AS x FROM generate_series(1, 150000) i");
  Background run = bench.start("backup-db", {"--output-path", "backups"});
  wait_until("the archive to be written", [&] {
    REQUIRE(run.running());
    if (!fs::exists(bench.work / "backups")) return false;
    for (const fs::directory_entry& entry : fs::directory_iterator(bench.work / "backups"))
      if (entry.path().extension() == ".partial") return true;
    return false;
  });
  run.kill(SIGINT);
  const RunResult result = run.wait(std::chrono::seconds(30));
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(fs::is_empty(bench.work / "backups"));
}

TEST_CASE("a full disk is status 8, and nothing is left or listed") {
  const ToolBench bench;
  const SmallDisk disk(bench.work / "backups", "2m");
  if (!disk.mounted()) {
    WARN("skipped: this user may not mount a file system");
    return;
  }
  bench.db.sql("CREATE TABLE t AS SELECT i, sha512(i::text::bytea) AS x FROM generate_series(1, 60000) i");
  const std::string before = bench.state();
  const RunResult result = bench.backup();
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK(fs::is_empty(bench.work / "backups"));
  CHECK(bench.state() == before);
}

TEST_CASE("a disk that is full before a guarded run stops it before the deploy") {
  const ToolBench bench;
  deploy_first(bench);
  const SmallDisk disk(bench.work / "full", "2m");
  if (!disk.mounted()) {
    WARN("skipped: this user may not mount a file system");
    return;
  }
  bench.db.sql("CREATE TABLE t AS SELECT i, sha512(i::text::bytea) AS x FROM generate_series(1, 60000) i");
  bench.migration("20240102000000_next", "DROP TABLE orders;");
  const std::string before = bench.state();
  const RunResult result = bench.migrate({"--backup-path", "full"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.archives("full").empty());
}

TEST_CASE("what a killed backup left is no backup, and the next one removes it") {
  const ToolBench bench;
  bench.db.sql("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 50) AS x FROM generate_series(1, 50000) i");
  ToolBench killed;
  std::map<std::string, std::string> env = bench.env;
  env["BELAY_FAULT_KILL_NAME"] = "file rename";
  CHECK(run(ToolBench::argv_of("backup-db", {"--output-path", "backups"}), env, {.cwd = bench.work.path()}).signal ==
        SIGKILL);
  CHECK_FALSE(fs::is_empty(bench.work / "backups"));
  wait_until("the dead run's lock to go", [&] { return bench.backup({"--json"}).status == 0; });
  CHECK(bench.archives().size() == 1);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(bench.work / "backups")) ++files;
  CHECK(files == 3);
}

TEST_CASE("a backup changes nothing in the database and leaves no session behind") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string before = bench.state();
  (void)bench.take_backup();
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.db.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = "
                       "current_database()") == "0");
}

}  // namespace
}  // namespace belay::test
