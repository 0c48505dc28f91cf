// Migrations that run in one transaction, on a real server.
#include "common/apply.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/apply_support.hpp"
#include "tests/support/catch.hpp"

using belay::ApplyOutcome;
using belay::Connection;
using belay::Error;
using belay::Failure;
using belay::TransactionState;
using belay::test::ApplyBench;
using belay::test::OwnServer;
using belay::test::sql_migration;
using Rows = std::vector<std::string>;

TEST_CASE("an atomic migration is applied with its row, in one transaction") {
  ApplyBench bench;
  const ApplyOutcome outcome =
      bench.apply("CREATE TABLE t (x xid8 DEFAULT pg_current_xact_id());\nINSERT INTO t DEFAULT VALUES;");
  REQUIRE_FALSE(outcome.failure);
  CHECK(outcome.committed_something);
  CHECK(outcome.duration.count() > 0);
  CHECK(bench.seen == Rows{"CREATE TABLE", "INSERT"});
  CHECK(bench.rows() == Rows{"m finished 1"});
  CHECK(bench.database.value("SELECT id FROM _prisma_migrations") == outcome.row_id);
  CHECK(bench.database.value(
            "SELECT checksum = encode(sha256('CREATE TABLE t (x xid8 DEFAULT pg_current_xact_id());\nINSERT INTO t "
            "DEFAULT VALUES;'::bytea), 'hex') "
            "AND logs IS NULL AND rolled_back_at IS NULL AND finished_at >= started_at FROM _prisma_migrations") ==
        "t");
  // The row's last writer is the transaction that made the table.
  CHECK(bench.database.value(
            "SELECT m.xmin::text = (t.x::text::bigint % 4294967296)::text FROM _prisma_migrations m, t") == "t");
  CHECK(bench.db.transaction_state() == TransactionState::idle);
}

TEST_CASE("an empty script, or one of comments, is applied and recorded with one step") {
  ApplyBench bench;
  for (const std::string script : {"", "\n\n", "-- nothing; here", "/* nothing */;"}) {
    const ApplyOutcome outcome = bench.apply(script);
    CHECK_FALSE(outcome.failure);
    CHECK(bench.seen.empty());
  }
  CHECK(bench.rows() == Rows(4, "m finished 1"));
}

TEST_CASE("a failing atomic migration leaves nothing but a failed row with its log") {
  ApplyBench bench;
  const ApplyOutcome outcome = bench.apply(
      "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\nSELECT 1/0;\nCREATE TABLE later ();", "20240101000000_bad");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK_FALSE(outcome.failure->in_doubt);
  CHECK(outcome.failure->error.kind == Failure::failed);
  CHECK(bench.seen == Rows{"CREATE TABLE", "INSERT", "SELECT"});
  CHECK_FALSE(bench.has_table("t"));
  CHECK(bench.rows() == Rows{"20240101000000_bad unfinished log 0"});
  CHECK(bench.database.value("SELECT id FROM _prisma_migrations") == outcome.row_id);
  CHECK(bench.database.value("SELECT logs FROM _prisma_migrations") == outcome.failure->log);
  CHECK(bench.database.value("SELECT started_at <= clock_timestamp() + interval '1 minute' AND rolled_back_at IS NULL "
                             "FROM _prisma_migrations") == "t");
  CHECK(bench.db.transaction_state() == TransactionState::idle);
  REQUIRE_FALSE(bench.apply("CREATE TABLE t ()", "next").failure);
}

TEST_CASE("the error names migration, file, line, column and the server's words; the log is Prisma's") {
  ApplyBench bench;
  const ApplyOutcome outcome = bench.apply(
      "CREATE TABLE t (id int);\n\n-- größe\nINSERT INTO t VALUES ('中文😀', missing);", "20240101000000_bad");
  REQUIRE(outcome.failure);
  const Error& error = outcome.failure->error;
  CHECK(error.message ==
        "migration \"20240101000000_bad\" failed at line 4, column 30 of "
        "prisma/migrations/20240101000000_bad/migration.sql");
  CHECK_THAT(error.detail, Catch::Contains("ERROR:  column \"missing\" does not exist (SQLSTATE 42703)\n"
                                           "LINE 4: INSERT INTO t VALUES ('中文😀', missing);\n"
                                           "                                        ^"));
  CHECK_THAT(error.hint, Catch::Contains("P3018"));
  CHECK_THAT(outcome.failure->log,
             Catch::StartsWith(
                 "A migration failed to apply. New migrations cannot be applied before the error is recovered from.") &&
                 Catch::Contains("\n\nMigration name: 20240101000000_bad\n\nDatabase error code: 42703\n\nDatabase "
                                 "error:\nERROR: column \"missing\" does not exist\n") &&
                 Catch::EndsWith("\nPosition:\n  0\n  1 CREATE TABLE t (id int);\n  2\n  3 -- größe\n  4 INSERT INTO t "
                                 "VALUES ('中文😀', missing);\n"));
}

TEST_CASE("detail, hint and context of the server are shown") {
  ApplyBench bench;
  const ApplyOutcome outcome = bench.apply(
      "DO $$ BEGIN RAISE EXCEPTION 'no way' USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = 'P0042'; END "
      "$$;");
  REQUIRE(outcome.failure);
  CHECK_THAT(outcome.failure->error.detail, Catch::Contains("no way (SQLSTATE P0042)") &&
                                                Catch::Contains("DETAIL:  the detail") &&
                                                Catch::Contains("HINT:  the hint") &&
                                                Catch::Contains("CONTEXT:  PL/pgSQL function inline_code_block"));
  CHECK_THAT(outcome.failure->log, Catch::Contains("DETAIL: the detail\nHINT: the hint\n"));
}

TEST_CASE("a deferred constraint that fails at the end fails the migration") {
  ApplyBench bench;
  bench.database.sql(
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)");
  const ApplyOutcome outcome = bench.apply("INSERT INTO b VALUES (1);");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK_THAT(outcome.failure->error.message, Catch::Contains("after the last statement"));
  CHECK_THAT(outcome.failure->error.detail, Catch::Contains("23503"));
  CHECK(bench.database.value("SELECT count(*) FROM b") == "0");
  CHECK(bench.rows() == Rows{"m unfinished log 0"});
}

TEST_CASE("whatever a script does to its session, the row is written and the next migration finds a clean one") {
  const std::vector<std::string> scripts{
      "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.t1 ();",
      "SET search_path = nowhere; SET statement_timeout = '1h'; SET lock_timeout = 1; SET TimeZone = 'Asia/Tokyo';",
      "SET LOCAL search_path = ''; SET LOCAL statement_timeout = 1;",
      "CREATE ROLE nobody_here; SET ROLE nobody_here;",
      "SET SESSION AUTHORIZATION nobody_here;",
      "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;",
      "SET default_transaction_read_only = on; SET DateStyle = 'German';",
      "CREATE TEMP TABLE leftover (); PREPARE p AS SELECT 1; LISTEN c; CREATE TEMP SEQUENCE s; SELECT nextval('s');",
      "SET client_encoding = 'LATIN1'; CREATE TABLE public.\"größe\" ();",
      "DECLARE c CURSOR WITH HOLD FOR SELECT 1;",
      "SET row_security = off; SET session_replication_role = replica;"};
  ApplyBench bench;
  const std::string session =
      "SELECT concat_ws('|', current_user = session_user, current_setting('search_path'), "
      "current_setting('statement_timeout'), "
      "current_setting('lock_timeout'), current_setting('TimeZone'), current_setting('transaction_read_only'), "
      "current_setting('DateStyle'), "
      "current_setting('client_encoding'), current_setting('session_replication_role'), "
      "current_setting('application_name'), "
      "current_setting('client_connection_check_interval'), to_regclass('leftover'), (SELECT count(*) FROM "
      "pg_prepared_statements), "
      "(SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_listening_channels()))";
  const std::string clean = bench.db.value(session);
  for (const std::string& script : scripts) {
    CAPTURE(script);
    const ApplyOutcome outcome = bench.apply(script);
    CHECK((outcome.failure ? outcome.failure->error.detail : "") == "");
    CHECK(bench.db.value(session) == clean);
  }
  CHECK(bench.rows() == Rows(scripts.size(), "m finished 1"));
  CHECK(bench.has_table("public.\"größe\""));
  bench.database.sql_as_superuser("DROP ROLE nobody_here");
}

TEST_CASE("the settings asked for hold in the script, and only there") {
  ApplyBench bench{"app"};
  bench.settings.search_path = "\"app\"";
  bench.settings.lock_timeout = "7s";
  bench.settings.statement_timeout = "9s";
  const std::string keep =
      "CREATE TABLE seen AS SELECT current_setting('search_path') AS p, current_setting('lock_timeout') AS l, "
      "current_setting('statement_timeout') AS s;";
  for (const std::string& script : Rows{keep, "CREATE INDEX CONCURRENTLY i ON seen (p); DROP TABLE seen; " + keep}) {
    REQUIRE_FALSE(bench.apply(script).failure);
    CHECK(bench.database.value("SELECT concat_ws('|', p, l, s) FROM app.seen") == "\"app\"|7s|9s");
    CHECK(bench.db.value("SHOW lock_timeout") == "0");
    CHECK(bench.db.value("SHOW search_path") == "\"$user\", public");
  }
}

TEST_CASE("a setting that the server does not take is thrown before anything is written") {
  ApplyBench bench;
  bench.settings.lock_timeout = "soon";
  CHECK_THROWS_AS(bench.apply("CREATE TABLE t ()"), Error);
  CHECK_THROWS_AS(bench.apply("VACUUM"), Error);
  CHECK(bench.rows().empty());
  CHECK(bench.db.transaction_state() == TransactionState::idle);
}

TEST_CASE("a migration without its file is P3015 and touches nothing") {
  ApplyBench bench;
  try {
    (void)belay::apply_migration(bench.db, bench.books, {"m", "m/migration.sql", std::nullopt, ""}, bench.settings, {});
    FAIL("a missing script was applied");
  } catch (const Error& error) {
    CHECK_THAT(error.message, Catch::Contains("P3015"));
  }
  CHECK(bench.rows().empty());
}

TEST_CASE("a lock that is not given in time fails the migration and says so") {
  ApplyBench bench;
  bench.database.sql("CREATE TABLE t (id int)");
  bench.settings.lock_timeout = "100ms";
  Connection other = bench.database.connect();
  other.run_script("BEGIN; LOCK TABLE t");
  const ApplyOutcome outcome = bench.apply("CREATE TABLE u (); ALTER TABLE t ADD COLUMN x int;");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK_THAT(outcome.failure->error.detail, Catch::Contains("55P03"));
  CHECK_THAT(outcome.failure->error.hint, Catch::Contains("lock_timeout = 100ms"));
  CHECK(bench.rows() == Rows{"m unfinished log 0"});
}

TEST_CASE("a missing right is named with the line that gives it, and the line works") {
  ApplyBench bench{"public", belay::test::Owner::plain};
  bench.database.sql_as_superuser(
      "CREATE TABLE theirs (id int PRIMARY KEY); CREATE SCHEMA closed; CREATE TABLE \"Secret\" (id int)");
  struct Case {
    std::string script;
    std::string says;
  };
  const std::string role = "\"" + bench.database.owner_name() + "\"";
  const std::vector<Case> table{
      {"ALTER TABLE theirs ADD COLUMN x int", "ALTER TABLE theirs OWNER TO "},
      {"CREATE TABLE closed.t ()", "GRANT USAGE, CREATE ON SCHEMA closed TO "},
      {"INSERT INTO public.\"Secret\" VALUES (1)", "GRANT INSERT ON TABLE public.\"Secret\" TO "},
      {"CREATE ROLE x", "ALTER ROLE "}};
  for (const Case& c : table) {
    CAPTURE(c.script);
    const ApplyOutcome denied = bench.apply(c.script);
    REQUIRE(denied.failure);
    const std::string& hint = denied.failure->error.hint;
    CHECK_THAT(hint, Catch::Contains(c.says));
    const std::size_t from = hint.find(c.says);
    bench.database.sql_as_superuser(hint.substr(from, hint.find(';', from) - from));
    if (c.script != "CREATE ROLE x") CHECK_FALSE(bench.apply(c.script).failure);
  }
}

TEST_CASE("Prisma's lock is kept, whatever the script does to advisory locks") {
  ApplyBench bench;
  belay::take_prisma_lock(bench.db, std::chrono::milliseconds{0});
  for (const std::string script : {"CREATE TABLE t1 ()", "SELECT pg_advisory_unlock_all()", "DISCARD ALL", "SELECT 1/0",
                                   "VACUUM", "BEGIN; SELECT 1", "SELECT pg_advisory_unlock_all(); VACUUM", "not sql"}) {
    CAPTURE(script);
    (void)bench.apply(script);
    CHECK(belay::holds_prisma_lock(bench.db));
  }
}

TEST_CASE("a script that removes the history's rows is recorded all the same") {
  ApplyBench bench;
  CHECK_FALSE(bench.apply("CREATE TABLE first ();", "first").failure);
  CHECK_FALSE(bench.apply("CREATE TABLE t (); DELETE FROM _prisma_migrations;").failure);
  CHECK(bench.has_table("t"));
  CHECK(bench.rows() == Rows{"m finished 1"});
}

TEST_CASE("a script whose row the history does not take fails and is rolled back") {
  ApplyBench bench;
  bench.database.sql(
      "CREATE FUNCTION no_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER no_row "
      "BEFORE INSERT ON _prisma_migrations FOR EACH ROW EXECUTE FUNCTION no_row()");
  const ApplyOutcome outcome = bench.apply("CREATE TABLE t ();");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK_FALSE(bench.has_table("t"));
}

TEST_CASE("names of schema and migration may hold anything") {
  for (const std::string name : {"with \"quotes\" and 'apostrophes'", "-leading dash", "UPPER case", "größe 中",
                                 "line\nbreak", "$1; DROP TABLE x"}) {
    ApplyBench bench{std::string{name}};
    CHECK_FALSE(bench.apply("CREATE TABLE public.t ()", name).failure);
    const ApplyOutcome failed = bench.apply("SELECT 1/0", name);
    CHECK(bench.rows() == Rows{name + " finished 1", name + " unfinished log 0"});
    CHECK(failed.failure->error.message.find('\n') == std::string::npos);
  }
  ApplyBench longest{std::string(63, 's')};
  CHECK_FALSE(longest.apply("SELECT 1", std::string(255, 'm')).failure);
  CHECK(longest.apply("CREATE TABLE public.t ()", std::string(256, 'm')).failure);
  CHECK_FALSE(longest.has_table("public.t"));
}

TEST_CASE("a session that dies before COMMIT leaves nothing; the failed row goes through the second one") {
  ApplyBench bench;
  const ApplyOutcome outcome = bench.apply("CREATE TABLE t (); SELECT pg_terminate_backend(pg_backend_pid());");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK_FALSE(outcome.failure->in_doubt);
  CHECK(outcome.failure->error.kind == Failure::failed);
  CHECK_FALSE(bench.has_table("t"));
  CHECK(bench.rows() == Rows{"m unfinished log 0"});
  CHECK_THAT(outcome.failure->error.message, Catch::Contains("lost its connection"));
}

TEST_CASE("a session that dies inside COMMIT is in doubt, and no second row contradicts the first") {
  // A COMMIT that waits for a standby which does not exist: the server has committed, and its client can never know.
  const OwnServer server({{"synchronous_standby_names", "nobody"}, {"synchronous_commit", "local"}});
  ApplyBench bench{"public", belay::test::Owner::superuser, server.url()};
  std::thread killer{[&] {
    const std::string waiting =
        "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = " + std::to_string(bench.db.backend_pid());
    while (bench.database.value("SELECT count(*) " + waiting) == "0")
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    (void)bench.database.value("SELECT pg_terminate_backend(pid) " + waiting);
  }};
  const ApplyOutcome outcome = bench.apply("SET LOCAL synchronous_commit = on; CREATE TABLE t ();");
  killer.join();
  REQUIRE(outcome.failure);
  CHECK(outcome.failure->in_doubt);
  CHECK(outcome.committed_something);
  CHECK(outcome.failure->error.kind == Failure::unresolved);
  CHECK(bench.database.value("SELECT id FROM _prisma_migrations") == outcome.row_id);
  CHECK(bench.rows() == Rows{"m finished 1"});  // the history is the only witness, and it says yes
  CHECK(bench.has_table("t"));
}
