// Somebody else writes while a run deploys, and the run dies: what was written is kept, or said to be lost before it
// is.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iostream>

#include "tests/fault/help_desk.hpp"
#include "tests/fault/ways.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

namespace fs = std::filesystem;

/// A hook of the run, so that it is at the same place each time: before the second migration.
class Stranger {
 public:
  Stranger(Bench& bench, const std::string& before) : bench_(bench), mark_(bench.work("a stranger wrote")) {
    DatabaseUrl url = bench.server().url();
    url.database = bench.target();
    // In a file of its own: a URL with a password is refused in an argument.
    const fs::path script = bench.work("stranger.sh");
    write_text(script, fmt::format("[ \"$BELAY_MIGRATION\" = {} ] || exit 0\n{} -XqAt -v ON_ERROR_STOP=1 '{}' -c "
                                   "\"INSERT INTO customer (name) VALUES ('a stranger')\" && touch '{}'\n",
                                   before, (pg_bin() / "psql").string(), url_text(url), mark_.string()));
    command_ = "sh '" + script.string() + "'";
  }
  [[nodiscard]] const std::string& command() const { return command_; }
  void forget() const { fs::remove(mark_); }
  [[nodiscard]] bool wrote() const { return fs::exists(mark_); }
  [[nodiscard]] bool is_in_target() const {
    return bench_.column("SELECT count(*) FROM customer WHERE name = 'a stranger'").at(0) == "1";
  }
  /// As if nobody had been there, so that the rest can be compared.
  void remove() const { bench_.sql("DELETE FROM customer WHERE name = 'a stranger'"); }

 private:
  Bench& bench_;
  fs::path mark_;
  std::string command_;
};

std::vector<Point> points_of(Bench& bench, const Sweep& sweep) {
  const fs::path trace = bench.work("trace");
  fs::remove(trace);
  const RunResult result = bench.run_tool(sweep.argv, {{"BELAY_FAULT_TRACE", trace.string()}});
  INFO(shown(result));
  REQUIRE(result.status == sweep.status);
  return read_trace(trace);
}

struct Met {
  int kept = 0, lost = 0, asked = 0;
};

/// With reversals nothing is lost; without, it is told first, and what has to be typed then does it.
void judge_with_stranger(Bench& bench, const Sweep& sweep, const Reference& reference, const Stranger& stranger,
                         Met& met) {
  RunResult recovered = bench.recover();
  if (recovered.status == 7) {
    ++met.asked;
    INFO(shown(recovered));
    CHECK_FALSE(sweep.by_reversals);
    CHECK(recovered.err.find("recover --force --on-lost-writes restore") != std::string::npos);
    CHECK(stranger.is_in_target());
    recovered = bench.recover({}, {"--on-lost-writes", "restore"});
  }
  const bool there = stranger.is_in_target();
  const bool swapped = !bench.others().empty();
  INFO(shown(recovered));
  if (stranger.wrote()) CHECK(there == !swapped);
  if (sweep.by_reversals) CHECK_FALSE(swapped);
  if (there) stranger.remove();
  ++(there ? met.kept : met.lost);
  CHECK(judge(bench, reference, recovered, sweep.following).problems == "");
}

void sweep_with_stranger(Bench& bench, Sweep sweep, const std::string& second, int count) {
  const Stranger stranger{bench, second};
  sweep.argv.insert(sweep.argv.end(), {"--before-migration", stranger.command()});
  bench.renew();
  const Reference reference{.before = bench.look(),
                            .before_dump = bench.dump(),
                            .after = std::nullopt,
                            .after_dump = {},
                            .crashed = true,
                            .by_reversals = sweep.by_reversals};
  const std::vector<Point> all = points_of(bench, sweep);
  Met met;
  for (const Point& point : choose(all, count, sweep.always)) {
    bench.renew();
    stranger.forget();
    const RunResult killed = bench.run_tool(sweep.argv, {{"BELAY_FAULT_KILL_AT", std::to_string(point.number)}});
    INFO("killed at point " << point.number << " of " << all.size() << ", " << point.name << ", seed " << seed());
    CHECK(killed.signal == SIGKILL);
    judge_with_stranger(bench, sweep, reference, stranger, met);
  }
  std::cout << fmt::format("of {} points: the row of others was kept at {}, is in no target at {}, and asked for at {}",
                           all.size(), met.kept, met.lost, met.asked)
            << std::endl;
}

void sweep_restored(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = bench.guarded(bench.folder("failing", {add_language(), drop_photo_then_fail()})), .status = 7};
  sweep.following = bench.guarded(bench.folder("mended", {add_language(), drop_note()}));
  sweep.always = {"apply: failed row written"};
  sweep_with_stranger(bench, sweep, drop_photo_then_fail().name, count);
}

void sweep_reversed(int count) {
  Bench bench{Owner::superuser};
  Sweep sweep = half_taken_back(bench);
  sweep.argv.erase(std::find(sweep.argv.begin(), sweep.argv.end(), "--read-only"));
  sweep_with_stranger(bench, sweep, fail_but_in_rehearsal().name, count);
}

}  // namespace

TEST_CASE("a run that dies where others wrote tells what a put-back loses") { sweep_restored(1); }
TEST_CASE("a run that dies at every point where others wrote tells what a put-back loses", "[long]") {
  sweep_restored(every_point);
}
TEST_CASE("a run that dies at every point keeps what others wrote where reversals take it back", "[long]") {
  sweep_reversed(every_point);
}

}  // namespace belay::test
