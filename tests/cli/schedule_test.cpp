// The cron line and the systemd unit of docs/examples, run as they stand, with only the paths of this test put in.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

fs::path example(const std::string& name) {
  return (fs::path{BELAY_TEST_DATA} / ".." / ".." / "docs" / "examples" / name).lexically_normal();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string after(const std::string& text, const std::string& beginning) {
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with(beginning)) return line.substr(beginning.size());
  }
  FAIL("no line begins with " << beginning);
  return {};
}

/// The example's own file with this bench's URL in it.
fs::path url_file(const ToolBench& bench) {
  const fs::path file = bench.work / "app.env";
  const std::string text = read_text(example("app.env"));
  const std::string example_url = after(text, "DATABASE_URL=");
  write_text(file, replaced(text, example_url, "'" + bench.env.at("DATABASE_URL") + "'"));
  return file;
}

void check_proven_backup(const ToolBench& bench, const RunResult& result) {
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  const RunResult list = bench.tool("backup-db", {"list", "--output-path", "backups", "--json"});
  const Json backups = Json::parse(list.out).at("backups");
  REQUIRE(backups.size() == 1);
  CHECK(backups[0].at("level") == "restore");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("the cron example's line takes a proven backup in cron's own environment, and writes nothing") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string crontab = read_text(example("belay-backup.cron"));
  std::string line = after(crontab, "17 2 * * * belay ");
  line = replaced(line, "/etc/belay/app.env", url_file(bench).string());
  line = replaced(line, "/var/backups/app", (bench.work / "backups").string());
  // What cron gives: SHELL and PATH as the file says, HOME, LOGNAME, and nothing else.
  const std::string path = fs::path{program("backup-db")}.parent_path().string() + ":" + after(crontab, "PATH=");
  const RunResult result = run(
      {"env", "-i", "SHELL=/bin/sh", "PATH=" + path, "HOME=/", "LOGNAME=belay", after(crontab, "SHELL="), "-c", line},
      {}, {.cwd = "/"});
  check_proven_backup(bench, result);
  CHECK(result.out.empty());
  CHECK(result.err.empty());
}

TEST_CASE("the systemd example's command takes a proven backup") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string unit = read_text(example("belay-backup.service"));
  std::string line = after(unit, "ExecStart=");
  line = replaced(line, "/usr/local/bin/", fs::path{program("backup-db")}.parent_path().string() + "/");
  line = replaced(line, "/var/backups/app", (bench.work / "backups").string());
  // Its lines are systemd's, which the shell reads in the same way here: no variable, no quoting but the URL's.
  const RunResult result = run({"env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", "/bin/sh", "-c",
                                "set -a; . " + url_file(bench).string() + "; exec " + line},
                               {}, {.cwd = "/"});
  check_proven_backup(bench, result);
}

TEST_CASE("systemd accepts the example's units") {
  if (!fs::exists("/usr/bin/systemd-analyze")) {
    WARN("skipped: there is no systemd-analyze here");
    return;
  }
  const ScratchFolder folder;
  const std::string unit = read_text(example("belay-backup.service"));
  write_text(folder / "belay-backup.service",
             replaced(replaced(unit, "/usr/local/bin/backup-db", program("backup-db")), "User=belay", "User=root"));
  write_text(folder / "belay-backup.timer", read_text(example("belay-backup.timer")));
  const RunResult result = run({"systemd-analyze", "verify", (folder / "belay-backup.timer").string()});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, !Catch::Contains("belay-backup"));
}

}  // namespace
}  // namespace belay::test
