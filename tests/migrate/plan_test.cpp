#include "migrate/plan.hpp"

#include "common/error.hpp"
#include "common/sha256.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

Migration file(const std::string& name, const std::optional<std::string>& script) {
  return {name, name + "/migration.sql", script, script ? sha256_hex(*script) : ""};
}

HistoryRow row(const std::string& name, const std::string& state, const std::string& script = "SELECT 1") {
  HistoryRow r;
  r.migration_name = name;
  r.checksum = sha256_hex(script);
  r.started_at = "2024-01-01";
  if (state == "applied") r.finished_at = "2024-01-01";
  if (state == "rolled back") r.rolled_back_at = "2024-01-01";
  return r;
}

MigrationFacts facts(const std::vector<Migration>& files, const std::vector<HistoryRow>& rows) {
  MigrationFacts f;
  f.folder.path = "prisma/migrations";
  f.folder.migrations = files;
  f.folder.lock_provider = "postgresql";
  f.history = {true, rows};
  return f;
}

std::string refusal(const MigrationFacts& f) {
  try {
    (void)plan_migrations(f);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::refused);
    return error.message + "\n" + error.detail;
  }
  return "none";
}

std::vector<std::string> pending(const MigrationFacts& f) {
  std::vector<std::string> names;
  for (const PendingMigration& p : plan_migrations(f).pending) names.push_back(p.migration.name);
  return names;
}

TEST_CASE("pending is what has a folder and no row but rolled back ones, in the folder's order") {
  const std::vector<Migration> files{file("1_a", "SELECT 1"), file("2_b", "SELECT 1"), file("3_c", "SELECT 1"),
                                     file("4_d", "SELECT 1")};
  CHECK(pending(facts(files, {})) == std::vector<std::string>{"1_a", "2_b", "3_c", "4_d"});
  CHECK(pending(facts(files, {row("2_b", "applied"), row("1_a", "rolled back"), row("gone", "applied")})) ==
        std::vector<std::string>{"1_a", "3_c", "4_d"});
  CHECK(pending(facts(files, {row("1_a", "rolled back"), row("1_a", "applied")})) ==
        std::vector<std::string>{"2_b", "3_c", "4_d"});
}

TEST_CASE("Prisma's refusals come in Prisma's order, with its codes") {
  MigrationFacts f = facts({file("1_a", std::nullopt)}, {});
  CHECK_THAT(refusal(f), Catch::Contains("P3015"));
  f.history.rows = {row("0_gone", "failed")};
  CHECK_THAT(refusal(f), Catch::Contains("P3009") && Catch::Contains("0_gone"));
  f.history = {false, {}};
  f.foreign_tables = {"orders"};
  CHECK_THAT(refusal(f), Catch::Contains("P3005") && Catch::Contains("orders"));
  f.folder.lock_provider = "sqlite";
  CHECK_THAT(refusal(f), Catch::Contains("P3019") && Catch::Contains("sqlite"));
}

TEST_CASE("what is no reason to refuse: no lock file, tables beside a history, an unreadable file that was applied") {
  MigrationFacts f = facts({file("1_a", std::nullopt)}, {row("1_a", "applied")});
  f.folder.lock_provider.reset();
  f.foreign_tables = {"orders"};
  CHECK(refusal(f) == "none");
}

TEST_CASE("a migration that is not one transaction is warned about, with its statement and line") {
  struct Case {
    std::string script, told;
    bool atomic;
  };
  const std::vector<Case> cases{{"CREATE TABLE a ();", "", true},
                                {"SELECT 1;\nCOMMIT;", "COMMIT in line 2", false},
                                {"CREATE INDEX CONCURRENTLY i ON a (b);", "in line 1", false},
                                {"THIS IS NO SQL", "not understood", false}};
  for (const Case& c : cases) {
    CAPTURE(c.script);
    const MigrationPlan plan = plan_migrations(facts({file("1_a", c.script)}, {}));
    CHECK(plan.all_atomic() == c.atomic);
    CHECK(plan.warnings.size() == (c.told.empty() ? 0U : 1U));
    if (!c.told.empty()) CHECK_THAT(plan.warnings.at(0), Catch::Contains(c.told));
  }
}

TEST_CASE("an applied migration whose file was edited is warned about, and is not applied again") {
  const MigrationPlan plan = plan_migrations(facts({file("1_a", "SELECT 2")}, {row("1_a", "applied")}));
  CHECK(plan.pending.empty());
  REQUIRE(plan.warnings.size() == 1);
  CHECK_THAT(plan.warnings[0], Catch::Contains("1_a") && Catch::Contains("edited"));
}

}  // namespace
}  // namespace belay
