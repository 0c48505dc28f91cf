// kill -9 of the other commands that change a database.
#include "tests/fault/help_desk.hpp"
#include "tests/fault/sweep.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr int sample = 3;

void sweep_mark(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = {program("rollback-migration"), "--migration-name", base_migrations().back().name, "--mark-only",
                       "--force", "--migrations", bench.folder("base", {}).string()}};
  sweep.following = {program("backup-db"), "--output-path", bench.backups().string()};
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

}  // namespace

TEST_CASE("marking a migration as rolled back is killed") { sweep_mark(sample); }
TEST_CASE("marking a migration as rolled back is killed at every point", "[long]") { sweep_mark(every_point); }

}  // namespace belay::test
