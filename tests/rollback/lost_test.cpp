#include "rollback/lost.hpp"

#include "rollback/archive_script.hpp"
#include "rollback/recover_plan.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

constexpr const char* pg_class = "pg_class";

void add_table(CatalogState& state, std::uint32_t oid, const std::string& name,
               const std::vector<std::string>& columns) {
  const ObjectId id{pg_class, oid, 0};
  state.objects[id] = {.id = id, .kind = ObjectKind::table, .schema = "s", .name = name, .parent = {}, .facts = {}};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ObjectId column{pg_class, oid, static_cast<int>(i) + 1};
    state.objects[column] = {.id = column,
                             .kind = ObjectKind::column,
                             .schema = "s",
                             .name = columns[i],
                             .parent = id,
                             .facts = {{"type", "integer"}}};
  }
}

void add_constraint(CatalogState& state, std::uint32_t oid, std::uint32_t table,
                    std::map<std::string, std::string> facts) {
  const ObjectId id{"pg_constraint", oid, 0};
  state.objects[id] = {.id = id,
                       .kind = ObjectKind::constraint,
                       .schema = "s",
                       .name = "c" + std::to_string(oid),
                       .parent = ObjectId{pg_class, table, 0},
                       .facts = std::move(facts)};
}

CatalogState earlier_state() {
  CatalogState state;
  add_table(state, 10, "child", {"id", "parent"});
  add_table(state, 20, "parent", {"id", "sum"});
  add_table(state, 30, "stays", {"a", "b", "gone"});
  add_constraint(state, 11, 10, {{"type", "f"}, {"columns", "2"}, {"references", "20"}, {"referenced columns", "1"}});
  add_constraint(state, 21, 20, {{"type", "p"}, {"columns", "1"}});
  add_constraint(state, 31, 30, {{"type", "p"}, {"columns", "2,1"}});
  state.objects[{pg_class, 20, 2}].facts["generated"] = "1 + 1";
  return state;
}

CatalogState later_state() {
  CatalogState state = earlier_state();
  std::erase_if(state.objects, [](const auto& entry) {
    return entry.first.oid < 30 || entry.first == ObjectId{pg_class, 30, 3};
  });
  return state;
}

TEST_CASE("lost tables come parents first, without generated columns, and lost columns with their table's key") {
  const LostRows lost = lost_rows(earlier_state(), later_state());
  REQUIRE(lost.tables.size() == 2);
  CHECK(lost.tables[0].name == "parent");
  CHECK(lost.tables[0].columns == std::vector<std::string>{"id"});
  CHECK(lost.tables[1].name == "child");
  CHECK(lost.tables[1].key.empty());
  REQUIRE(lost.columns.size() == 1);
  CHECK(lost.columns[0].name == "gone");
  CHECK(lost.columns[0].key == std::vector<std::string>{"b", "a"});
  CHECK(lost_rows(earlier_state(), earlier_state()).empty());
}

TEST_CASE("what is not in the backup cannot be brought back, and the reason names it") {
  const CatalogState before = earlier_state(), after = later_state();
  ContentFingerprint backup;
  backup.tables = {{.schema = "s", .name = "parent", .columns = {"id"}, .rows = 5, .hash = {}},
                   {.schema = "s", .name = "stays", .columns = {"a", "b"}, .rows = 5, .hash = {}}};
  const RecoverPlan plan = plan_recovery({before, after, after, before}, backup);
  REQUIRE(plan.items.size() == 1);
  CHECK(plan.items[0].describe() == "table \"s\".\"parent\"");
  CHECK(plan.refused == std::vector<std::string>{"table \"s\".\"child\": it is not in that backup",
                                                 "column \"s\".\"stays\".\"gone\": it is not in that backup"});
}

TEST_CASE("a lost file's name holds no byte that a file name should not, and no more than a folder takes") {
  CHECK(lost_file_name("my db", "20261105_101500", "2024_x/y") == "lost_my%20db_20261105_101500_2024_x%2Fy.sql.zst");
  CHECK(lost_file_name(std::string(63, 'd'), "20261105_101500", std::string(300, 'm')).size() < 255);
  CHECK(lost_file_name(std::string(63, '"'), "20261105_101500", std::string(300, 'm')).size() < 240);
}

}  // namespace
}  // namespace belay::test
