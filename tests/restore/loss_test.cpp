#include "restore/loss.hpp"

#include "restore/swap.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

using Kind = TableLoss::Kind;

TableContent then(const std::string& name, std::uint64_t rows, const std::string& hash = "h") {
  return {"public", name, {"a"}, rows, hash};
}
CountedTable now(const std::string& name, std::int64_t rows, std::optional<std::int64_t> fresh,
                 std::optional<std::int64_t> late = {}) {
  return {
      .schema = "public", .name = name, .columns = {"a"}, .rows = rows, .fresh = fresh, .uncertain = 0, .late = late};
}

/// Of one table that is on both sides.
std::vector<TableLoss> compare(const TableContent& before, const CountedTable& present,
                               std::optional<std::vector<TableContent>> content = {}) {
  return find_loss({.then = {{before}}, .now = {present}, .content = std::move(content)}).tables;
}

std::string told(const std::vector<TableLoss>& tables) {
  std::string text;
  for (const std::string& line : describe(Loss{tables, {}, {}})) text += line + "\n";
  return text;
}

TEST_CASE("rows written since a snapshot are counted exactly where their versions tell") {
  CHECK(compare(then("t", 10), now("t", 10, 0)).empty());
  CHECK(told(compare(then("t", 10), now("t", 13, 3))) ==
        "\"public\".\"t\": 3 rows new or changed, 0 rows deleted or changed\n");
  CHECK(told(compare(then("t", 10), now("t", 8, 1))) ==
        "\"public\".\"t\": 1 row new or changed, 3 rows deleted or changed\n");
  CHECK(told(compare(then("t", 10), now("t", 0, 0))) ==
        "\"public\".\"t\": 0 rows new or changed, 10 rows deleted or changed\n");
  CHECK(told(compare(then("t", 0), now("t", 4, 4))) ==
        "\"public\".\"t\": 4 rows new or changed, 0 rows deleted or changed\n");
}

TEST_CASE("a table of which every row is new was rewritten or loaded, and only its content can tell") {
  const TableContent before = then("t", 10);
  const std::vector<TableLoss> blind = compare(before, now("t", 12, 12));
  REQUIRE(blind.size() == 1);
  CHECK_FALSE(blind[0].exact);
  CHECK(told(blind) == "\"public\".\"t\": about 12 rows now, 10 then; they cannot be told apart one by one\n");
  CHECK(compare(before, now("t", 10, 10, 0), {{then("t", 10)}}).empty());
  const std::vector<TableLoss> later = compare(before, now("t", 11, 11, 2), {{then("t", 10)}});
  REQUIRE(later.size() == 1);
  CHECK(later[0].exact);
  CHECK(later[0].new_or_changed == 2);
  CHECK(later[0].gone_or_changed == 1);
  CHECK_FALSE(compare(before, now("t", 10, 10, 0), {{then("t", 10, "other")}}).at(0).exact);
}

TEST_CASE("where no snapshot can tell, equal content loses nothing and the rest is said as about") {
  CHECK(compare(then("t", 10), now("t", 10, {}, 0), {{then("t", 10)}}).empty());
  CHECK_FALSE(compare(then("t", 10), now("t", 10, {})).at(0).exact);
}

TEST_CASE("numbers that cannot be are not called exact") {
  CHECK_FALSE(compare(then("t", 10), now("t", 12, 1)).at(0).exact);
  CountedTable savepoints = now("t", 11, 1);
  savepoints.uncertain = 5;
  CHECK(told(compare(then("t", 10), savepoints)) ==
        "\"public\".\"t\": about 1 row new or changed, about 0 rows deleted or changed\n");
}

TEST_CASE("tables and columns that go away or come back are told, and tables that could not be counted") {
  CountedTable wider = now("wider", 1, 0), locked = now("locked", 0, 0);
  wider.columns = {"a", "b\"c"};
  locked.problem = "canceling statement due to lock timeout";
  const Loss loss = find_loss({.then = {{then("gone", 3), then("wider", 1), then("locked", 1)}},
                               .now = {now("new", 12345, 12345), wider, locked}});
  const std::string text = told(loss.tables);
  for (const std::string part :
       {"\"gone\": comes back with 3 rows", "\"new\": goes away with its 12,345 rows",
        "\"wider\": 0 rows new or changed, 0 rows deleted or changed; column \"b\"\"c\" goes away",
        "\"locked\": not known, canceling statement"})
    CHECK_THAT(text, Catch::Contains(part));
  const Json json = to_json(loss.tables);
  REQUIRE(json.size() == 4);
  CHECK(json[1].at("new_or_changed").is_null());
  CHECK(json[1].at("exact") == false);
  CHECK(json[2].at("new_or_changed") == 12345);
}

TEST_CASE("where the earlier tables are not known, only what is new is told") {
  const Loss loss = find_loss({.then = {}, .now = {now("t", 10, 2), now("same", 5, 0)}});
  CHECK(told(loss.tables) == "\"public\".\"t\": 2 rows new or changed, how many deleted is not known\n");
  CHECK(to_json(loss.tables)[0].at("gone_or_changed").is_null());
}

TEST_CASE("migrations are told by their rows: applied since, and as they were") {
  LossFacts facts{.then = {{then("_prisma_migrations", 2)}}, .now = {now("_prisma_migrations", 3, 2)}};
  facts.left_out = {{"public", "_prisma_migrations"}};
  facts.history_then = {{"1", "first", "c", "applied"}, {"2", "second", "c", "failed"}};
  facts.history_now = {
      {"1", "first", "c", "applied"}, {"2", "second", "c", "rolled back"}, {"3", "third", "c", "applied"}};
  const Loss loss = find_loss(facts);
  CHECK(loss.tables.empty());
  CHECK(loss.migrations_since == std::vector<std::string>{"second (rolled back)", "third (applied)"});
  CHECK(loss.migrations_returning == std::vector<std::string>{"second (failed)"});
  CHECK_FALSE(loss.none());
}

TEST_CASE("very many tables are told in part, and all of them in JSON") {
  Loss loss;
  for (int i = 0; i < 100; ++i) loss.tables.push_back({.schema = "s", .name = std::to_string(i), .new_or_changed = 1});
  CHECK(describe(loss).size() == 41);
  CHECK(describe(loss).back() == "and 60 more tables (all of them: --json)");
  CHECK(to_json(loss.tables).size() == 100);
}

TEST_CASE("a marker tells the moment of its swap, or that it does not know it") {
  Marker marker;
  CHECK_FALSE(swapped_at(marker));
  marker.details["swapped"] = {{"snapshot", "5:9:6"}, {"database_oid", "77"}};
  REQUIRE(swapped_at(marker));
  CHECK(swapped_at(marker)->snapshot == "5:9:6");
  CHECK(swapped_at(marker)->database_oid == "77");
  marker.details["swapped"] = "yes";
  CHECK_FALSE(swapped_at(marker));
}

}  // namespace
}  // namespace belay
