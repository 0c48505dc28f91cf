// kill -9 of a guarded run at its fault points, as in guarded_run_test.cpp, in the further ways that it can be told to
// go. The complete sweeps are [long]; of the ways, the normal suite takes two by the seed.
#include "tests/fault/disturbed.hpp"
#include "tests/fault/help_desk.hpp"
#include "tests/fault/ways.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

void sweep_way(const Way& way, int count) {
  INFO(way.name << ", seed " << seed());
  Bench bench{way.owner};
  sweep_kills(bench, way.sweep(bench), count);
}

/// A sample has seen too little to have met every ending.
void sample_way(const Way& way) {
  INFO(way.name << ", seed " << seed());
  Bench bench{way.owner};
  Sweep sweep = way.sweep(bench);
  sweep.endings.clear();
  if (sweep.always.size() > 1) sweep.always = {sweep.always[seed() % sweep.always.size()]};
  sweep_kills(bench, sweep, 1);
}

void sweep_way(const std::string& name) {
  for (const Way& way : ways())
    if (way.name == name) return sweep_way(way, every_point);
  FAIL("there is no way \"" << name << "\" any more");
}

}  // namespace

TEST_CASE("a guarded run is killed on one of its ways") { sample_way(ways()[seed() % ways().size()]); }

/// Each in turn: the sessions of a run ended by others, and the server stopped under it.
TEST_CASE("sessions of a guarded run on each of its ways are ended by others", "[long]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    Bench bench{way.owner};
    end_sessions(bench, way.sweep(bench), 8);
  }
}
TEST_CASE("the server crashes under a guarded run on each of its ways", "[long]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    Bench bench{way.owner};
    crash_server(bench, way.sweep(bench), Belay::lives_on, 8);
  }
}
TEST_CASE("the server crashes and belay with it on each of its ways", "[long]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    Bench bench{way.owner};
    crash_server(bench, way.sweep(bench), Belay::dies_too, 8);
  }
}
TEST_CASE("pg_dump and pg_restore are killed on each of its ways", "[long]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    Bench bench{way.owner};
    kill_children(bench, way.sweep(bench), 5, 10);
  }
}

TEST_CASE("a read-only run with everything is killed at every point", "[long]") {
  sweep_way("read-only with everything");
}
TEST_CASE("a read-only run that fails is killed at every point", "[long]") { sweep_way("read-only, failing"); }
TEST_CASE("a run that is taken back by reversals is killed at every point", "[long]") {
  sweep_way("taken back by reversals");
}
TEST_CASE("a run whose first migration is taken back by its reversal is killed at every point", "[long]") {
  sweep_way("half taken back");
}
TEST_CASE("a read-only run that is swapped for the spare is killed at every point", "[long]") {
  sweep_way("swapped for the spare");
}
TEST_CASE("a run that does not pass verification is killed at every point", "[long]") { sweep_way("not verified"); }
TEST_CASE("a run by a command that fails is killed at every point", "[long]") { sweep_way("by a failing command"); }
TEST_CASE("a rehearsal alone is killed at every point", "[long]") { sweep_way("rehearsal alone"); }
TEST_CASE("a run that its rehearsal refuses is killed at every point", "[long]") {
  sweep_way("refused by the rehearsal");
}

}  // namespace belay::test
