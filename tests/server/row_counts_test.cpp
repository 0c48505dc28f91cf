#include "migrate/row_counts.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

using Catch::Contains;

/// The findings after `sql` on three tables with a hundred rows each, all counted beforehand.
class CountBench {
 public:
  CountBench() {
    db.sql(
        "CREATE TABLE orders (id integer PRIMARY KEY, note text); CREATE TABLE lines (id integer PRIMARY KEY, "
        "orders_id "
        "integer REFERENCES orders ON DELETE CASCADE); CREATE TABLE other (id integer);"
        "INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 100) i; INSERT INTO lines SELECT i, i FROM "
        "generate_series(1, 100) i; INSERT INTO other SELECT generate_series(1, 100)");
  }
  [[nodiscard]] TablesBefore before(const std::vector<std::string>& critical) const {
    Connection session = db.connect();
    Manifest backup;
    for (const char* name : {"orders", "lines", "other"})
      backup.content.tables.push_back({.schema = "public", .name = name, .columns = {}, .rows = 100, .hash = {}});
    backup.snapshot.counters = {{"public", "orders", 100}, {"public", "lines", 100}, {"public", "other", 100}};
    return read_tables_before(session, {.critical = critical}, &backup);
  }
  [[nodiscard]] std::string after(const std::string& sql, const std::vector<std::string>& critical = {},
                                  const std::vector<std::string>& expected = {}) const {
    const TablesBefore then = before(critical);
    db.sql(sql);
    const Script script = parse_script(sql);
    Connection session = db.connect();
    std::string text;
    const CountSettings settings{.critical = critical, .expected = expected};
    const Losses losses = find_losses(count_after(session, then, taken_from({&script}), settings).tables);
    for (const std::string& line : losses.critical) text += line + "\n";
    for (const std::string& line : losses.others) text += line + "\n";
    return text;
  }
  TestDatabase db{"counts"};
};

TEST_CASE("a loss that the SQL says is fine, except of a critical table") {
  CHECK(CountBench{}.after("DELETE FROM orders WHERE id <= 50; DELETE FROM lines") == "");
  CHECK_THAT(CountBench{}.after("DELETE FROM lines WHERE id = 1", {"lines"}), Contains("\"lines\" lost 1 of 100 rows"));
  CHECK(CountBench{}.after("TRUNCATE other") == "");
  CHECK(CountBench{}.after("DROP TABLE other") == "");
  CHECK_THAT(CountBench{}.after("DROP TABLE other", {"public.other"}), Contains("it is gone"));
}

TEST_CASE("a loss that the SQL does not name is found: by a cascade, by a function, by a table that takes its place") {
  CHECK_THAT(CountBench{}.after("DELETE FROM orders WHERE id <= 2"), Contains("\"lines\" lost 2 of 100 rows"));
  CHECK(CountBench{}.after("DELETE FROM orders WHERE id <= 2", {}, {"lines"}) == "");
  CHECK(CountBench{}.after("DELETE FROM orders WHERE id = 1") == "");
  const CountBench bench;
  bench.db.sql("CREATE FUNCTION clear() RETURNS void LANGUAGE sql AS 'DELETE FROM other WHERE id > 10'");
  CHECK_THAT(bench.after("SELECT clear()"), Contains("\"other\" lost 90 of 100 rows"));
  CHECK_THAT(
      CountBench{}.after("CREATE TABLE new AS SELECT * FROM other WHERE id > 1; DROP TABLE other; ALTER TABLE new "
                         "RENAME TO other",
                         {"other"}),
      Contains("\"other\" lost 1 of 100 rows"));
}

TEST_CASE("a table is followed when it is renamed, or moved to another schema") {
  CHECK(CountBench{}.after("ALTER TABLE other RENAME TO renamed", {"other"}) == "");
  CHECK(CountBench{}.after("CREATE SCHEMA s; ALTER TABLE other SET SCHEMA s", {"other"}) == "");
  CHECK_THAT(CountBench{}.after("ALTER TABLE other RENAME TO renamed; DELETE FROM renamed WHERE id = 1", {"other"}),
             Contains("\"other\" lost 1 of 100 rows"));
}

TEST_CASE("a partition's loss is accounted for where the partitioned table is named") {
  const CountBench bench;
  bench.db.sql(
      "CREATE TABLE p (id integer) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) "
      "TO (1000); INSERT INTO p SELECT generate_series(1, 100)");
  CHECK_THAT(bench.after("DELETE FROM p WHERE id = 1", {"p"}), Contains("\"p\" lost 1 of 100 rows"));
}

TEST_CASE("a critical table that is not there, or whose name fits several, is refused") {
  const CountBench bench;
  bench.db.sql(
      "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.twice (); CREATE TABLE b.twice (); CREATE TABLE a.orders ()");
  Connection session = bench.db.connect();
  CHECK_THROWS_WITH(require_critical_tables(session, {.critical = {"nothing"}}),
                    Contains("there is no table \"nothing\""));
  CHECK_THROWS_WITH(require_critical_tables(session, {.critical = {"twice"}}), Contains("fits several"));
  CHECK_NOTHROW(require_critical_tables(session, {.critical = {"orders", "b.twice", "public.orders"}}));
}

TEST_CASE("tables that were rewritten, or whose column got another type, are analyzed, and no others") {
  const CountBench bench;
  const TablesBefore then = bench.before({});
  bench.db.sql(
      "ALTER TABLE orders ALTER id TYPE bigint; ALTER TABLE other ADD b integer; ALTER TABLE lines ADD c text");
  Connection session = bench.db.connect();
  CHECK(analyze_changed(session, then) == std::vector<std::string>{"\"public\".\"orders\""});
  CHECK(bench.db.value("SELECT reltuples FROM pg_class WHERE relname = 'orders'") == "100");
  CHECK(bench.db.value("SELECT count(*) FROM pg_stats WHERE tablename = 'orders'") == "2");
}

TEST_CASE("a table that another session has locked is neither counted nor analyzed, and does not stop the others",
          "[long]") {
  const CountBench bench;
  const TablesBefore then = bench.before({});
  bench.db.sql("ALTER TABLE orders ALTER id TYPE bigint; DELETE FROM other");
  Connection holder = bench.db.connect();
  holder.run("BEGIN");
  holder.run("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
  Connection session = bench.db.connect();
  const std::vector<std::string> analyzed = analyze_changed(session, then);
  REQUIRE(analyzed.size() == 1);
  CHECK_THAT(analyzed.front(), Contains("\"orders\": canceling statement due to lock timeout"));
  const RowCounts counts = count_after(session, then, {}, {});
  REQUIRE(counts.not_counted.size() == 1);
  CHECK_THAT(counts.not_counted.front(), Contains("\"orders\": canceling"));
  CHECK(find_losses(counts.tables).others.size() == 1);
}

}  // namespace
}  // namespace belay::test
