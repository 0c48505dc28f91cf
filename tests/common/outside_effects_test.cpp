// What a script does beyond its own database.
#include "common/outside_effects.hpp"

#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

std::string found_in(const std::string& sql) {
  std::string all;
  for (const OutsideEffect& effect : outside_effects(parse_script(sql))) {
    if (!all.empty()) all += "; ";
    all += std::to_string(effect.line) + (effect.unknown ? " unknown " : " ") + effect.what;
  }
  return all;
}

struct EffectCase {
  const char* sql;
  const char* found;
};

TEST_CASE("statements on what all databases share, and on other servers, are outside effects") {
  for (const EffectCase& one : std::vector<EffectCase>{
           {"CREATE ROLE app", "1 CREATE ROLE app"},
           {"CREATE USER app", "1 CREATE ROLE app"},
           {"SELECT 1;\n\nALTER ROLE app LOGIN", "3 ALTER ROLE app"},
           {"ALTER ROLE app SET search_path = x", "1 ALTER ROLE app"},
           {"ALTER ROLE app RENAME TO b", "1 ALTER ROLE"},
           {"DROP ROLE app", "1 DROP ROLE app"},
           {"DROP GROUP app", "1 DROP ROLE app"},
           {"GRANT reader TO app", "1 GRANT"},
           {"REVOKE reader FROM app", "1 REVOKE"},
           {"REASSIGN OWNED BY a TO b", "1 REASSIGN OWNED a"},
           {"DROP OWNED BY a", "1 DROP OWNED a"},
           {"CREATE DATABASE x", "1 CREATE DATABASE x"},
           {"DROP DATABASE x", "1 DROP DATABASE x"},
           {"ALTER DATABASE x SET timezone = 'UTC'", "1 ALTER DATABASE x"},
           {"ALTER DATABASE x CONNECTION LIMIT 3", "1 ALTER DATABASE x"},
           {"ALTER DATABASE x OWNER TO y", "1 ALTER DATABASE x"},
           {"ALTER DATABASE x RENAME TO y", "1 ALTER DATABASE"},
           {"COMMENT ON DATABASE x IS 'y'", "1 COMMENT ON DATABASE x"},
           {"GRANT CONNECT ON DATABASE x TO y", "1 GRANT x"},
           {"GRANT SET ON PARAMETER work_mem TO y", "1 GRANT work_mem"},
           {"ALTER SYSTEM SET work_mem = '1GB'", "1 ALTER SYSTEM"},
           {"CREATE TABLESPACE t LOCATION '/x'", "1 CREATE TABLESPACE t"},
           {"DROP TABLESPACE t", "1 DROP TABLESPACE t"},
           {"CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", "1 CREATE SUBSCRIPTION s"},
           {"ALTER SUBSCRIPTION s DISABLE", "1 ALTER SUBSCRIPTION s"},
           {"DROP SUBSCRIPTION s", "1 DROP SUBSCRIPTION s"},
           {"CREATE SERVER s FOREIGN DATA WRAPPER w", "1 CREATE SERVER s"},
           {"CREATE FOREIGN TABLE t (a int) SERVER s", "1 CREATE FOREIGN TABLE"},
           {"IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b", "1 IMPORT FOREIGN SCHEMA"},
           {"COPY t FROM PROGRAM 'curl x'", "1 COPY with a program on the server"},
           {"COPY t TO '/tmp/x'", "1 COPY with a file on the server"},
           {"UPDATE pg_database SET datallowconn = false", "1 writes to pg_database"},
           {"PREPARE TRANSACTION 'x'", "1 PREPARE TRANSACTION"},
           {"UPDATE cron.job SET active = false", "1 writes to cron.job"},
       }) {
    CAPTURE(one.sql);
    CHECK_THAT(found_in(one.sql), Catch::StartsWith(one.found));
  }
}

TEST_CASE("calls that reach out are outside effects, wherever they stand in a statement") {
  for (const EffectCase& one : std::vector<EffectCase>{
           {"SELECT dblink_exec('x', 'DROP TABLE t')", "1 calls dblink_exec"},
           {"INSERT INTO t SELECT * FROM dblink('x', 'SELECT 1') AS d (a int)", "1 calls dblink"},
           {"UPDATE t SET a = lo_import('/etc/passwd')", "1 calls lo_import"},
           {"SELECT pg_catalog.pg_read_file('x')", "1 calls pg_catalog.pg_read_file"},
           {"WITH x AS (SELECT cron.schedule('a', '* * * * *', 'SELECT 1')) SELECT 1", "1 calls cron.schedule"},
           {"SELECT net.http_post('x')", "1 calls net.http_post"},
           {"SELECT pg_terminate_backend(1)", "1 calls pg_terminate_backend"},
           {"DO $$ BEGIN PERFORM dblink('x'); END $$", "1 calls dblink"},
           {"SELECT 1;\nDO $$ DECLARE x oid := lo_import('y'); BEGIN x := lo_import('z'); END $$",
            "2 calls lo_import; 2 calls lo_import"},
           {"DO $$ BEGIN IF pg_read_file('x') = '' THEN CREATE ROLE r; END IF; END $$",
            "1 calls pg_read_file; 1 CREATE ROLE r"},
           {"DO $$ BEGIN EXECUTE 'CREATE ROLE r'; EXECUTE 'DO $x$ BEGIN DROP ROLE q; END $x$'; END $$",
            "1 CREATE ROLE r; 1 DROP ROLE q"},
       }) {
    CAPTURE(one.sql);
    CHECK(found_in(one.sql) == one.found);
  }
}

TEST_CASE("a function that the script defines and calls is followed, once") {
  const std::string define =
      "CREATE FUNCTION pg_temp.f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF a > 0 THEN CREATE ROLE r; END IF; "
      "EXECUTE format('x %s', a); RETURN pg_temp.f(a - 1); END $$;\n";
  CHECK(found_in(define).empty());
  CHECK_THAT(found_in(define + "SELECT pg_temp.f(1);\nSELECT pg_temp.f(2)"),
             Catch::StartsWith("2 CREATE ROLE r (in f); 2 unknown EXECUTE of SQL") && !Catch::Contains("; 3 "));
  CHECK(found_in("CREATE PROCEDURE p() LANGUAGE sql AS 'DROP ROLE r';\nCALL p()") == "2 DROP ROLE r (in p)");
  CHECK(found_in("CREATE FUNCTION g() RETURNS oid BEGIN ATOMIC SELECT lo_import('x'); END;\nSELECT g()") ==
        "2 calls lo_import (in g)");
}

TEST_CASE("what is known only when it runs is unknown") {
  for (const EffectCase& one : std::vector<EffectCase>{
           {"DO $$ BEGIN EXECUTE format('x %I', 'a'); END $$", "1 unknown EXECUTE of SQL"},
           {"DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ' || 1 LOOP NULL; END LOOP; END $$",
            "1 unknown EXECUTE of SQL"},
           {"DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE current_setting('x'); END $$", "1 unknown a block"},
           {"DO LANGUAGE plpython3u 'x'", "1 unknown a block in the language plpython3u"},
           {"DO $$ no such thing $$", "1 unknown a block that the parser does not understand"},
           {"SELECT 1;\nSOMETHING new", "1 unknown SQL that the parser does not understand"},
       }) {
    CAPTURE(one.sql);
    CHECK_THAT(found_in(one.sql), Catch::StartsWith(one.found));
  }
}

TEST_CASE("what stays in the database, or is only defined, is no outside effect") {
  for (const char* sql : {
           "CREATE TABLE t (a int); ALTER TABLE t OWNER TO CURRENT_USER; GRANT SELECT ON t TO reader; COMMENT ON TABLE "
           "t "
           "IS 'x'; ALTER TABLE t RENAME TO u",
           "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'CREATE ROLE x'",
           "CREATE FUNCTION f() RETURNS oid LANGUAGE sql BEGIN ATOMIC SELECT lo_import('x'); END",
           "CREATE VIEW v AS SELECT * FROM dblink('x', 'y') AS d (a int)",
           "NOTIFY x; SELECT pg_notify('a', 'b')",
           "COPY t FROM STDIN",
           "CREATE EXTENSION dblink",
           "CREATE PUBLICATION p FOR ALL TABLES",
           "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x",
           "DO $$ BEGIN CREATE TYPE a AS ENUM ('x'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
           "DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM t; n := n + 1; FOR i IN 1..n LOOP INSERT INTO t "
           "VALUES "
           "(i); END LOOP; EXECUTE 'ALTER TABLE t ADD b int'; RAISE NOTICE 'x %', n; END $$",
           "",
           "-- nothing",
       }) {
    CAPTURE(sql);
    CHECK(found_in(sql).empty());
  }
}

}  // namespace
}  // namespace belay::test
