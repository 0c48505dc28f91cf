// Migrations that cannot run in one transaction: statement by statement, with an honest account of what is committed.
#include <string>
#include <thread>
#include <vector>

#include "common/apply.hpp"
#include "tests/server/apply_support.hpp"
#include "tests/support/catch.hpp"

using belay::ApplyOutcome;
using belay::Connection;
using belay::Failure;
using belay::TransactionState;
using belay::test::ApplyBench;
using Rows = std::vector<std::string>;

TEST_CASE("statements that need it run outside a transaction, and the row says applied") {
  ApplyBench bench;
  bench.database.sql("CREATE TABLE t (a int)");
  const ApplyOutcome outcome = bench.apply(
      "SET lock_timeout = '5s';\nCREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (a);\nVACUUM "
      "t;\nDROP INDEX CONCURRENTLY j;");
  if (outcome.failure) FAIL(outcome.failure->error.detail);
  CHECK(outcome.committed_something);
  CHECK(bench.seen == Rows{"SET", "CREATE INDEX", "CREATE INDEX", "VACUUM", "DROP INDEX"});
  CHECK(bench.rows() == Rows{"m finished 1"});
  CHECK(bench.has_table("i"));
  CHECK_FALSE(bench.has_table("j"));
}

TEST_CASE("the unfinished row is committed before the first statement") {
  ApplyBench bench;
  Rows during;
  (void)belay::apply_migration(bench.db, bench.books, belay::test::sql_migration("m", "VACUUM"), bench.settings,
                               [&](const belay::Statement&) {
                                 during = bench.database.column(
                                     "SELECT finished_at IS NULL AND logs IS NULL AND rolled_back_at IS NULL AND "
                                     "applied_steps_count = 0 FROM _prisma_migrations");
                               });
  CHECK(during == Rows{"t"});
}

TEST_CASE("what is committed is told as it is") {
  struct Case {
    const char* script;
    bool committed;
    bool table_left;  ///< table x exists afterwards
  };
  const std::vector<Case> table{
      {"BEGIN; CREATE TABLE x (); COMMIT; SELECT 1/0;", true, true},
      {"BEGIN; CREATE TABLE x (); SELECT 1/0; COMMIT;", false, false},
      {"BEGIN; CREATE TABLE x (); ROLLBACK; SELECT 1/0;", false, false},
      {"BEGIN; COMMIT; SELECT 1/0;", false, false},
      {"BEGIN; SET LOCAL a.b = 1; COMMIT; SELECT 1/0;", false, false},
      {"SET a.b = 1; SHOW a.b; SELECT 1/0; VACUUM;", false, false},
      {"CREATE TABLE x (); SELECT 1/0; VACUUM;", true, true},
      {"SELECT 1/0; CREATE TABLE x (); VACUUM;", false, false},
      {"SELECT now(); SELECT 1/0; VACUUM;", true, false},
      {"BEGIN; CREATE TABLE x (); COMMIT AND CHAIN; SELECT 1/0; COMMIT;", true, true},
      {"BEGIN; CREATE TABLE x (); ROLLBACK AND CHAIN; SELECT 1/0; COMMIT;", false, false},
      {"BEGIN; SAVEPOINT a; CREATE TABLE x (); ROLLBACK TO a; COMMIT; SELECT 1/0;", true, false},
      {"BEGIN; CREATE TABLE x ();", false, false},
      {"BEGIN; CREATE TABLE x (); COMMIT; BEGIN; CREATE TABLE y ();", true, true},
      {"SAVEPOINT a;", false, false},
      {"VACUUM missing;", false, false},
      {"CALL missing();", false, false},
      {"DO $$ BEGIN CREATE TABLE x (); COMMIT; PERFORM 1/0; END $$;", true, true},
  };
  for (const Case& c : table) {
    ApplyBench bench;
    const ApplyOutcome outcome = bench.apply(c.script);
    CAPTURE(c.script);
    REQUIRE(outcome.failure);
    CHECK(outcome.committed_something == c.committed);
    CHECK(outcome.failure->error.kind == (c.committed ? Failure::unresolved : Failure::failed));
    CHECK_FALSE(outcome.failure->in_doubt);
    CHECK(bench.has_table("x") == c.table_left);
    CHECK_FALSE(bench.has_table("y"));
    CHECK(bench.rows() == Rows{"m unfinished log 0"});
    CHECK(bench.database.value("SELECT logs FROM _prisma_migrations") == outcome.failure->log);
    CHECK(bench.db.transaction_state() == TransactionState::idle);
  }
}

TEST_CASE("a script with a whole transaction of its own is applied") {
  ApplyBench bench;
  const ApplyOutcome outcome = bench.apply("BEGIN;\nCREATE TABLE x ();\nCOMMIT;");
  CHECK_FALSE(outcome.failure);
  CHECK(outcome.committed_something);
  CHECK(bench.has_table("x"));
  CHECK(bench.rows() == Rows{"m finished 1"});
}

TEST_CASE("a script that ends inside its own transaction fails, and is told why") {
  ApplyBench bench;
  const ApplyOutcome outcome = bench.apply("BEGIN;\nCREATE TABLE x ();");
  REQUIRE(outcome.failure);
  CHECK_THAT(outcome.failure->error.detail, Catch::Contains("ends inside a transaction that it began"));
}

TEST_CASE("a failed CREATE INDEX CONCURRENTLY that left an invalid index counts as committed") {
  ApplyBench bench;
  bench.database.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");
  const ApplyOutcome outcome = bench.apply("CREATE UNIQUE INDEX CONCURRENTLY u ON t (a);");
  REQUIRE(outcome.failure);
  CHECK(outcome.committed_something);
  CHECK(bench.has_table("u"));
}

TEST_CASE("a CREATE INDEX CONCURRENTLY that failed before it began left nothing") {
  ApplyBench bench;
  bench.database.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");
  try {
    bench.database.sql(
        "CREATE UNIQUE INDEX CONCURRENTLY older ON t (a)");  // another one's invalid index is not this script's
  } catch (const std::exception&) {
  }
  REQUIRE(bench.has_table("older"));
  const ApplyOutcome outcome = bench.apply("CREATE INDEX CONCURRENTLY u ON t (missing);");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK(outcome.failure->error.kind == Failure::failed);
}

TEST_CASE("a new enum value can be added and used in one script") {
  ApplyBench bench;
  bench.database.sql("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (m mood)");
  CHECK_FALSE(bench.apply("ALTER TYPE mood ADD VALUE 'fine';\nINSERT INTO t VALUES ('fine');").failure);
  CHECK(bench.database.value("SELECT m FROM t") == "fine");
  const ApplyOutcome own_type = bench.apply(
      "CREATE TYPE size AS ENUM ('s'); ALTER TYPE size ADD VALUE 'm'; CREATE TABLE u (s size DEFAULT 'm');");
  CHECK((own_type.failure ? own_type.failure->error.detail : "") == "");
  CHECK(bench.rows() == Rows{"m finished 1", "m finished 1"});
}

TEST_CASE("a procedure that commits can be called, and a statement in a script of its own way with COMMIT first") {
  ApplyBench bench;
  bench.database.sql(
      "CREATE TABLE t (a int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1); COMMIT; "
      "INSERT INTO t VALUES (2); END $$; "
      "CREATE TABLE parted (a int) PARTITION BY LIST (a); CREATE TABLE part PARTITION OF parted DEFAULT; CREATE INDEX "
      "pi ON parted (a)");
  CHECK_FALSE(bench.apply("CALL p();").failure);
  CHECK(bench.database.value("SELECT count(*) FROM t") == "2");
  const ApplyOutcome refused = bench.apply("REINDEX TABLE parted;");
  REQUIRE(refused.failure);
  CHECK_FALSE(refused.committed_something);
  CHECK_THAT(refused.failure->error.hint, Catch::Contains("COMMIT; as its first line"));
  CHECK_FALSE(bench.apply("COMMIT;\nREINDEX TABLE parted;").failure);
}

TEST_CASE("a session lost outside a block is in doubt; lost inside one nothing of the block is committed") {
  {
    ApplyBench bench;
    const ApplyOutcome outcome =
        bench.apply("DO $$ BEGIN COMMIT; PERFORM pg_terminate_backend(pg_backend_pid()); END $$; VACUUM;");
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->in_doubt);
    CHECK(outcome.committed_something);
    CHECK(outcome.failure->error.kind == Failure::unresolved);
    CHECK(bench.rows() == Rows{"m unfinished log 0"});
  }
  {
    ApplyBench bench;  // with its line in the journal it is a transaction of its own
    const ApplyOutcome outcome = bench.apply("SELECT pg_terminate_backend(pg_backend_pid()); VACUUM;");
    REQUIRE(outcome.failure);
    CHECK_FALSE(outcome.failure->in_doubt);
    CHECK_FALSE(outcome.committed_something);
  }
  ApplyBench bench;
  const ApplyOutcome outcome =
      bench.apply("BEGIN; CREATE TABLE x (); SELECT pg_terminate_backend(pg_backend_pid()); COMMIT;");
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.failure->in_doubt);
  CHECK_FALSE(outcome.committed_something);
  CHECK_FALSE(bench.has_table("x"));
}

TEST_CASE("when the second session is gone, the script's own writes the row") {
  ApplyBench bench;
  bench.database.sql("CREATE TABLE t (a int)");
  bool ended = false;
  const ApplyOutcome outcome =
      belay::apply_migration(bench.db, bench.books, belay::test::sql_migration("m", "VACUUM; ANALYZE"), bench.settings,
                             [&](const belay::Statement&) {
                               if (!ended)
                                 bench.database.sql_as_superuser("SELECT pg_terminate_backend(" +
                                                                 std::to_string(bench.books.backend_pid()) + ", 5000)");
                               ended = true;
                             });
  CHECK_FALSE(outcome.failure);
  CHECK(bench.database.value("SELECT finished_at IS NOT NULL AND applied_steps_count = 1 FROM _prisma_migrations") ==
        "t");
}

TEST_CASE("a script that the parser does not understand is sent whole and judged by the server") {
  ApplyBench bench;
  struct Case {
    std::string script;
    std::string state;
    std::string place;
  };
  const std::vector<Case> table{{"CREATE TABLE x ();\nCREATE TABLE y ();\nSELEC 1;", "42601", "line 3, column 1"},
                                {"\xEF\xBB\xBF"
                                 "CREATE TABLE x ();",
                                 "42601", "line 1, column 1"},
                                {"CREATE TABLE x (a int);\nCOPY x FROM stdin;\n1\n\\.\n", "42601", "line 3, column 1"}};
  for (const Case& c : table) {
    const ApplyOutcome outcome = bench.apply(c.script);
    CAPTURE(c.script);
    REQUIRE(outcome.failure);
    CHECK_FALSE(outcome.committed_something);
    CHECK_THAT(outcome.failure->error.detail, Catch::Contains(c.state));
    CHECK_THAT(outcome.failure->error.message, Catch::Contains(c.place));
    CHECK(bench.seen == Rows{"script"});
    CHECK_FALSE(bench.has_table("x"));
  }
  CHECK(bench.rows() == Rows(3, "m unfinished log 0"));
}

TEST_CASE("a NUL byte in a script is a clear failure and sends nothing") {
  ApplyBench bench;
  const std::string script("CREATE TABLE x ();\0 CREATE TABLE y ();", 38);
  const ApplyOutcome outcome = bench.apply(script);
  REQUIRE(outcome.failure);
  CHECK_FALSE(outcome.committed_something);
  CHECK_THAT(outcome.failure->error.detail, Catch::Contains("NUL byte"));
  CHECK_FALSE(bench.has_table("x"));
  CHECK(bench.rows() == Rows{"m unfinished log 0"});
}

TEST_CASE("strings are read as the server reads them where standard_conforming_strings is off") {
  ApplyBench bench;
  bench.database.sql("ALTER DATABASE " + belay::quote_identifier(bench.database.name()) +
                     " SET standard_conforming_strings = off");
  Connection db = bench.database.connect();
  const ApplyOutcome outcome = belay::apply_migration(
      db, bench.books, belay::test::sql_migration("m", "CREATE TABLE t AS SELECT 'it\\'s; one' AS x; SELECT 1"),
      bench.settings, {});
  CHECK_FALSE(outcome.failure);
  CHECK(bench.database.value("SELECT x FROM t") == "it's; one");
}

TEST_CASE("COPY FROM STDIN without data fails and leaves the session usable") {
  ApplyBench bench;
  bench.database.sql("CREATE TABLE t (a int)");
  const ApplyOutcome outcome = bench.apply("COPY t FROM STDIN;");
  REQUIRE(outcome.failure);
  CHECK_THAT(outcome.failure->error.hint, Catch::Contains("write INSERT statements"));
  CHECK_FALSE(outcome.committed_something);
  CHECK_FALSE(bench.apply("SELECT 1").failure);
}
