#include "migrate/verify_sql.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

using Catch::Contains;

VerifySql of(const std::string& sql, const std::string& name = "checks.sql") {
  return {{{name, parse_script(sql)}}, std::nullopt};
}

std::string findings(const TestDatabase& db, const std::string& sql) {
  Connection session = db.connect();
  std::string text;
  for (const std::string& line : run_verify_sql(session, of(sql))) text += line + "\n";
  CHECK(session.transaction_state() == TransactionState::idle);
  return text;
}

TEST_CASE("a statement passes unless it fails, or the first column of a row is false") {
  const TestDatabase db{"verify_sql"};
  db.sql(
      "CREATE TABLE t (id integer, good boolean, note text); INSERT INTO t VALUES (1, true, 'f'), (2, NULL, 'false'), "
      "(3, false, 'x')");
  struct Case {
    std::string sql, found;
  };
  for (const Case& c : {
           Case{"SELECT true", ""},
           Case{"SELECT false", "checks.sql, line 1: SELECT false: false\n"},
           Case{"SELECT NULL::boolean", ""},
           Case{"SELECT bool_and(id > 5) FROM t WHERE false", ""},
           Case{"SELECT good FROM t WHERE id < 3", ""},
           Case{"SELECT good FROM t -- all", "checks.sql, line 1: SELECT good FROM t -- all: false\n"},
           Case{"SELECT id > 2 FROM t", "checks.sql, line 1: SELECT id > 2 FROM t: false in 2 rows\n"},
           Case{"SELECT note, good FROM t", ""},
           Case{"SELECT 'f'", ""},
           Case{"SELECT count(*) = 3, count(*) = 3 FROM t", ""},
           Case{"SELECT id = 3 AS a, id AS a FROM t WHERE id = 2",
                "checks.sql, line 1: SELECT id = 3 AS a, id AS a FROM t WHERE id = 2: false\n"},
           Case{"VALUES (true), (false)", "checks.sql, line 1: VALUES (true), (false): false\n"},
           Case{"WITH x AS (SELECT 1 AS n) SELECT n = 2 FROM x",
                "checks.sql, line 1: WITH x AS (SELECT 1 AS n) SELECT n = 2 FROM x: false\n"},
           Case{"SELECT true UNION ALL SELECT false ORDER BY 1",
                "checks.sql, line 1: SELECT true UNION ALL SELECT false ORDER BY 1: false\n"},
           Case{"SELECT", ""},
           Case{"SHOW search_path; EXPLAIN SELECT 1; SET LOCAL work_mem = '1MB'", ""},
           Case{"DO $$ BEGIN IF (SELECT count(*) FROM t) <> 3 THEN RAISE 'wrong'; END IF; END $$", ""},
           Case{"-- a comment\n\nSELECT 1/0;\nSELECT false",
                "checks.sql, line 3: -- a comment SELECT 1/0: division by zero (22012)\n"},
           Case{"SELECT false;\nSELECT nothing FROM t;",
                "checks.sql, line 1: SELECT false: false\nchecks.sql, line 2: SELECT nothing FROM t: column "
                "\"nothing\" does not exist (42703)\n"},
           Case{"DO $$ BEGIN RAISE 'orders are missing'; END $$",
                "checks.sql, line 1: DO $$ BEGIN RAISE 'orders are missing'; END $$: orders are missing (P0001)\n"},
       }) {
    INFO(c.sql);
    CHECK(findings(db, c.sql) == c.found);
  }
}

TEST_CASE("a check cannot write, nor make itself able to") {
  const TestDatabase db{"verify_sql"};
  db.sql(
      "CREATE TABLE t (id integer); INSERT INTO t VALUES (1); CREATE SEQUENCE s; CREATE FUNCTION clear() RETURNS "
      "boolean LANGUAGE sql AS 'DELETE FROM t RETURNING true'");
  for (const char* sql : {"DELETE FROM t", "SELECT clear()", "SELECT * INTO u FROM t", "SELECT nextval('s') > 0",
                          "SET TRANSACTION READ WRITE", "SELECT set_config('transaction_read_only', 'off', false)",
                          "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; DELETE FROM t"}) {
    INFO(sql);
    CHECK_THAT(findings(db, sql), Contains("read-only") || Contains("read-write mode must be set"));
  }
  CHECK(db.value("SELECT count(*) FROM t") == "1");
}

TEST_CASE("each file is run though one before it failed, and names are found as the migrations find them") {
  const TestDatabase db{"verify_sql"};
  db.sql("CREATE SCHEMA app; CREATE TABLE app.t (id integer)");
  Connection session = db.connect();
  VerifySql checks{{{"one", parse_script("SELECT 1/0")}, {"two", parse_script("SELECT count(*) = 1 FROM t")}},
                   "\"app\""};
  const std::vector<std::string> found = run_verify_sql(session, checks);
  REQUIRE(found.size() == 2);
  CHECK_THAT(found.at(0), Contains("one, line 1") && Contains("division by zero"));
  CHECK_THAT(found.at(1), Contains("two, line 1") && Contains("false"));
}

TEST_CASE("files that cannot be checks are refused before the run") {
  const ScratchFolder folder;
  struct Case {
    std::string sql, why;
  };
  for (const Case& c : {Case{"SELECT 1;\nCOMMIT;", "line 2: COMMIT cannot be run there"}, Case{"VACUUM t", "VACUUM"},
                        Case{"SELECT FROM WHERE", "is not SQL"}}) {
    write_text(folder / "v.sql", c.sql);
    CHECK_THROWS_WITH(read_verify_sql({}, {folder / "v.sql"}), Contains(c.why));
  }
  try {
    (void)read_verify_sql({}, {folder / "missing.sql"});
    FAIL();
  } catch (const Error& error) {
    CHECK(error.kind == Failure::usage);
  }
  write_text(folder / "v.sql", "\xEF\xBB\xBF");
  CHECK_NOTHROW(read_verify_sql({}, {}));
}

}  // namespace
}  // namespace belay::test
