// kill -9 of restore-database at every step, and of everything around it: the database is exactly the old or exactly
// the backup's, and one command removes what is left.
#include "tests/fault/disturbed.hpp"
#include "tests/fault/help_desk.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr int restore_sample = 3;

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

/// A database after an accident, with its backup from before.
class Accident {
 public:
  explicit Accident(Owner owner) : bench(owner), wanted(bench.look()) {
    const std::filesystem::path archive = back_up(bench);
    bench.sql(accident);
    bench.start_from_here();
    restore = {.argv = {program("restore-database"), "--backup-file", archive.string(), "--pre-restore-backup-path",
                        bench.work("pre-restore").string(), "--force", "--keep", "9"},
               .keeps_old = true};
    restore.following = restore.argv;
    restore.clean_up = {program("restore-database"), "cleanup"};
    restore.endings = {Ending::as_before, Ending::as_after};
  }
  Bench bench;
  Picture wanted;
  Sweep restore;
};

void sweep_restore(Owner owner, int count) {
  Accident here{owner};
  sweep_kills(here.bench, here.restore, count);
  CHECK(here.bench.compare(here.wanted, Sequences::equal) == "");  // every round has ended with a restore
}

/// pg_dump of the pre-restore backup, pg_restore that reads it, pg_restore that loads.
constexpr int restore_children = 3;

}  // namespace

TEST_CASE("a restore is killed") { sweep_restore(Owner::plain, restore_sample); }
TEST_CASE("a restore is killed at every point", "[long]") { sweep_restore(Owner::superuser, every_point); }

TEST_CASE("the children of a restore are killed", "[long]") {
  Accident here{Owner::plain};
  kill_children(here.bench, here.restore, restore_children, restore_children);
}
TEST_CASE("the children of a restore are killed many times", "[long]") {
  Accident here{Owner::superuser};
  kill_children(here.bench, here.restore, restore_children, 60);
}

TEST_CASE("sessions of a restore are ended by others", "[long]") {
  Accident here{Owner::superuser};
  end_sessions(here.bench, here.restore, 1);
}
TEST_CASE("sessions of a restore are ended by others at every point", "[long]") {
  Accident here{Owner::plain};
  end_sessions(here.bench, here.restore, every_point);
}

TEST_CASE("a restore is killed at any moment many times", "[long]") {
  Accident here{Owner::plain};
  kill_at_any_moment(here.bench, here.restore, 100);
}

TEST_CASE("the server crashes under a restore", "[long]") {
  Accident here{Owner::plain};
  crash_server(here.bench, here.restore, Belay::lives_on, 1);
}
TEST_CASE("the server crashes under a restore at every point", "[long]") {
  Accident here{Owner::superuser};
  crash_server(here.bench, here.restore, Belay::lives_on, every_point);
}
TEST_CASE("the server crashes, and a restore with it", "[long]") {
  Accident here{Owner::superuser};
  crash_server(here.bench, here.restore, Belay::dies_too, 1);
}
TEST_CASE("the server crashes, and a restore with it, at every point", "[long]") {
  Accident here{Owner::plain};
  crash_server(here.bench, here.restore, Belay::dies_too, every_point);
}

}  // namespace belay::test
