// kill -9 of the other commands that change a database.
#include "tests/fault/disturbed.hpp"
#include "tests/fault/help_desk.hpp"
#include "tests/fault/sweep.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr int command_sample = 3;

void sweep_mark(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = {program("rollback-migration"), "--migration-name", base_migrations().back().name, "--mark-only",
                       "--force", "--migrations", bench.folder("base", {}).string()}};
  sweep.following = {program("backup-db"), "--output-path", bench.backups().string()};
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

/// Its migration's reversal is proven on a side database, then it is run. A backup's own kills are swept elsewhere.
Sweep reversal(Bench& bench) {
  Sweep sweep{.argv = {program("rollback-migration"), "--migration-name", base_migrations().back().name, "--force",
                       "--keep-folder", "--accept-drift", "--skip-backup", "--migrations",
                       bench.folder("base", {}).string()}};
  sweep.following = {program("backup-db"), "--output-path", bench.backups().string()};
  sweep.one_transaction = true;
  return sweep;
}

void sweep_reversal(int count) {
  Bench bench{Owner::plain};
  Sweep sweep = reversal(bench);
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep.always = {"undo: "};
  sweep_kills(bench, sweep, count);
}

/// Whoever dies in one of the verbs that write to the history alone leaves all of its rows or none.
void sweep_books(const std::string& prepared, const std::vector<std::string>& words, int count) {
  Bench bench{Owner::plain};
  bench.sql(prepared);
  bench.start_from_here();
  Sweep sweep{.argv = {program("migrate-production"), "--migrations", bench.folder("base", {}).string()}};
  sweep.argv.insert(sweep.argv.end(), words.begin(), words.end());
  sweep.following = {program("backup-db"), "--output-path", bench.backups().string()};
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

void sweep_resolve(int count) {
  const std::string last = base_migrations().back().name;
  sweep_books("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '" + last + "'",
              {"resolve", "--applied", last}, count);
}

void sweep_baseline(int count) { sweep_books("TRUNCATE _prisma_migrations", {"baseline"}, count); }

}  // namespace

TEST_CASE("resolving a failed migration as applied is killed") { sweep_resolve(command_sample); }
TEST_CASE("resolving a failed migration as applied is killed at every point", "[long]") { sweep_resolve(every_point); }
TEST_CASE("a baseline is killed at every point", "[long]") { sweep_baseline(every_point); }

TEST_CASE("taking a migration back by its reversal is killed") { sweep_reversal(command_sample); }
TEST_CASE("taking a migration back by its reversal is killed at every point", "[long]") { sweep_reversal(every_point); }

TEST_CASE("sessions of a reversal are ended by others at every point", "[long]") {
  Bench bench{Owner::plain};
  end_sessions(bench, reversal(bench), every_point);
}
TEST_CASE("the server crashes under a reversal at every point", "[long]") {
  Bench bench{Owner::plain};
  crash_server(bench, reversal(bench), Belay::lives_on, every_point);
}

TEST_CASE("marking a migration as rolled back is killed") { sweep_mark(command_sample); }
TEST_CASE("marking a migration as rolled back is killed at every point", "[long]") { sweep_mark(every_point); }

}  // namespace belay::test
