// kill -9 of the other commands that change a database.
#include "tests/fault/help_desk.hpp"
#include "tests/fault/sweep.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr int sample = 3;

std::filesystem::path only_archive_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".zst") return entry.path();
  throw std::runtime_error("no archive in " + folder.string());
}

std::filesystem::path back_up(Bench& bench) {
  const std::filesystem::path folder = bench.work("archive");
  const RunResult result = bench.run_tool({program("backup-db"), "--output-path", folder.string()});
  if (result.status != 0) throw std::runtime_error("backup-db failed: " + shown(result));
  return only_archive_in(folder);
}

const char* const accident = R"sql(
DELETE FROM "Odd schema"."Ticket, open" WHERE id > 20;
DROP VIEW unhappy;
ALTER TABLE customer DROP COLUMN photo;
UPDATE customer SET name = name || ' changed';
SELECT nextval('number');
)sql";

void sweep_restore(Owner owner, int count) {
  Bench bench{owner};
  const Picture wanted = bench.look();
  const std::filesystem::path archive = back_up(bench);
  bench.sql(accident);
  bench.start_from_here();
  Sweep sweep{.argv = {program("restore-database"), "--backup-file", archive.string(), "--pre-restore-backup-path",
                       bench.work("pre-restore").string(), "--force", "--keep", "9"},
              .keeps_old = true};
  sweep.following = sweep.argv;
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
  CHECK(bench.compare(wanted, Sequences::equal) == "");  // every round has ended with a restore
}

void sweep_mark(int count) {
  Bench bench{Owner::plain};
  Sweep sweep{.argv = {program("rollback-migration"), "--migration-name", base_migrations().back().name, "--mark-only",
                       "--force", "--migrations", bench.folder("base", {}).string()}};
  sweep.following = {program("backup-db"), "--output-path", bench.backups().string()};
  sweep.endings = {Ending::as_before, Ending::as_after};
  sweep_kills(bench, sweep, count);
}

}  // namespace

TEST_CASE("a restore is killed") { sweep_restore(Owner::plain, sample); }
TEST_CASE("a restore is killed at every point", "[long]") { sweep_restore(Owner::superuser, every_point); }

TEST_CASE("marking a migration as rolled back is killed") { sweep_mark(sample); }
TEST_CASE("marking a migration as rolled back is killed at every point", "[long]") { sweep_mark(every_point); }

}  // namespace belay::test
