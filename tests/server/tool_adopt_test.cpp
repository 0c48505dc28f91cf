// Dumps that belay did not write: proven by a trial restore, then backups like any other.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// Runs a shell line in the work folder, with the programs of this server's version on PATH and $URL as the owner.
void shell(const ToolBench& bench, const std::string& line) {
  fs::create_directories(bench.work / "old");
  const RunResult result =
      run({"bash", "-o", "pipefail", "-c", line},
          {{"URL", url_text(bench.db.owner_url())}, {"PATH", pg_bin().string() + ":" + std::getenv("PATH")}},
          {.cwd = bench.work / "old"});
  INFO(line << "\n" << result.err);
  REQUIRE(result.status == 0);
}

Json adopted_of(const ToolBench& bench) {
  return Json::parse(bench.tool("backup-db", {"list", "--output-path", "old", "--json"}).out).at("backups");
}

struct Old {
  std::string file, made_by;
  bool rows_readable;
};

TEST_CASE("a dump of the old scripts is adopted, verified, listed and restored like a backup") {
  const Old old = GENERATE(Old{"app.sql", "pg_dump $URL >app.sql", true},
                           Old{"backup_app_20240101.sql.gz", "pg_dump $URL | gzip >backup_app_20240101.sql.gz", true},
                           Old{"app.zst", "pg_dump -C $URL | zstd -q >app.zst", true},
                           Old{"app.custom", "pg_dump -Fc -f app.custom $URL", false},
                           Old{"no-suffix", "pg_dump -Fc -Z0 -f no-suffix $URL", true},
                           Old{"inserts.sql", "pg_dump --inserts $URL >inserts.sql", false});
  CAPTURE(old.file);
  const ToolBench bench;
  fill_orders(bench.db);
  shell(bench, old.made_by);
  const std::string file = "old/" + old.file;
  const std::string bytes = read_text(bench.work / file);
  const std::string state = bench.state();
  const RunResult adopted = bench.tool("backup-db", {"adopt", file});
  INFO(adopted.out << adopted.err);
  REQUIRE(adopted.status == 0);
  CHECK(read_text(bench.work / file) == bytes);
  CHECK(bench.db.side_databases().empty());
  const Json manifest = Json::parse(read_text(bench.work / (file + ".manifest.json")));
  CHECK(manifest.at("adopted") == true);
  CHECK(manifest.at("archive").value("rows_readable", true) == old.rows_readable);
  REQUIRE(adopted_of(bench).size() == 1);
  CHECK(adopted_of(bench)[0].at("level") == "restore");
  CHECK(adopted_of(bench)[0].at("rows") == 600);

  const RunResult verified = bench.tool("backup-db", {"verify", file, "--verify", "restore"});
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
  bench.db.sql("DROP TABLE lines; DELETE FROM orders WHERE id > 5");
  const RunResult restored = bench.restore({"--backup-file", file, "--force"});
  INFO(restored.err);
  CHECK(restored.status == 0);
  CHECK(bench.state() == state);
}

TEST_CASE("a dump with a change in one row after its adoption is damaged, and says so") {
  const ToolBench bench;
  fill_orders(bench.db);
  shell(bench, "pg_dump -Fc -f app.custom $URL");
  REQUIRE(bench.tool("backup-db", {"adopt", "old/app.custom"}).status == 0);
  std::string bytes = read_text(bench.work / "old/app.custom");
  bytes[bytes.size() / 2] ^= 1;
  write_text(bench.work / "old/app.custom", bytes);
  CHECK(bench.tool("backup-db", {"verify", "old/app.custom"}).status == 9);
  CHECK(bench.restore({"--backup-file", "old/app.custom", "--force"}).status == 8);
}

TEST_CASE("what cannot be restored is not adopted, and nothing is left of the try") {
  const auto [made_by, says] = GENERATE(table<std::string, std::string>(
      {{"echo 'hello world' >app.sql", "is no dump"},
       {"pg_dump $URL >x && head -c 9000 x >app.sql", "ends"},
       {"pg_dump $URL | grep -v 'dump complete' >app.sql", "ends too early"},
       {"pg_dump -Fc $URL >x && head -c 3000 x >app.sql", ""},
       {"{ pg_dump $URL; echo '\\! touch owned'; } >app.sql", "\\!"},
       {"pg_dump $URL | sed 's|^-- PostgreSQL database dump complete|SELECT 1/0;\\n&|' >app.sql", "division by zero"},
       {"{ pg_dump $URL; echo 'COPY orders FROM PROGRAM $$touch owned$$;'; } >app.sql", "COPY"},
       {"mkdir app.sql && pg_dump -Fd -f app.sql/d $URL && mv app.sql/d x && rmdir app.sql && mv x app.sql",
        "directory"}}));
  CAPTURE(made_by);
  const ToolBench bench;
  fill_orders(bench.db);
  shell(bench, made_by);
  const std::string before = bench.state();
  const RunResult adopted = bench.tool("backup-db", {"adopt", "old/app.sql"});
  INFO(adopted.out << adopted.err);
  CHECK(adopted.status != 0);
  CHECK(adopted.status != 1);
  CHECK(adopted.status != 7);
  CHECK_THAT(adopted.err, Catch::Contains(says));
  CHECK_FALSE(fs::exists(bench.work / "old/app.sql.manifest.json"));
  CHECK_FALSE(fs::exists(bench.work / "old/owned"));
  CHECK_FALSE(fs::exists(bench.work / "owned"));
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.state() == before);
  CHECK(adopted_of(bench).empty());
}

void kill_adoption(const std::string& point) {
  CAPTURE(point);
  const ToolBench bench;
  fill_orders(bench.db);
  shell(bench, "pg_dump $URL | gzip >backup_app_20240101_000000.sql.gz");
  const std::string file = "old/backup_app_20240101_000000.sql.gz";
  const std::string bytes = read_text(bench.work / file);
  std::map<std::string, std::string> env = bench.env;
  env["BELAY_FAULT_KILL_NAME"] = point;
  CHECK(run(ToolBench::argv_of("backup-db", {"adopt", file}), env, {.cwd = bench.work.path()}).signal == SIGKILL);
  CHECK(adopted_of(bench).empty());
  wait_until("the dead run's lock to go", [&] { return bench.tool("backup-db", {"adopt", file}).status == 0; });
  CHECK(read_text(bench.work / file) == bytes);
  CHECK(adopted_of(bench).size() == 1);
  CHECK(bench.db.side_databases().empty());
  // Nor does the cleaning up before a backup into the same folder touch it.
  CHECK(bench.tool("backup-db", {"--output-path", "old"}).status == 0);
  CHECK(read_text(bench.work / file) == bytes);
}

TEST_CASE("an adoption that was killed leaves the dump alone, and a second one succeeds") {
  kill_adoption("side database loaded");
  kill_adoption("file renamed");
}
TEST_CASE("an adoption that was killed at its other steps leaves the dump alone", "[long]") {
  kill_adoption("file rename");
  kill_adoption("file synced");
}

}  // namespace
}  // namespace belay::test
