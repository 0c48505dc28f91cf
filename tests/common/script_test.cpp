#include "common/script.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using belay::parse_script;
using belay::Script;
using belay::Statement;

namespace {

Statement only(const std::string& sql) {
  const Script script = parse_script(sql);
  CAPTURE(sql, script.parse_error);
  REQUIRE(script.parsed);
  REQUIRE(script.statements.size() == 1);
  return script.statements.front();
}

}  // namespace

TEST_CASE("a script is split at the semicolons that end statements, and only there") {
  const std::string sql =
      "CREATE TABLE a (b text DEFAULT ';');\n"
      "DO $$ BEGIN PERFORM 1; PERFORM 2; END $$;\n"
      "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
      "CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);\n"
      "/* ; /* nested ; */ ; */ SELECT 1 -- ;\n;;\n"
      "SELECT 2";
  const Script script = parse_script(sql);
  REQUIRE(script.parsed);
  REQUIRE(script.statements.size() == 6);
  const std::vector<int> lines{1, 2, 3, 4, 5, 7};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(script.statements[i].line == lines[i]);
    CHECK(sql.substr(script.statements[i].offset, script.statements[i].text.size()) == script.statements[i].text);
  }
  CHECK(script.statements[0].text == "CREATE TABLE a (b text DEFAULT ';')");
  CHECK(script.statements[4].text == "\n/* ; /* nested ; */ ; */ SELECT 1 -- ;\n");
}

TEST_CASE("offsets are bytes, also behind text that is not ASCII") {
  const std::string sql =
      "-- größe 中文 😀;\nCREATE TABLE \"tä😀ble\" (x text DEFAULT 'ü;é');\n\n/* é */ INSERT INTO t VALUES ('中');";
  const Script script = parse_script(sql);
  REQUIRE(script.statements.size() == 2);
  CHECK(script.statements[0].object == "tä😀ble");
  CHECK(script.statements[0].line == 2);
  CHECK(script.statements[1].text == "\n\n/* é */ INSERT INTO t VALUES ('中')");
  CHECK(script.statements[1].line == 4);
  CHECK(script.statements[1].offset == sql.find("\n\n"));
}

TEST_CASE("a script of nothing but comments has no statements and is atomic") {
  for (const std::string sql : {"", " \n\t", "-- only; a comment", "/* a; */ -- b", ";;"}) {
    const Script script = parse_script(sql);
    CAPTURE(sql);
    CHECK(script.parsed);
    CHECK(script.statements.empty());
    CHECK(script.atomic());
  }
}

TEST_CASE("what the parser does not understand is left to the server") {
  for (const std::string sql : {"SELEC 1;",
                                "\xEF\xBB\xBF"
                                "CREATE TABLE t ();",
                                "CREATE TABLE t (;", "COPY t FROM stdin;\n1\tx\n\\.\n", "\\i file.sql"}) {
    const Script script = parse_script(sql);
    CAPTURE(sql);
    CHECK_FALSE(script.parsed);
    CHECK_FALSE(script.parse_error.empty());
    CHECK(script.statements.empty());
    CHECK_FALSE(script.atomic());
    CHECK(script.text == sql);
  }
}

TEST_CASE("a NUL byte does not end the script unnoticed") {
  const Script script = parse_script(std::string("SELECT 1;\nSELECT 2\0; DROP TABLE t;", 34));
  CHECK_FALSE(script.parsed);
  CHECK(script.parse_error == "a NUL byte in line 2");
  CHECK(script.text.size() == 34);
}

TEST_CASE("kinds and objects are named in words") {
  struct Case {
    const char* sql;
    const char* kind;
    const char* object;
  };
  const std::vector<Case> table{
      {"CREATE TABLE app.\"Order\" (id int)", "CREATE TABLE", "app.Order"},
      {"ALTER TABLE \"Order\" ADD COLUMN a int", "ALTER TABLE", "Order"},
      {"ALTER TABLE a RENAME COLUMN b TO c", "ALTER TABLE", "a"},
      {"ALTER TABLE a RENAME CONSTRAINT b TO c", "ALTER TABLE", "a"},
      {"ALTER TABLE a RENAME TO b", "ALTER TABLE", "a"},
      {"ALTER TABLE a SET SCHEMA b", "ALTER TABLE", "a"},
      {"ALTER VIEW v OWNER TO x", "ALTER VIEW", "v"},
      {"ALTER INDEX i RENAME TO j", "ALTER INDEX", "i"},
      {"DROP TABLE IF EXISTS a.b, c", "DROP TABLE", "a.b"},
      {"DROP MATERIALIZED VIEW m", "DROP MATERIALIZED VIEW", "m"},
      {"DROP FUNCTION f(int)", "DROP FUNCTION", "f"},
      {"CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX", "i"},
      {"CREATE INDEX ON t (a)", "CREATE INDEX", "t"},
      {"CREATE VIEW v AS SELECT 1", "CREATE VIEW", "v"},
      {"CREATE MATERIALIZED VIEW m AS SELECT 1", "CREATE MATERIALIZED VIEW", "m"},
      {"CREATE TABLE t AS SELECT 1", "CREATE TABLE AS", "t"},
      {"SELECT 1 INTO t", "SELECT INTO", ""},
      {"CREATE TYPE mood AS ENUM ('a')", "CREATE TYPE", "mood"},
      {"CREATE TYPE pair AS (a int)", "CREATE TYPE", "pair"},
      {"ALTER TYPE app.mood ADD VALUE 'b'", "ALTER TYPE", "app.mood"},
      {"CREATE DOMAIN d AS int", "CREATE DOMAIN", "d"},
      {"CREATE SCHEMA s", "CREATE SCHEMA", "s"},
      {"CREATE EXTENSION pgcrypto", "CREATE EXTENSION", "pgcrypto"},
      {"CREATE SEQUENCE q", "CREATE SEQUENCE", "q"},
      {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION", "f"},
      {"CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'", "CREATE PROCEDURE", "p"},
      {"CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", "CREATE TRIGGER", "t"},
      {"CREATE POLICY p ON t", "CREATE POLICY", "p"},
      {"INSERT INTO t VALUES (1)", "INSERT", "t"},
      {"UPDATE t SET a = 1", "UPDATE", "t"},
      {"DELETE FROM t", "DELETE", "t"},
      {"TRUNCATE a, b", "TRUNCATE", "a"},
      {"SELECT 1", "SELECT", ""},
      {"COMMENT ON TABLE t IS 'x'", "COMMENT ON TABLE", "t"},
      {"GRANT SELECT ON t TO r", "GRANT", "t"},
      {"REVOKE SELECT ON t FROM r", "REVOKE", "t"},
      {"CREATE ROLE r", "CREATE ROLE", "r"},
      {"DO 'BEGIN END'", "DO", ""},
      {"REFRESH MATERIALIZED VIEW m", "REFRESH MATERIALIZED VIEW", "m"},
      {"SET search_path = a", "SET", "search_path"},
      {"RESET ALL", "RESET", ""},
      {"LOCK TABLE t", "LOCK TABLE", "t"},
      {"ANALYZE t", "ANALYZE", ""},
      {"COPY t FROM '/tmp/x'", "COPY", "t"},
      {"START TRANSACTION", "START TRANSACTION", ""},
      {"BEGIN", "BEGIN", ""},
      {"END", "COMMIT", ""},
      {"ABORT", "ROLLBACK", ""},
      {"SAVEPOINT a", "SAVEPOINT", ""},
      {"ROLLBACK TO a", "ROLLBACK TO SAVEPOINT", ""},
      {"PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION", ""},
  };
  for (const Case& c : table) {
    const Statement statement = only(c.sql);
    CAPTURE(c.sql);
    CHECK(statement.kind == c.kind);
    CHECK(statement.object == c.object);
  }
}

TEST_CASE("statements that cannot run in a transaction block are known") {
  for (const std::string sql : {"CREATE INDEX CONCURRENTLY i ON t (a)",
                                "DROP INDEX CONCURRENTLY i",
                                "REINDEX (CONCURRENTLY) TABLE t",
                                "REINDEX TABLE CONCURRENTLY t",
                                "REINDEX SCHEMA s",
                                "REINDEX DATABASE d",
                                "REINDEX SYSTEM d",
                                "VACUUM",
                                "VACUUM FULL t",
                                "VACUUM (ANALYZE) t",
                                "CREATE DATABASE d",
                                "DROP DATABASE d",
                                "ALTER DATABASE d SET TABLESPACE x",
                                "CREATE TABLESPACE x LOCATION '/x'",
                                "DROP TABLESPACE x",
                                "ALTER SYSTEM SET work_mem = 1",
                                "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
                                "CLUSTER",
                                "DISCARD ALL",
                                "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
                                "DROP SUBSCRIPTION s",
                                "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
                                "ALTER SUBSCRIPTION s SET PUBLICATION p",
                                "CALL p()",
                                "DO $$ BEGIN COMMIT; END $$",
                                "DO $$ BEGIN LOOP IF true THEN ROLLBACK; END IF; END LOOP; END $$"}) {
    CAPTURE(sql);
    CHECK(only(sql).outside_transaction);
    CHECK_FALSE(parse_script(sql).atomic());
  }
}

TEST_CASE("their harmless relatives can run in a transaction block") {
  for (const std::string sql :
       {"CREATE INDEX i ON t (a)", "DROP INDEX i", "REINDEX TABLE t", "REINDEX (CONCURRENTLY false) TABLE t", "ANALYZE",
        "CLUSTER t USING i", "ALTER DATABASE d RENAME TO e", "ALTER DATABASE d SET work_mem = 1",
        "ALTER TABLE p DETACH PARTITION c", "DISCARD TEMP",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (create_slot = false)",
        "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)", "ALTER SUBSCRIPTION s DISABLE",
        "ALTER TYPE e ADD VALUE 'x'", "DO $$ BEGIN RAISE NOTICE 'COMMIT;'; END $$",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$"}) {
    CAPTURE(sql);
    CHECK_FALSE(only(sql).outside_transaction);
    CHECK(parse_script(sql).atomic());
  }
}

TEST_CASE("one statement outside a transaction, or one of transaction control, makes the whole script not atomic") {
  CHECK(parse_script("CREATE TABLE t (); INSERT INTO t DEFAULT VALUES").atomic());
  CHECK_FALSE(parse_script("CREATE TABLE t (); CREATE INDEX CONCURRENTLY i ON t (a)").atomic());
  CHECK_FALSE(parse_script("BEGIN; CREATE TABLE t (); COMMIT").atomic());
  CHECK_FALSE(parse_script("SAVEPOINT a").atomic());
}

TEST_CASE("CALL counts as outside a transaction only where it is the only statement") {
  CHECK_FALSE(parse_script("CALL p()").atomic());
  CHECK(parse_script("SELECT 1; CALL p()").atomic());
}

TEST_CASE("a new enum value that is used further down has to be committed first") {
  const std::string add = "ALTER TYPE mood ADD VALUE 'fine'; ";
  const std::vector<std::string> uses{"UPDATE t SET m = 'fine'",
                                      "ALTER TABLE t ALTER m SET DEFAULT 'fine'",
                                      "ALTER TABLE t ALTER m SET DEFAULT 'fine'::mood",
                                      "INSERT INTO t VALUES ('{good,fine}')",
                                      "INSERT INTO t VALUES ('{\"fine\"}')",
                                      "DO $$ BEGIN UPDATE t SET m = 'fine'; END $$",
                                      "CREATE FUNCTION f() RETURNS mood LANGUAGE sql AS $$ SELECT 'fine'::mood $$"};
  for (const std::string& use : uses) {
    CAPTURE(use);
    const Script script = parse_script(add + use);
    CHECK(script.statements.at(0).outside_transaction);
    CHECK_FALSE(script.atomic());
  }
  const std::vector<std::string> no_uses{"UPDATE t SET m = 'good'", "UPDATE t SET note = 'all is fine here'",
                                         "UPDATE t SET fine = 1", "ALTER TYPE mood ADD VALUE 'finer' AFTER 'fine'",
                                         "CREATE TABLE fine ()"};
  for (const std::string& no_use : no_uses) {
    CAPTURE(no_use);
    CHECK(parse_script(add + no_use).atomic());
  }
}

TEST_CASE("a new enum value holds up nothing before it, and a renamed one is no new one") {
  CHECK(parse_script("UPDATE t SET m = 'fine'; ALTER TYPE mood ADD VALUE 'fine'").atomic());
  // Before PostgreSQL 17 this is refused also for a type made in the same transaction.
  CHECK_FALSE(
      parse_script("CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'fine'; INSERT INTO t VALUES ('fine')")
          .atomic());
  CHECK(parse_script("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'; UPDATE t SET m = 'fine'").atomic());
}

TEST_CASE("what leaves nothing in the database is known") {
  for (const std::string sql : {"SET a.b = 1", "SHOW all", "BEGIN", "ROLLBACK", "SAVEPOINT a", "LOCK TABLE t",
                                "RESET ALL", "SET CONSTRAINTS ALL DEFERRED"}) {
    CAPTURE(sql);
    CHECK(only(sql).session_only);
  }
  for (const std::string sql : {"SELECT f()", "COMMIT", "INSERT INTO t VALUES (1)", "PREPARE TRANSACTION 'x'",
                                "COMMIT PREPARED 'x'", "CREATE TABLE t ()"}) {
    CAPTURE(sql);
    CHECK_FALSE(only(sql).session_only);
  }
}

TEST_CASE("a script that changes how strings are read is not split") {
  CHECK_FALSE(parse_script("SET standard_conforming_strings = off; SELECT 'a\\'").parsed);
  CHECK(parse_script("SET standard_conforming_strings = on; SELECT 'a\\'").parsed);
}

TEST_CASE("odd names survive the way through the parser") {
  CHECK(only("CREATE TABLE \"a\"\"b\nc\" ()").object == "a\"b\nc");
  CHECK(only("CREATE TABLE \"\x01\x7f\\\" ()").object == "\x01\x7f\\");
  CHECK(only("CREATE TABLE \"-- not a comment\" ()").line == 1);
}

TEST_CASE("a large script is split in reasonable time") {
  std::string sql;
  for (int i = 0; i < 5000; ++i) sql += "INSERT INTO t VALUES (" + std::to_string(i) + ", 'text; with -- traps');\n";
  const Script script = parse_script(sql);
  REQUIRE(script.statements.size() == 5000);
  CHECK(script.statements.back().line == 5000);
}
