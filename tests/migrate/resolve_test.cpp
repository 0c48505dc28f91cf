#include "migrate/resolve.hpp"

#include "common/error.hpp"
#include "migrate/baseline.hpp"
#include "tests/migrate/history_facts.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using Names = std::vector<std::string>;

ResolvePlan resolved(Resolution resolution, const std::vector<HistoryRow>& rows, const std::string& name = "1_a") {
  return plan_resolve({resolution, name, folder_of({file_of("1_a"), file_of("none", std::nullopt)}), {true, rows}});
}

template <typename Plan>
std::string refusal(const Plan& plan) {
  try {
    (void)plan();
  } catch (const Error& error) {
    CHECK(error.kind == Failure::refused);
    return error.message;
  }
  return "none";
}

TEST_CASE("resolving as applied adds a row, and first marks the failed ones as rolled back") {
  const ResolvePlan fresh = resolved(Resolution::applied, {row_of("2_b", "failed")});
  CHECK(fresh.insert.value().name == "1_a");
  CHECK(fresh.failed_rows == 0);
  CHECK_FALSE(fresh.create_table);
  CHECK(resolved(Resolution::applied, {row_of("1_a", "rolled back"), row_of("1_a", "failed")}).failed_rows == 1);
  CHECK(plan_resolve({Resolution::applied, "1_a", folder_of({file_of("1_a")}), {}}).create_table);
}

TEST_CASE("resolving as applied has Prisma's refusals") {
  const auto say = [](const std::vector<HistoryRow>& rows, const std::string& name) {
    return refusal([&] { return resolved(Resolution::applied, rows, name); });
  };
  CHECK_THAT(say({row_of("1_a", "applied")}, "1_a"), Catch::Contains("P3008"));
  CHECK_THAT(say({row_of("1_a", "both")}, "1_a"), Catch::Contains("P3008"));
  CHECK_THAT(say({}, "a"), Catch::Contains("P3017"));
  CHECK_THAT(say({}, "none"), Catch::Contains("P3017"));
  MigrationsFolder other = folder_of({file_of("1_a")});
  other.lock_provider = "mysql";
  CHECK_THAT(refusal([&] { return plan_resolve({Resolution::applied, "1_a", other, {}}); }), Catch::Contains("P3019"));
}

TEST_CASE("resolving as rolled back needs no folder, and has Prisma's refusals") {
  const auto rolled = [](const History& history) {
    return plan_resolve({Resolution::rolled_back, "1_a", std::nullopt, history});
  };
  CHECK(rolled({true, {row_of("1_a", "failed")}}).failed_rows == 1);
  CHECK_FALSE(rolled({true, {row_of("1_a", "failed")}}).insert);
  // Prisma changes nothing here, and says that it did.
  CHECK(rolled({true, {row_of("1_a", "rolled back"), row_of("1_a", "applied")}}).failed_rows == 0);
  CHECK_THAT(refusal([&] { return rolled({}); }), Catch::Contains("there is no history"));
  CHECK_THAT(refusal([&] { return rolled({true, {row_of("2_b", "failed")}}); }), Catch::Contains("P3011"));
  CHECK_THAT(refusal([&] { return rolled({true, {row_of("1_a", "applied")}}); }), Catch::Contains("P3012"));
}

TEST_CASE("a baseline marks the folder in its order up to the named one, and leaves the rest pending") {
  BaselineFacts facts{.folder = folder_of({file_of("1_a"), file_of("2_b"), file_of("3_c", std::nullopt)}),
                      .history = {},
                      .up_to = "2_b",
                      .holds_objects = true};
  const BaselinePlan plan = plan_baseline(facts);
  REQUIRE(plan.applied.size() == 2);
  CHECK(plan.applied.back().name == "2_b");
  CHECK(plan.pending == Names{"3_c"});
  CHECK(plan.create_table);
  facts.up_to.reset();
  CHECK_THAT(refusal([&] { return plan_baseline(facts); }), Catch::Contains("P3017"));
  facts.up_to = "2";
  CHECK_THAT(refusal([&] { return plan_baseline(facts); }), Catch::Contains("P3017"));
}

TEST_CASE("a baseline is refused beside rows, on an empty database, and of an empty folder") {
  BaselineFacts facts{.folder = folder_of({file_of("1_a")}), .history = {true, {}}, .up_to = {}, .holds_objects = true};
  CHECK_FALSE(plan_baseline(facts).create_table);
  facts.history.rows = {row_of("gone", "rolled back")};
  CHECK_THAT(refusal([&] { return plan_baseline(facts); }), Catch::Contains("has a history already: 1 row"));
  facts.history.rows.clear();
  facts.holds_objects = false;
  CHECK_THAT(refusal([&] { return plan_baseline(facts); }), Catch::Contains("database is empty"));
  facts.holds_objects = true;
  facts.folder.migrations.clear();
  CHECK_THAT(refusal([&] { return plan_baseline(facts); }), Catch::Contains("no migration"));
}

}  // namespace
}  // namespace belay::test
