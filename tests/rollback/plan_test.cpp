#include "rollback/plan.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

JoinedMigration migration(const std::string& name, MigrationState state, const std::string& started = "") {
  JoinedMigration m;
  m.name = name;
  m.state = state;
  m.local = Migration{name, name + "/migration.sql", "CREATE TABLE t ();\n\nDROP VIEW v;", "x"};
  if (!started.empty()) {
    HistoryRow row;
    row.started_at = started;
    if (state == MigrationState::applied) row.finished_at = started;
    if (state == MigrationState::rolled_back) row.rolled_back_at = started;
    m.rows = {row};
  }
  return m;
}

const std::vector<JoinedMigration> five_migrations{
    migration("20240101000000_init", MigrationState::applied, "2024-01-01"),
    migration("20240102000000_add_tags", MigrationState::applied, "2024-01-02"),
    migration("20240103000000_add_tags_index", MigrationState::applied, "2024-01-03"),
    migration("20240104000000_failed", MigrationState::failed, "2024-01-04"),
    migration("20240105000000_back", MigrationState::rolled_back, "2024-01-05"),
    migration("20240106000000_new", MigrationState::pending),
    migration("hotfix", MigrationState::missing_locally, "2024-01-07"),
};

Failure failure_of(const std::string& name) {
  try {
    (void)plan_rollback(name, five_migrations);
  } catch (const Error& error) {
    return error.kind;
  }
  return Failure::bug;
}

TEST_CASE("a migration is found by its whole name, else by a part that fits only one") {
  CHECK(plan_rollback("20240102000000_add_tags", five_migrations).migration.name == "20240102000000_add_tags");
  CHECK(plan_rollback("tags_index", five_migrations).migration.name == "20240103000000_add_tags_index");
  CHECK(failure_of("add_tags") == Failure::usage);
  CHECK(failure_of("nowhere") == Failure::usage);
}

TEST_CASE("what was never applied, or is rolled back already, is refused") {
  CHECK(failure_of("20240106000000_new") == Failure::refused);
  CHECK(failure_of("20240105000000_back") == Failure::refused);
  CHECK(plan_rollback("20240104000000_failed", five_migrations).migration.state == MigrationState::failed);
}

TEST_CASE(
    "migrations applied later are named, whatever their folder's name says; pending and rolled back ones are not") {
  CHECK(plan_rollback("20240102000000_add_tags", five_migrations).later ==
        std::vector<std::string>{"20240103000000_add_tags_index", "20240104000000_failed", "hotfix"});
  CHECK(plan_rollback("hotfix", five_migrations).later.empty());
}

TEST_CASE("a name that is not 14 digits and a word is told apart") {
  CHECK(plan_rollback("init", five_migrations).usual_name);
  CHECK_FALSE(plan_rollback("hotfix", five_migrations).usual_name);
}

TEST_CASE("what the migration did is told statement by statement, with its lines") {
  const std::string text = describe_migration(plan_rollback("init", five_migrations));
  CHECK_THAT(text, Catch::Contains("line    1  CREATE TABLE t") && Catch::Contains("line    3  DROP VIEW v") &&
                       Catch::Contains("applied"));
  std::vector<JoinedMigration> gone{five_migrations.front()};
  gone[0].local.reset();
  CHECK_THAT(describe_migration(plan_rollback("init", gone)), Catch::Contains("not known"));
}

}  // namespace
}  // namespace belay
