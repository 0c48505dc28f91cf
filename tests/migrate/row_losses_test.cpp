#include "migrate/row_losses.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

TakenFrom found_in(const std::string& sql) {
  const Script script = parse_script(sql);
  return taken_from({&script});
}

TEST_CASE("the tables that a script takes rows from are found, wherever it says so") {
  struct Case {
    std::string sql;
    bool named;
  };
  for (const Case& c : {
           Case{"DELETE FROM orders WHERE id > 3", true},
           Case{"DELETE FROM public.orders", true},
           Case{"DELETE FROM other.orders", false},
           Case{"DELETE FROM lines USING orders", false},
           Case{"UPDATE orders SET id = 1", false},
           Case{"TRUNCATE lines, orders", true},
           Case{"DROP TABLE IF EXISTS lines, orders CASCADE", true},
           Case{"DROP VIEW orders", false},
           Case{"DROP SCHEMA public CASCADE", true},
           Case{"DROP SCHEMA other CASCADE", false},
           Case{"WITH gone AS (DELETE FROM orders RETURNING *) INSERT INTO archive SELECT * FROM gone", true},
           Case{"DO $$ BEGIN DELETE FROM orders; END $$", true},
           Case{"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM orders'; SELECT f()", true},
           Case{"ALTER TABLE orders RENAME TO sales; DELETE FROM sales", true},
           Case{"ALTER TABLE orders RENAME TO a; ALTER TABLE a RENAME TO b; TRUNCATE b", true},
           Case{"ALTER TABLE orders DROP COLUMN note", false},
           Case{"not SQL at all", false},
       }) {
    INFO(c.sql);
    CHECK(found_in(c.sql).names("public", "orders") == c.named);
  }
}

TEST_CASE("a critical table may lose nothing, another one a hundredth, or what the SQL accounts for") {
  struct Case {
    std::uint64_t before, after;
    bool critical, accounted, fails;
  };
  for (const Case& c :
       {Case{100, 100, true, false, false}, Case{100, 99, true, false, true}, Case{100, 99, true, true, true},
        Case{100, 200, true, false, false}, Case{100, 99, false, false, false}, Case{100, 98, false, false, true},
        Case{100, 0, false, true, false}, Case{1, 0, false, false, true}, Case{0, 0, true, false, false}}) {
    CAPTURE(c.before, c.after, c.critical, c.accounted);
    const RowCount table{.schema = "public",
                         .name = "orders",
                         .name_now = "x",
                         .before = c.before,
                         .after = c.after,
                         .critical = c.critical,
                         .accounted = c.accounted};
    const Losses losses = find_losses({table});
    CHECK(losses.critical.size() == (c.fails && c.critical ? 1U : 0U));
    CHECK(losses.others.size() == (c.fails && !c.critical ? 1U : 0U));
  }
}

TEST_CASE("a loss is told with table and numbers") {
  const RowCount gone{.schema = "public", .name = "Orders", .name_now = "", .before = 10, .after = 0, .critical = true};
  CHECK(find_losses({gone}).critical.at(0) ==
        "table \"public\".\"Orders\" lost 10 of 10 rows (it is gone); it is a --critical-table");
}

}  // namespace
}  // namespace belay
