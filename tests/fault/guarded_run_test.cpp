// kill -9 of a guarded run at its fault points, `recover` at once: the database is exactly the old or exactly the new
// one, and nothing is left.
#include <algorithm>

#include "tests/fault/help_desk.hpp"
#include "tests/fault/sweep.hpp"
#include "tests/fault/ways.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr int guarded_sample = 2;

void sweep_two_good(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = bench.guarded(bench.folder("good", {add_language(), drop_note()}))};
  sweep.following = sweep.argv;
  sweep.always = {"sent: CREATE DATABASE", "guard: deployed"};
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

void sweep_second_fails(int count) {
  Bench bench{Owner::superuser};
  Sweep sweep{.argv = bench.guarded(bench.folder("failing", {add_language(), drop_photo_then_fail()})), .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {add_language(), drop_note()}));
  sweep.always = {"apply: failed row written", "child start: pg_restore"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  sweep_kills(bench, sweep, count);
}

void sweep_own_commit(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = bench.guarded(bench.folder("failing", {own_commit_then_fail()})), .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {drop_note()}));
  sweep.always = {"apply: steps rolled back"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  sweep_kills(bench, sweep, count);
}

void sweep_nothing_committed(int count) {
  Bench bench{Owner::superuser};
  Sweep sweep{.argv = bench.guarded(bench.folder("failing", {create_then_fail()})), .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {drop_note()}));
  sweep.always = {"apply: failed row written"};
  sweep.endings = {Ending::as_before};
  sweep_kills(bench, sweep, count);
}

void sweep_first_deploy(int count) {
  Bench bench{Owner::plain, Start::empty};
  Sweep sweep{.argv = bench.guarded(bench.folder("first", {add_language()}))};
  sweep.following = sweep.argv;
  sweep.always = {"history: created", "apply: after COMMIT"};
  sweep.endings = {Ending::as_before, Ending::put_back, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

void sweep_index_concurrently(int count) {
  Bench bench{Owner::superuser};
  Sweep sweep{.argv = bench.guarded(bench.folder("concurrent", {index_concurrently()}))};
  sweep.following = sweep.argv;
  sweep.always = {"apply: step done"};
  sweep.endings = {Ending::as_before, Ending::put_back, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

void sweep_rehearsed(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = rehearsed(bench.guarded(bench.folder("good", {add_language(), drop_note()})))};
  sweep.following = sweep.argv;
  sweep.always = {"copy: created", "guard: rehearsed"};
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

/// What fails in production alone is put back by the spare.
void sweep_spare(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = rehearsed(bench.guarded(bench.folder("failing", {drop_note(), fail_but_in_rehearsal()}))),
              .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {drop_note()}));
  sweep.always = {"apply: failed row written"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  sweep_kills(bench, sweep, count);
}

}  // namespace

TEST_CASE("a rehearsed guarded run is killed at every point", "[long]") { sweep_rehearsed(every_point); }
TEST_CASE("a guarded run that fails after its rehearsal is killed", "[long]") { sweep_spare(guarded_sample); }
TEST_CASE("a guarded run that fails after its rehearsal is killed at every point", "[long]") {
  sweep_spare(every_point);
}

TEST_CASE("a guarded run of two good migrations is killed", "[long]") { sweep_two_good(guarded_sample); }
TEST_CASE("a guarded run of two good migrations is killed at every point", "[long]") { sweep_two_good(every_point); }

TEST_CASE("a guarded run whose second migration fails is killed") { sweep_second_fails(guarded_sample); }
TEST_CASE("a guarded run whose second migration fails is killed at every point", "[long]") {
  sweep_second_fails(every_point);
}

TEST_CASE("a guarded run of a migration with its own COMMIT is killed", "[long]") { sweep_own_commit(guarded_sample); }
TEST_CASE("a guarded run of a migration with its own COMMIT is killed at every point", "[long]") {
  sweep_own_commit(every_point);
}

TEST_CASE("a guarded run that commits nothing is killed", "[long]") { sweep_nothing_committed(guarded_sample); }
TEST_CASE("a guarded run that commits nothing is killed at every point", "[long]") {
  sweep_nothing_committed(every_point);
}

TEST_CASE("a first deploy on an empty database is killed", "[long]") { sweep_first_deploy(guarded_sample); }
TEST_CASE("a first deploy on an empty database is killed at every point", "[long]") { sweep_first_deploy(every_point); }

TEST_CASE("a guarded run that builds an index concurrently is killed", "[long]") {
  sweep_index_concurrently(guarded_sample);
}
TEST_CASE("a guarded run that builds an index concurrently is killed at every point", "[long]") {
  sweep_index_concurrently(every_point);
}

}  // namespace belay::test
