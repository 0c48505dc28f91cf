#include "migrate/status.hpp"

#include "common/error.hpp"
#include "migrate/history_verb.hpp"
#include "tests/migrate/history_facts.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using Names = std::vector<std::string>;

StatusReport judged(const std::vector<Migration>& files, const std::vector<HistoryRow>& rows) {
  return judge_status({folder_of(files), {true, rows}, {}});
}

TEST_CASE("a status is up to date only where every folder is applied unedited and every row has its folder") {
  CHECK(judged({file_of("1_a")}, {row_of("1_a", "applied")}).up_to_date());
  CHECK(judged({}, {}).up_to_date());
  CHECK(judged({file_of("1_a")}, {}).pending == Names{"1_a"});
  CHECK(judged({file_of("1_a")}, {row_of("1_a", "failed")}).failed == Names{"1_a"});
  CHECK(judged({}, {row_of("1_a", "failed")}).failed == Names{"1_a"});
  CHECK(judged({file_of("1_a")}, {row_of("1_a", "rolled back")}).rolled_back == Names{"1_a"});
  CHECK(judged({file_of("1_a", "SELECT 2")}, {row_of("1_a", "applied")}).edited == Names{"1_a"});
  CHECK(judged({}, {row_of("1_a", "applied")}).missing == Names{"1_a"});
  CHECK(judged({file_of("1_a", std::nullopt)}, {row_of("1_a", "applied")}).unreadable == Names{"1_a"});
}

TEST_CASE("a failed migration that was rolled back, and its folder removed, is settled") {
  CHECK(judged({}, {row_of("1_a", "rolled back")}).up_to_date());
  CHECK(judged({file_of("1_a")}, {row_of("1_a", "rolled back"), row_of("1_a", "applied")}).up_to_date());
}

TEST_CASE("a corrected file of a failed migration counts as failed and not as edited as well") {
  const StatusReport report = judged({file_of("1_a", "SELECT 2")}, {row_of("1_a", "failed")});
  CHECK(report.failed == Names{"1_a"});
  CHECK(report.edited.empty());
}

TEST_CASE("a status ends with Prisma's own sentence") {
  const auto text = [](const StatusReport& report) { return describe_report(report); };
  CHECK_THAT(text(judged({file_of("1_a")}, {row_of("1_a", "applied")})),
             Catch::EndsWith("applied 2026-11-21 13:07:00 UTC\n\nDatabase schema is up to date!\n"));
  CHECK_THAT(text(judged({file_of("1_a")}, {})),
             Catch::Contains("1 migration found in prisma/migrations\n  1_a  pending\n\n"
                             "Following migration have not yet been applied:\n1_a\n\n"));
  CHECK_THAT(text(judged({file_of("1_a"), file_of("2_b")}, {})),
             Catch::Contains("2 migrations found") &&
                 Catch::Contains("Following migrations have not yet been applied:\n1_a\n2_b\n\n"));
  CHECK_THAT(text(judged({file_of("1_a"), file_of("3_c")}, {row_of("1_a", "applied"), row_of("2_b", "applied")})),
             Catch::Contains("are different:\n\nThe last common migration is: 1_a\n\nThe migration have not yet been "
                             "applied:\n3_c\n\nThe migration from the database are not found locally in "
                             "prisma/migrations:\n2_b\n"));
  CHECK_THAT(text(judged({}, {row_of("1_a", "failed")})),
             Catch::Contains("failed, started 2026-11-21 13:06:00 UTC, missing locally\n") &&
                 Catch::Contains("Following migration have failed:\n1_a\n") &&
                 Catch::Contains("resolve --rolled-back \"1_a\""));
  CHECK_THAT(text(judge_status({folder_of({}), {}, {}})),
             Catch::EndsWith("\nThe current database is not managed by Prisma Migrate.\n"));
  CHECK_THAT(text(judge_status({folder_of({file_of("1_a")}), {}, {"orders"}})), Catch::Contains("P3005"));
}

TEST_CASE("a status of a folder for another database system is refused with Prisma's code") {
  MigrationsFolder folder = folder_of({});
  folder.lock_provider = "mysql";
  CHECK_THROWS_WITH(judge_status({folder, {}, {}}), Catch::Contains("P3019"));
}

TEST_CASE("one migration is applied where a row says so and none says failed, with its folder or without") {
  const auto applied = [](const std::vector<HistoryRow>& rows) {
    return is_applied(
        find_joined(folder_of({file_of("1_a")}), {true, rows}, rows.empty() ? "1_a" : rows[0].migration_name));
  };
  CHECK(applied({row_of("1_a", "applied")}));
  CHECK(applied({row_of("gone", "applied")}));
  CHECK(applied({row_of("1_a", "rolled back"), row_of("1_a", "applied")}));
  CHECK_FALSE(applied({}));
  CHECK_FALSE(applied({row_of("1_a", "rolled back")}));
  CHECK_FALSE(applied({row_of("1_a", "both")}));
  CHECK_FALSE(applied({row_of("1_a", "applied"), row_of("1_a", "failed")}));
}

}  // namespace
}  // namespace belay::test
