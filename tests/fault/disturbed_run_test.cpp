// Everything around a guarded run dies, or belay at any moment: it has to end in order, and say the truth.
#include "tests/fault/disturbed.hpp"
#include "tests/fault/help_desk.hpp"
#include "tests/fault/ways.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

Sweep good_run(Bench& bench) {
  Sweep sweep{.argv = bench.guarded(bench.folder("good", {add_language(), drop_note()}))};
  sweep.following = sweep.argv;
  return sweep;
}

}  // namespace

/// pg_dump, pg_restore reading the archive, pg_restore putting it back.
constexpr int children = 3;

TEST_CASE("pg_dump and pg_restore are killed") {
  Bench bench{Owner::plain};
  kill_children(bench, failing_run(bench), children, 3);
}
TEST_CASE("pg_dump and pg_restore are killed many times", "[long]") {
  Bench bench{Owner::plain};
  kill_children(bench, failing_run(bench), children, 60);
}

TEST_CASE("sessions of a good run are ended by others", "[long]") {
  Bench bench{Owner::plain};
  end_sessions(bench, good_run(bench), 1);
}
TEST_CASE("sessions of a good run are ended by others at many points", "[long]") {
  Bench bench{Owner::plain};
  end_sessions(bench, good_run(bench), 40);
}
TEST_CASE("sessions of a failing run are ended by others", "[long]") {
  Bench bench{Owner::superuser};
  end_sessions(bench, failing_run(bench), 1);
}
TEST_CASE("sessions of a failing run are ended by others at many points", "[long]") {
  Bench bench{Owner::superuser};
  end_sessions(bench, failing_run(bench), 60);
}

TEST_CASE("belay is killed at any moment") {
  Bench bench{Owner::superuser};
  kill_at_any_moment(bench, failing_run(bench), 2);
}
TEST_CASE("belay is killed at any moment many times", "[long]") {
  Bench bench{Owner::superuser};
  kill_at_any_moment(bench, failing_run(bench), 100);
}

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
