// Everything around belay dies instead of belay, or belay at any moment: it has to end in order, and say the truth.
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "tests/fault/help_desk.hpp"
#include "tests/fault/sweep.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Sweep good_run(Bench& bench) {
  Sweep sweep{.argv = bench.guarded(bench.folder("good", {add_language(), drop_note()}))};
  sweep.following = sweep.argv;
  return sweep;
}
Sweep failing_run(Bench& bench) {
  Sweep sweep{.argv = bench.guarded(bench.folder("failing", {add_language(), drop_photo_then_fail()})), .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {add_language(), drop_note()}));
  return sweep;
}

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

/// pg_dump, pg_restore reading the archive, pg_restore putting it back.
void kill_children(int rounds) {
  Bench bench{Owner::plain};
  const Sweep sweep = failing_run(bench);
  std::vector<Point> points;
  const Reference reference = take_reference(bench, sweep, points);
  std::mt19937 random{seed()};
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    const int which = round % 3 + 1;
    const milliseconds after{std::uniform_int_distribution<int>{0, which == 2 ? 3 : 20}(random)};
    LiveRun run{bench, sweep};
    if (kill_child(*run, which, after)) ++killed;
    const RunResult result = run->wait();
    INFO("child " << which << " killed after " << after.count() << " ms, seed " << seed());
    CHECK(judge_ended(bench, reference, result, sweep.following).problems == "");
  }
  CHECK(killed > 0);
}

/// At each chosen point every session of the run in turn.
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

void kill_at_any_moment(int rounds) {
  Bench bench{Owner::superuser};
  const Sweep sweep = failing_run(bench);
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

enum class Belay { dies_too, lives_on };

/// The server stops as in a crash and comes back.
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

}  // namespace

TEST_CASE("pg_dump and pg_restore are killed") { kill_children(3); }
TEST_CASE("pg_dump and pg_restore are killed many times", "[long]") { kill_children(60); }

TEST_CASE("sessions of a good run are ended by others") {
  Bench bench{Owner::plain};
  end_sessions(bench, good_run(bench), 1);
}
TEST_CASE("sessions of a good run are ended by others at many points", "[long]") {
  Bench bench{Owner::plain};
  end_sessions(bench, good_run(bench), 40);
}
TEST_CASE("sessions of a failing run are ended by others") {
  Bench bench{Owner::superuser};
  end_sessions(bench, failing_run(bench), 1);
}
TEST_CASE("sessions of a failing run are ended by others at many points", "[long]") {
  Bench bench{Owner::superuser};
  end_sessions(bench, failing_run(bench), 60);
}

TEST_CASE("belay is killed at any moment") { kill_at_any_moment(2); }
TEST_CASE("belay is killed at any moment many times", "[long]") { kill_at_any_moment(100); }

TEST_CASE("the server crashes and belay with it") {
  Bench bench{Owner::plain};
  crash_server(bench, good_run(bench), Belay::dies_too, 1);
}
TEST_CASE("the server crashes and belay with it at many points", "[long]") {
  Bench bench{Owner::superuser};
  crash_server(bench, failing_run(bench), Belay::dies_too, 60);
}
TEST_CASE("the server crashes under a running belay") {
  Bench bench{Owner::superuser};
  crash_server(bench, failing_run(bench), Belay::lives_on, 1);
}
TEST_CASE("the server crashes under a running belay at many points", "[long]") {
  Bench bench{Owner::plain};
  crash_server(bench, good_run(bench), Belay::lives_on, 40);
}

}  // namespace belay::test
