// What a dead run had started, and what it had half written, does no harm after it.
#include <csignal>
#include <thread>

#include "tests/fault/help_desk.hpp"
#include "tests/fault/ways.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {

/// It has not connected yet when belay dies, so ending its sessions is not enough.
TEST_CASE("a deploy command that outlives its run changes nothing after recover") {
  Bench bench{Owner::plain};
  const std::filesystem::path begun = bench.work("begun"), recovered_mark = bench.work("recovered");
  std::vector<std::string> argv = bench.guarded(bench.folder("good", {add_flag()}));
  argv.insert(argv.end(), {"--spare", "--deploy-command",
                           "touch '" + begun.string() + "'; while [ ! -e '" + recovered_mark.string() +
                               "' ]; do sleep 0.05; done; " + (pg_bin() / "psql").string() +
                               " -Xq \"$DATABASE_URL\" -c 'CREATE TABLE late (a integer)'"});
  const Reference reference{.before = bench.look(), .before_dump = bench.dump(), .after = {}, .after_dump = {}};
  Background run{argv, bench.environment(), bench.work("")};
  while (run.running() && !std::filesystem::exists(begun)) std::this_thread::sleep_for(std::chrono::milliseconds{2});
  run.kill(SIGKILL);
  (void)run.wait();
  const RunResult recovered = bench.recover();
  write_text(recovered_mark, "");
  std::this_thread::sleep_for(std::chrono::milliseconds{1000});
  CHECK(bench.column("SELECT to_regclass('late') IS NULL").at(0) == "t");
  CHECK(judge(bench, reference, recovered, bench.guarded(bench.folder("good", {add_flag()}))).problems == "");
}

TEST_CASE("a half list that a killed run left does not keep the brake from working") {
  Bench bench{Owner::plain};
  const std::vector<std::string> argv = bench.guarded(bench.folder("failing", {add_flag(), drop_photo_then_fail()}));
  std::filesystem::create_directories(bench.backups() / "runs");
  write_text(bench.backups() / "runs/put_back.json.partial", "{\"for");
  CHECK(bench.run_tool(argv).status == 6);
  CHECK(bench.half_reports() == "");
  const RunResult again = bench.run_tool(argv);
  INFO(shown(again));
  CHECK(again.status == 3);
}

/// It had read what the database is like while the first one's setting stood there.
TEST_CASE("a run that waited for a read-only one leaves the database writable") {
  Bench bench{Owner::plain};
  const Picture before = bench.look();
  const std::filesystem::path begun = bench.work("begun"), go_on = bench.work("go on");
  std::vector<std::string> first = bench.guarded(bench.folder("first", {create_then_fail()}));
  first.insert(first.end(),
               {"--read-only", "--before-migration",
                "touch '" + begun.string() + "'; while [ ! -e '" + go_on.string() + "' ]; do sleep 0.05; done"});
  std::vector<std::string> second = bench.guarded(bench.folder("second", {own_commit_then_fail()}));
  second.insert(second.end(), {"--read-only", "--wait-for-lock", "60s"});
  Background one{first, bench.environment(), bench.work("")};
  while (one.running() && !std::filesystem::exists(begun)) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  Background other{second, bench.environment(), bench.work("")};
  // It says so once it has read what the database is like.
  while (other.running() && read_text(other.err_file()).find("is read-only for its") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  write_text(go_on, "");
  CHECK(one.wait().status == 6);
  const RunResult result = other.wait();
  INFO(shown(result));
  CHECK(result.status == 6);
  CHECK(bench.compare(before, Sequences::may_be_ahead) == "");
  CHECK(bench.leftovers() == "");
}

}  // namespace belay::test
