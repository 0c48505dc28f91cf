// kill -9 of `recover` itself while it puts a database back.
#include <csignal>
#include <iostream>
#include <random>

#include "tests/fault/help_desk.hpp"
#include "tests/fault/ways.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr int recover_sample = 1;

Point last_named(const std::vector<Point>& points, const std::string& name) {
  const auto found = std::find_if(points.rbegin(), points.rend(), [&](const Point& p) { return p.name == name; });
  if (found == points.rend()) throw std::runtime_error("there is no point \"" + name + "\" any more");
  return *found;
}

/// A fresh database, and a run on it that died at `point`.
void leave_half_way(Bench& bench, const Sweep& sweep, const Point& point) {
  bench.renew();
  const RunResult killed = bench.run_tool(sweep.argv, {{"BELAY_FAULT_KILL_AT", std::to_string(point.number)}});
  if (killed.signal != SIGKILL) throw std::runtime_error("the run was not killed: " + shown(killed));
}

std::vector<Point> points_of_recover(Bench& bench) {
  const std::filesystem::path trace = bench.work("recover trace");
  std::filesystem::remove(trace);
  const RunResult result = bench.recover({{"BELAY_FAULT_TRACE", trace.string()}});
  if (result.status != 0) throw std::runtime_error("recover failed: " + shown(result));
  return read_trace(trace);
}

bool is_put_back(Bench& bench) {
  for (const std::string& name : bench.others())
    if (name.find("__failed_") != std::string::npos) return true;
  return false;
}

/// Once the database is put back the application goes on, whether belay lives or not: what it writes stays.
class WrittenMeanwhile {
 public:
  explicit WrittenMeanwhile(Bench& bench) : bench_(bench), done_(is_put_back(bench)) {
    if (done_) bench.sql("UPDATE customer SET kind = 'b' WHERE id = 2");
  }
  [[nodiscard]] bool kept() {
    if (!done_) return true;
    const bool there = bench_.column("SELECT kind FROM customer WHERE id = 2").at(0) == "b";
    bench_.sql("UPDATE customer SET kind = 'a' WHERE id = 2");
    return there;
  }

 private:
  Bench& bench_;
  bool done_;
};

/// The run dies at `step`, recover at each chosen point, and a second recover has to finish it.
void sweep_recover(Bench& bench, const Sweep& sweep, const std::string& step, int count) {
  std::vector<Point> all;
  const Reference reference = take_reference(bench, sweep, all);
  const Point died = last_named(all, step);
  leave_half_way(bench, sweep, died);
  const std::vector<Point> points = points_of_recover(bench);
  for (const Point& point : choose(points, count, {})) {
    leave_half_way(bench, sweep, died);
    const RunResult killed = bench.recover({{"BELAY_FAULT_KILL_AT", std::to_string(point.number)}});
    WrittenMeanwhile written{bench};
    const RunResult recovered = bench.recover();
    INFO("recover killed at point " << point.number << " of " << points.size() << ", " << point.name << ", seed "
                                    << seed());
    CHECK(killed.signal == SIGKILL);
    CHECK(written.kept());
    const Judgement judgement = judge(bench, reference, recovered, sweep.following);
    CHECK(judgement.problems == "");
    // Reversals keep no database by which the last recovery could tell it.
    const bool nothing_to_tell = sweep.by_reversals && judgement.ending == Ending::as_before;
    CHECK((judgement.ending == Ending::put_back || nothing_to_tell));
  }
  std::cout << "recover was killed at its points, of which there are " << points.size() << std::endl;
}

/// Two recoveries die one after the other, at points of their own; the third has to finish it.
void sweep_two_recoveries(Bench& bench, int rounds) {
  const Sweep sweep = failing_run(bench);
  std::vector<Point> all;
  const Reference reference = take_reference(bench, sweep, all);
  const Point died = last_named(all, "child ended: pg_restore");
  leave_half_way(bench, sweep, died);
  const std::vector<Point> points = points_of_recover(bench);
  std::mt19937 random{seed()};
  const auto any = [&](std::size_t from) {
    return std::uniform_int_distribution<std::size_t>{from, points.size()}(random);
  };
  for (int round = 0; round < rounds; ++round) {
    // Early and late ones: the first dies while it begins anew, the second near its end.
    const std::size_t first = any(1) % 12 + 1, second = any(points.size() > 40 ? points.size() - 40 : 1);
    leave_half_way(bench, sweep, died);
    (void)bench.recover({{"BELAY_FAULT_KILL_AT", std::to_string(first)}});
    (void)bench.recover({{"BELAY_FAULT_KILL_AT", std::to_string(second)}});
    WrittenMeanwhile written{bench};
    const RunResult recovered = bench.recover();
    INFO("recover killed at points " << first << " and " << second << " of " << points.size() << ", seed " << seed());
    CHECK(written.kept());
    const Judgement judgement = judge(bench, reference, recovered, sweep.following);
    CHECK(judgement.problems == "");
    CHECK(judgement.ending == Ending::put_back);
  }
}

}  // namespace

TEST_CASE("recover is killed after the deploy") {
  Bench bench{Owner::plain};
  sweep_recover(bench, failing_run(bench), "apply: failed row written", recover_sample);
}
TEST_CASE("recover is killed at every point after the deploy", "[long]") {
  Bench bench{Owner::plain};
  sweep_recover(bench, failing_run(bench), "apply: failed row written", every_point);
}

TEST_CASE("recover is killed when the run had died restoring", "[long]") {
  Bench bench{Owner::superuser};
  sweep_recover(bench, failing_run(bench), "child ended: pg_restore", recover_sample);
}
TEST_CASE("recover is killed at every point when the run had died restoring", "[long]") {
  Bench bench{Owner::superuser};
  sweep_recover(bench, failing_run(bench), "child ended: pg_restore", every_point);
}

TEST_CASE("recover is killed while it takes a run back by a reversal") {
  Bench bench{Owner::plain};
  sweep_recover(bench, half_taken_back(bench), "apply: failed row written", recover_sample);
}
TEST_CASE("recover is killed at every point while it takes a run back by a reversal", "[long]") {
  Bench bench{Owner::plain};
  sweep_recover(bench, half_taken_back(bench), "apply: failed row written", every_point);
}
TEST_CASE("recover is killed at every point while it swaps the spare in", "[long]") {
  Bench bench{Owner::plain};
  sweep_recover(bench, swapped_for_the_spare(bench), "apply: failed row written", every_point);
}
TEST_CASE("recover is killed at every point after a read-only run had died", "[long]") {
  Bench bench{Owner::superuser};
  sweep_recover(bench, read_only_failing(bench), "apply: failed row written", every_point);
}

TEST_CASE("recover is killed twice") {
  Bench bench{Owner::superuser};
  sweep_two_recoveries(bench, 1);
}
TEST_CASE("recover is killed twice many times over", "[long]") {
  Bench bench{Owner::superuser};
  sweep_two_recoveries(bench, 60);
}

}  // namespace belay::test
