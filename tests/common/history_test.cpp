#include "common/history.hpp"

#include <string>
#include <vector>

#include "common/sha256.hpp"
#include "tests/support/catch.hpp"

using belay::History;
using belay::HistoryRow;
using belay::JoinedMigration;
using belay::MigrationsFolder;
using belay::MigrationState;

namespace {

const std::string applied = "applied";
const std::string failed = "failed";
const std::string rolled_back = "rolled back";
const std::string both_times = "both";

HistoryRow row(const std::string& name, const std::string& what, const std::string& script = "SELECT 1") {
  HistoryRow out;
  out.migration_name = name;
  out.checksum = belay::sha256_hex(script);
  out.started_at = "2026-01-01T00:00:00.000000Z";
  if (what == applied || what == both_times) out.finished_at = out.started_at;
  if (what == rolled_back || what == both_times) out.rolled_back_at = out.started_at;
  return out;
}

MigrationsFolder folder(const std::vector<std::string>& names, const std::string& script = "SELECT 1") {
  MigrationsFolder out;
  for (const std::string& name : names)
    out.migrations.push_back({name, name + "/migration.sql", script, belay::sha256_hex(script)});
  return out;
}

JoinedMigration join_one(const std::vector<HistoryRow>& rows, const std::string& script = "SELECT 1") {
  const auto joined = belay::join_history(folder({"m"}, script), History{true, rows});
  REQUIRE(joined.size() == 1);
  return joined.front();
}

}  // namespace

TEST_CASE("a migration's state follows from its rows") {
  struct Case {
    std::vector<std::string> rows;
    MigrationState state;
    bool pending_for_deploy;
  };
  const std::vector<Case> table{
      {{}, MigrationState::pending, true},
      {{applied}, MigrationState::applied, false},
      {{failed}, MigrationState::failed, false},
      {{rolled_back}, MigrationState::rolled_back, true},
      {{rolled_back, applied}, MigrationState::applied, false},
      {{rolled_back, rolled_back}, MigrationState::rolled_back, true},
      {{applied, failed}, MigrationState::failed, false},
      {{both_times}, MigrationState::rolled_back, true}};  // Prisma's deploy would apply it again
  for (const Case& c : table) {
    std::vector<HistoryRow> rows;
    for (const std::string& what : c.rows) rows.push_back(row("m", what));
    const JoinedMigration joined = join_one(rows);
    CAPTURE(c.rows);
    CHECK(joined.state == c.state);
    CHECK(joined.pending_for_deploy() == c.pending_for_deploy);
    CHECK(joined.rows.size() == c.rows.size());
  }
}

TEST_CASE("an applied migration whose file changed is edited; line ends do not count") {
  CHECK_FALSE(join_one({row("m", applied)}).edited);
  CHECK(join_one({row("m", applied)}, "SELECT 2").edited);
  CHECK_FALSE(join_one({row("m", applied, "SELECT 1\n")}, "SELECT 1\r\n").edited);
}

TEST_CASE("a migration that failed, was corrected and applied again is not edited") {
  CHECK_FALSE(join_one({row("m", rolled_back, "SELECT wrong"), row("m", applied)}).edited);
  CHECK_FALSE(join_one({row("m", rolled_back, "SELECT wrong")}).edited);
  CHECK(join_one({row("m", failed, "SELECT wrong")}).edited);
}

TEST_CASE("a migration without a script is joined and not called edited") {
  MigrationsFolder local = folder({"m"});
  local.migrations.front().script.reset();
  const auto joined = belay::join_history(local, History{true, {row("m", applied)}});
  CHECK(joined.at(0).state == MigrationState::applied);
  CHECK_FALSE(joined.at(0).edited);
}

TEST_CASE("the joined list has the folder's order, then what is missing locally by its first row") {
  const auto joined = belay::join_history(
      folder({"b", "a"}),
      History{true, {row("gone2", applied), row("a", applied), row("gone1", failed), row("gone2", failed)}});
  REQUIRE(joined.size() == 4);
  CHECK(joined[0].name == "b");
  CHECK(joined[0].state == MigrationState::pending);
  CHECK(joined[1].name == "a");
  CHECK(joined[1].state == MigrationState::applied);
  CHECK(joined[2].name == "gone2");
  CHECK(joined[2].state == MigrationState::missing_locally);
  CHECK(joined[2].rows.size() == 2);
  CHECK_FALSE(joined[2].local);
  CHECK_FALSE(joined[2].pending_for_deploy());
  CHECK(joined[3].name == "gone1");
}

TEST_CASE("states are named in the words that people read") {
  CHECK(belay::to_string(MigrationState::missing_locally) == "missing locally");
  CHECK(belay::to_string(MigrationState::rolled_back) == "rolled back");
}
