// The history on a real server: the table, its rows and Prisma's lock.
#include "common/history.hpp"

#include <cstdlib>
#include <functional>
#include <future>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "common/sha256.hpp"
#include "common/sql_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

using belay::Connection;
using belay::Error;
using belay::Failure;
using belay::History;
using belay::Migration;
using belay::quote_identifier;
using belay::test::Owner;
using belay::test::TestDatabase;
using std::chrono::milliseconds;

namespace {

Migration migration(const std::string& name, const std::string& script = "SELECT 1") {
  return {name, name + "/migration.sql", script, belay::sha256_hex(script)};
}

Error refused(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind == Failure::refused);
    return error;
  }
  FAIL("nothing was refused");
  return Error{Failure::bug, ""};
}

/// Sets an environment variable for as long as it stands.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~EnvironmentVariable() { ::unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
};

const std::vector<std::string> odd_names{
    "public",      "App",       "with \"quotes\"",  "with 'apostrophe'", "-leading dash",
    "line\nbreak", "schéma 中", "semi;colon -- $1", std::string(63, 'x')};

}  // namespace

TEST_CASE("the history table is the one that Prisma makes") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "app");
  CHECK(database.column("SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull "
                        "THEN ' not null' ELSE '' END || "
                        "coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') FROM pg_attribute a LEFT JOIN "
                        "pg_attrdef d ON d.adrelid = a.attrelid "
                        "AND d.adnum = a.attnum WHERE a.attrelid = 'app._prisma_migrations'::regclass AND a.attnum > 0 "
                        "ORDER BY a.attnum") ==
        std::vector<std::string>{
            "id character varying(36) not null", "checksum character varying(64) not null",
            "finished_at timestamp with time zone", "migration_name character varying(255) not null", "logs text",
            "rolled_back_at timestamp with time zone", "started_at timestamp with time zone not null default now()",
            "applied_steps_count integer not null default 0"});
  CHECK(database.column("SELECT indexdef FROM pg_indexes WHERE schemaname = 'app'") ==
        std::vector<std::string>{
            "CREATE UNIQUE INDEX _prisma_migrations_pkey ON app._prisma_migrations USING btree (id)"});
}

TEST_CASE("a missing table or schema is an empty history, and reading creates nothing") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  for (const std::string schema : {"public", "missing"}) {
    const History history = belay::read_history(db, schema);
    CHECK_FALSE(history.table_exists);
    CHECK(history.rows.empty());
  }
  CHECK(database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'missing'") == "0");
  CHECK(database.value("SELECT count(*) FROM pg_class WHERE relname = '_prisma_migrations'") == "0");
}

TEST_CASE("schemas and migrations may have any name") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  for (const std::string& name : odd_names) {
    CAPTURE(name);
    belay::create_history_table(db, name);
    const std::string id = belay::insert_started(db, name, migration(name));
    belay::mark_finished(db, name, id);
    const History history = belay::read_history(db, name);
    REQUIRE(history.rows.size() == 1);
    CHECK(history.rows[0].migration_name == name);
    CHECK(history.rows[0].applied());
    CHECK(belay::mark_taken_back(db, name, name) == 1);
    CHECK(belay::delete_row(db, name, id) == 1);
    belay::drop_empty_history_table(db, name);
    CHECK_FALSE(belay::read_history(db, name).table_exists);
  }
}

TEST_CASE("a started row is what Prisma inserts, a finished one what it leaves") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  const std::string id = belay::insert_started(db, "public", migration("m", "CREATE TABLE t ()"));
  CHECK(std::regex_match(id, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
  const std::string columns =
      "SELECT concat_ws('|', checksum, finished_at IS NULL, migration_name, logs IS NULL, rolled_back_at IS NULL, "
      "abs(extract(epoch FROM started_at - clock_timestamp())) < 60, applied_steps_count) FROM _prisma_migrations";
  const std::string checksum = belay::sha256_hex("CREATE TABLE t ()");
  CHECK(database.value(columns) == checksum + "|t|m|t|t|t|0");
  belay::mark_finished(db, "public", id);
  CHECK(database.value(columns) == checksum + "|f|m|t|t|t|1");
  CHECK(database.value("SELECT finished_at >= started_at FROM _prisma_migrations") == "t");
}

TEST_CASE("a started row's ids are never the same") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  for (int i = 0; i < 50; ++i) (void)belay::insert_started(db, "public", migration("m"));
  CHECK(database.value("SELECT count(DISTINCT id) FROM _prisma_migrations") == "50");
}

TEST_CASE("times are read in UTC with microseconds, whatever the session's settings") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  database.sql(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, rolled_back_at) VALUES "
      "('1', 'c', 'm', '2026-03-29 03:30:00.123456+02', '2026-03-29 01:30:00.5Z', 'infinity')");
  db.run_script("SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'");
  const History history = belay::read_history(db, "public");
  REQUIRE(history.rows.size() == 1);
  CHECK(history.rows[0].started_at == "2026-03-29T01:30:00.123456Z");
  CHECK(history.rows[0].finished_at == "2026-03-29T01:30:00.500000Z");
  CHECK(history.rows[0].rolled_back_at == "infinity");
}

TEST_CASE("written times do not depend on the session's settings") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  db.run_script("SET TimeZone = 'Pacific/Auckland'; SET DateStyle = 'SQL, DMY'");
  belay::create_history_table(db, "public");
  belay::mark_finished(db, "public", belay::insert_started(db, "public", migration("m")));
  CHECK(database.value(
            "SELECT abs(extract(epoch FROM finished_at - clock_timestamp())) < 60 FROM _prisma_migrations") == "t");
}

TEST_CASE("rows come in the order of their start") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  database.sql(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ('c', 'x', 'third', "
      "'2026-03-03'), "
      "('a', 'x', 'first', '2026-01-01'), ('b', 'x', 'second', '2026-02-02')");
  std::vector<std::string> names;
  for (const auto& row : belay::read_history(db, "public").rows) names.push_back(row.migration_name);
  CHECK(names == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("a failed row keeps its start and its log, and is rolled back by name once") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  const std::string log = "ERROR: quote ' backslash \\ and ünïcode\nsecond line";
  (void)belay::insert_failed(db, "public", migration("m"), belay::parse_iso_utc("2026-01-01T00:00:00.000001Z"), log);
  const std::string other = belay::insert_started(db, "public", migration("m"));
  belay::mark_failed(db, "public", other, log);
  belay::mark_finished(db, "public", belay::insert_started(db, "public", migration("other")));
  History history = belay::read_history(db, "public");
  CHECK(history.rows.at(0).started_at == "2026-01-01T00:00:00.000001Z");
  CHECK(history.rows.at(0).logs == log);
  CHECK(history.rows.at(0).failed());
  CHECK(history.rows.at(1).logs == log);
  CHECK(belay::mark_failed_rolled_back(db, "public", "m") == 2);
  CHECK(belay::mark_failed_rolled_back(db, "public", "m") == 0);
  CHECK(belay::mark_failed_rolled_back(db, "public", "other") == 0);
  history = belay::read_history(db, "public");
  CHECK(history.rows.at(0).rolled_back_at);
  CHECK_FALSE(history.rows.at(0).failed());
}

TEST_CASE("a migration taken back has rolled_back_at and no finished_at, never both") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  belay::mark_finished(db, "public", belay::insert_started(db, "public", migration("m")));
  CHECK(belay::mark_taken_back(db, "public", "m") == 1);
  CHECK(belay::mark_taken_back(db, "public", "m") == 0);
  CHECK(database.value("SELECT finished_at IS NULL AND rolled_back_at IS NOT NULL AND applied_steps_count = 1 FROM "
                       "_prisma_migrations") == "t");
}

TEST_CASE("a row that vanished is not finished in silence") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  CHECK_THROWS_AS(belay::mark_finished(db, "public", "nobody"), Error);
  CHECK_THROWS_AS(belay::mark_failed(db, "public", "nobody", "log"), Error);
  CHECK(belay::delete_row(db, "public", "nobody") == 0);
}

TEST_CASE("a table that is not Prisma's is refused with the column's name") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  const std::vector<std::pair<std::string, std::string>> harms{
      {"ALTER TABLE _prisma_migrations DROP COLUMN logs", "no column \"logs\""},
      {"ALTER TABLE _prisma_migrations RENAME started_at TO begun_at; ALTER TABLE _prisma_migrations ALTER begun_at "
       "DROP NOT NULL",
       "no column \"started_at\""},
      {"ALTER TABLE _prisma_migrations ALTER finished_at TYPE timestamp",
       "\"finished_at\" has the type timestamp without time zone"},
      {"ALTER TABLE _prisma_migrations ALTER applied_steps_count DROP DEFAULT, ALTER applied_steps_count TYPE text",
       "\"applied_steps_count\""},
      {"ALTER TABLE _prisma_migrations ADD COLUMN tenant text NOT NULL", "\"tenant\" is unknown to Prisma"}};
  for (const auto& [harm, says] : harms) {
    belay::create_history_table(db, "public");
    REQUIRE_NOTHROW(belay::read_history(db, "public"));
    database.sql(harm);
    CHECK_THAT(refused([&] { (void)belay::read_history(db, "public"); }).detail, Catch::Contains(says));
    database.sql("DROP TABLE _prisma_migrations");
  }
  database.sql("CREATE VIEW _prisma_migrations AS SELECT 1 AS id");
  CHECK_THAT(refused([&] { (void)belay::read_history(db, "public"); }).detail, Catch::Contains("a view"));
}

TEST_CASE("further columns that need no value are Prisma's to ignore, and belay's") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  database.sql(
      "ALTER TABLE _prisma_migrations ADD COLUMN note text, ADD COLUMN host text NOT NULL DEFAULT 'x', ADD COLUMN n "
      "int GENERATED ALWAYS AS IDENTITY");
  (void)belay::insert_started(db, "public", migration("m"));
  CHECK(belay::read_history(db, "public").rows.size() == 1);
}

TEST_CASE("a database of Prisma 8 is recognised and refused") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  database.sql("CREATE SCHEMA prisma_contract; CREATE TABLE prisma_contract.marker (id int)");
  CHECK_THAT(refused([&] { (void)belay::read_history(db, "public"); }).message, Catch::Contains("Prisma 8"));
}

TEST_CASE("only ordinary tables in the schema stand in the way of a first deploy") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  database.sql(
      "CREATE TABLE orders (id int); CREATE TABLE \"Spatial_Ref_Sys\" (); CREATE TABLE geometry_columns (); CREATE "
      "VIEW v AS SELECT 1; "
      "CREATE MATERIALIZED VIEW mv AS SELECT 1; CREATE TYPE e AS ENUM ('a'); CREATE SEQUENCE s; CREATE TABLE parted (a "
      "int) PARTITION BY LIST (a); "
      "CREATE SCHEMA other; CREATE TABLE other.t (); CREATE TABLE \"Zebra\" ()");
  CHECK(belay::foreign_tables_before_history(db, "public") == std::vector<std::string>{"Zebra", "orders"});
  CHECK(belay::foreign_tables_before_history(db, "other") == std::vector<std::string>{"t"});
  CHECK(belay::foreign_tables_before_history(db, "missing").empty());
}

TEST_CASE("the history table is dropped only while it is empty") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  belay::create_history_table(db, "public");
  const std::string id = belay::insert_started(db, "public", migration("m"));
  belay::drop_empty_history_table(db, "public");
  CHECK(belay::read_history(db, "public").rows.size() == 1);
  (void)belay::delete_row(db, "public", id);
  belay::drop_empty_history_table(db, "public");
  CHECK_FALSE(belay::read_history(db, "public").table_exists);
  belay::drop_empty_history_table(db, "public");  // nothing there: nothing to do
}

TEST_CASE("Prisma's lock is the one that Prisma takes, and is released") {
  const TestDatabase database{"history"};
  Connection db = database.connect();
  CHECK_FALSE(belay::holds_prisma_lock(db));
  belay::take_prisma_lock(db, milliseconds{0});
  CHECK(belay::holds_prisma_lock(db));
  CHECK(database.value("SELECT pg_try_advisory_lock(72707369)") == "f");
  belay::release_prisma_lock(db);
  CHECK_FALSE(belay::holds_prisma_lock(db));
  CHECK(database.value("SELECT pg_try_advisory_lock(72707369)") == "t");
  belay::release_prisma_lock(db);  // not held: nothing to do
}

TEST_CASE("a held lock is refused with Prisma's code and the holder's name") {
  const TestDatabase database{"history"};
  Connection holder = database.connect();
  holder.run_script("SET application_name = 'prisma deploy'");
  belay::take_prisma_lock(holder, milliseconds{0});
  Connection db = database.connect();
  const auto start = std::chrono::steady_clock::now();
  const Error error = refused([&] { belay::take_prisma_lock(db, milliseconds{400}); });
  const auto waited = std::chrono::steady_clock::now() - start;
  CHECK(waited >= milliseconds{400});
  CHECK(waited < milliseconds{5000});
  CHECK_THAT(error.message, Catch::Contains("P1002"));
  CHECK_THAT(error.detail, Catch::Contains("pid " + std::to_string(holder.backend_pid())) &&
                               Catch::Contains("prisma deploy") && Catch::Contains("connected since 20"));
  CHECK_FALSE(belay::holds_prisma_lock(db));
}

TEST_CASE("the lock of another database does not count") {
  const TestDatabase one{"history"};
  const TestDatabase two{"history"};
  Connection first = one.connect();
  Connection second = two.connect();
  belay::take_prisma_lock(first, milliseconds{0});
  CHECK_NOTHROW(belay::take_prisma_lock(second, milliseconds{0}));
}

TEST_CASE("a lock that is released in time is taken, and a waiting run is never queued in the server") {
  const TestDatabase database{"history"};
  Connection holder = database.connect();
  belay::take_prisma_lock(holder, milliseconds{0});
  Connection db = database.connect();
  std::future<void> waiting = std::async(std::launch::async, [&] { belay::take_prisma_lock(db, milliseconds{20000}); });
  std::this_thread::sleep_for(milliseconds{300});
  CHECK(database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = 72707369 "
                       "AND database = "
                       "(SELECT oid FROM pg_database WHERE datname = current_database())") == "0");
  belay::release_prisma_lock(holder);
  waiting.get();
  CHECK(belay::holds_prisma_lock(db));
}

TEST_CASE("a lock that is released as the time for it ends is taken, or refused with a holder's name") {
  const TestDatabase database{"history"};
  Connection holder = database.connect();
  Connection db = database.connect();
  for (int round = 0; round < 15; ++round) {
    belay::take_prisma_lock(holder, milliseconds{0});
    std::future<void> waiting = std::async(std::launch::async, [&] { belay::take_prisma_lock(db, milliseconds{30}); });
    std::this_thread::sleep_for(milliseconds{25 + round});
    belay::release_prisma_lock(holder);
    try {
      waiting.get();
      belay::release_prisma_lock(db);
    } catch (const Error& error) {
      CHECK_THAT(error.detail, Catch::Contains("pid " + std::to_string(holder.backend_pid())));
    }
  }
}

TEST_CASE("the lock is not taken while PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK says so") {
  const TestDatabase database{"history"};
  Connection holder = database.connect();
  belay::take_prisma_lock(holder, milliseconds{0});
  Connection db = database.connect();
  {
    const EnvironmentVariable disabled{"PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK", "1"};
    CHECK_NOTHROW(belay::take_prisma_lock(db, milliseconds{0}));
    CHECK_FALSE(belay::holds_prisma_lock(db));
    CHECK_NOTHROW(belay::release_prisma_lock(db));
  }
  for (const char* not_disabled : {"0", ""}) {
    const EnvironmentVariable set{"PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK", not_disabled};
    (void)refused([&] { belay::take_prisma_lock(db, milliseconds{0}); });
  }
}

TEST_CASE("a role that is no superuser sees who holds the lock") {
  const TestDatabase database{"history", Owner::plain};
  Connection holder = database.connect_as_superuser();
  holder.run_script("SET application_name = 'the holder'");
  belay::take_prisma_lock(holder, milliseconds{0});
  Connection db = database.connect();
  const Error error = refused([&] { belay::take_prisma_lock(db, milliseconds{0}); });
  CHECK_THAT(error.detail,
             Catch::Contains("pid " + std::to_string(holder.backend_pid())) && Catch::Contains("the holder"));
}
