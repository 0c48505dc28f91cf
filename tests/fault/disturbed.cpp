#include "tests/fault/disturbed.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A fresh database and a run on it that writes its trace.
class LiveRun {
 public:
  LiveRun(Bench& bench, const Sweep& sweep) : trace_(bench.work("live trace")) {
    bench.renew();
    std::filesystem::remove(trace_);
    run_ = std::make_unique<Background>(sweep.argv, bench.environment({{"BELAY_FAULT_TRACE", trace_.string()}}),
                                        bench.work(""));
  }
  Background& operator*() { return *run_; }
  Background* operator->() { return run_.get(); }
  /// Returns once that point was passed, or the run has ended.
  void reach(long point) {
    while (run_->running() && passed() < point) std::this_thread::sleep_for(milliseconds{1});
  }

 private:
  [[nodiscard]] long passed() const {
    std::ifstream in{trace_};
    return std::count(std::istreambuf_iterator<char>{in}, {}, '\n');
  }
  std::filesystem::path trace_;
  std::unique_ptr<Background> run_;
};

/// The running pg_dump or pg_restore that does real work, if there is one now.
pid_t worker_of(pid_t parent) {
  std::ifstream children{"/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children"};
  for (pid_t pid = 0; children >> pid;) {
    const std::string command = command_line(pid);
    const bool tool = command.find("pg_dump") != std::string::npos || command.find("pg_restore") != std::string::npos;
    if (tool && command.find("--version") == std::string::npos && command.find("migrate-production") != 0) return pid;
  }
  return 0;
}

/// Kills the run's `which`-th child, some milliseconds after it began. False if there was none.
bool kill_child(Background& run, int which, milliseconds after) {
  pid_t last = 0;
  while (run.running()) {
    const pid_t child = worker_of(run.pid());
    if (child != 0 && child != last) {
      last = child;
      if (--which == 0) {
        std::this_thread::sleep_for(after);
        return ::kill(child, SIGKILL) == 0;
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds{200});
  }
  return false;
}

}  // namespace

void kill_children(Bench& bench, const Sweep& sweep, int per_round, int rounds) {
  std::vector<Point> points;
  const Reference reference = take_reference(bench, sweep, points);
  std::mt19937 random{seed()};
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    const int which = round % per_round + 1;
    const milliseconds after{std::uniform_int_distribution<int>{0, which == 2 ? 3 : 20}(random)};
    LiveRun run{bench, sweep};
    if (kill_child(*run, which, after)) ++killed;
    const RunResult result = run->wait();
    INFO("child " << which << " killed after " << after.count() << " ms, seed " << seed());
    CHECK(judge_ended(bench, reference, result, sweep.following).problems == "");
  }
  CHECK(killed > 0);
}

void end_sessions(Bench& bench, const Sweep& sweep, int count) {
  std::vector<Point> all;
  const Reference reference = take_reference(bench, sweep, all);
  for (const Point& point : choose(all, count, {})) {
    for (std::size_t which = 0, there = 1; which < there; ++which) {
      LiveRun run{bench, sweep};
      run.reach(point.number);
      run->kill(SIGSTOP);
      const std::vector<std::string> sessions = bench.sessions();
      there = sessions.size();
      if (which < there) bench.end_session(sessions[which]);
      run->kill(SIGCONT);
      const RunResult result = run->wait();
      INFO("session " << which + 1 << " of " << there << " ended at point " << point.number << " of " << all.size()
                      << ", " << point.name << ", seed " << seed());
      CHECK(judge_ended(bench, reference, result, sweep.following).problems == "");
    }
  }
}

void kill_at_any_moment(Bench& bench, const Sweep& sweep, int rounds) {
  std::vector<Point> points;
  const Reference reference = take_reference(bench, sweep, points);
  const auto began = steady_clock::now();
  (void)LiveRun { bench, sweep } -> wait();
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began).count();
  std::mt19937 random{seed()};
  for (int round = 0; round < rounds; ++round) {
    const std::chrono::microseconds after{std::uniform_int_distribution<long>{0, whole}(random)};
    LiveRun run{bench, sweep};
    std::this_thread::sleep_for(after);
    run->kill(SIGKILL);
    (void)run->wait();
    const RunResult recovered = bench.recover();
    INFO("killed after " << after.count() << " of " << whole << " microseconds, seed " << seed());
    CHECK(judge(bench, reference, recovered, sweep.following).problems == "");
  }
}

void crash_server(Bench& bench, const Sweep& sweep, Belay belay, int count) {
  std::vector<Point> all;
  Reference reference = take_reference(bench, sweep, all);
  reference.crashed = true;
  for (const Point& point : choose(all, count, {})) {
    LiveRun run{bench, sweep};
    run.reach(point.number);
    if (belay == Belay::dies_too) run->kill(SIGKILL);
    bench.server().stop_immediate();
    bench.server().start();
    const RunResult result = run->wait();
    INFO("server stopped at point " << point.number << " of " << all.size() << ", " << point.name << ", seed "
                                    << seed());
    if (belay == Belay::lives_on) {
      CHECK(judge_ended(bench, reference, result, sweep.following).problems == "");
    } else {
      CHECK(judge(bench, reference, bench.recover(), sweep.following).problems == "");
    }
  }
}

}  // namespace belay::test
