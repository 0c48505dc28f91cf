// kill -9 of backup-db at its fault points: the backups there were are untouched, what is listed is whole, and the next
// run goes through and leaves nothing behind.
#include "backup/verify.hpp"
#include "tests/fault/sweep.hpp"
#include "tests/server/catalogue_support.hpp"
#include "tests/support/kept_bench.hpp"

namespace belay::test {
namespace {

/// A folder with a fresh backup, one that is 40 days old and a dump that is not belay's, as at the start of each round.
class SweepBench : public KeptBench {
 public:
  SweepBench() : KeptBench("sweep") {
    fs::create_directories(folder());
    const RunResult dumped = run({(pg_bin() / "pg_dump").string(), "--dbname=" + url_text(db.url()),
                                  "--file=" + (folder() / "foreign.sql").string()});
    REQUIRE(dumped.status == 0);
    fresh_ = keep();
    (void)aged_copy(fresh_, 40 * day);
    fs::copy(folder(), work / "pristine", fs::copy_options::recursive);
    renew();
  }
  void renew() const {
    for (const char* name : {"backups", "there", "fetched"}) fs::remove_all(work / name);
    fs::copy(work / "pristine", folder(), fs::copy_options::recursive);
  }
  [[nodiscard]] const std::string& fresh() const { return fresh_; }
  [[nodiscard]] RunResult run_verb(const Words& words, const std::map<std::string, std::string>& more) const {
    std::map<std::string, std::string> all = env;
    for (const auto& [name, value] : more) all[name] = value;
    return run(argv_of("backup-db", words), all, {.cwd = work.path()});
  }

 private:
  std::string fresh_;
};

std::vector<Point> points_of(const SweepBench& bench, const Words& words) {
  const fs::path trace = bench.work / "trace";
  fs::remove(trace);
  const RunResult result = bench.run_verb(words, {{"BELAY_FAULT_TRACE", trace.string()}});
  INFO(shown(result));
  REQUIRE(result.status == 0);
  return read_trace(trace);
}

/// Kills the command at `count` of its points, each on fresh folders.
void sweep(const SweepBench& bench, const Words& words, int count, const Words& always = {}) {
  bench.renew();
  const std::vector<Point> all = points_of(bench, words);
  REQUIRE(!all.empty());
  for (const Point& point : choose(all, count, always)) {
    bench.renew();
    const RunResult killed = bench.run_verb(words, {{"BELAY_FAULT_KILL_AT", std::to_string(point.number)}});
    INFO("killed at point " << point.number << " of " << all.size() << ", " << point.name << ", seed " << seed());
    CHECK(killed.signal == SIGKILL);
    CHECK(not_whole(bench.work / "there") == "");
    const std::size_t listed = list_backups(bench.folder()).size();
    CHECK(bench.judge({.more = listed - 1, .swept = false, .verified = true}) == "");
  }
}

Words full_run(const SweepBench& bench) {
  return {"--output-path",
          "backups",
          "--verify",
          "restore",
          "--with-globals",
          "--retention-days",
          "30",
          "--copy-to",
          ":local:" + (bench.work / "there").string()};
}

}  // namespace

TEST_CASE("a backup with everything that can be asked of it is killed") {
  const SweepBench bench;
  sweep(bench, full_run(bench), 3, {"done: CREATE DATABASE"});
}
TEST_CASE("a backup with everything that can be asked of it is killed at every point", "[long]") {
  const SweepBench bench;
  sweep(bench, full_run(bench), every_point);
}
TEST_CASE("a plain backup is killed at every point", "[long]") {
  const SweepBench bench;
  sweep(bench, {"--output-path", "backups", "--verify", "restore", "--format", "plain", "--compress", "gzip"},
        every_point);
}

TEST_CASE("a verification by a trial restore is killed") {
  const SweepBench bench;
  sweep(bench, {"verify", bench.fresh(), "--verify", "restore"}, 2, {"file rename"});
}
TEST_CASE("every other command of backup-db is killed at every point", "[long]") {
  const SweepBench bench;
  const std::string there = ":local:" + (bench.work / "there").string();
  sweep(bench, {"verify", bench.fresh(), "--verify", "restore"}, every_point);
  sweep(bench, {"adopt", "backups/foreign.sql"}, every_point);
  sweep(bench, {"prune", "--output-path", "backups", "--retention-days", "30", "--force"}, every_point);
  sweep(bench, {"copy", bench.fresh(), "--copy-to", there}, every_point);
}

}  // namespace belay::test
