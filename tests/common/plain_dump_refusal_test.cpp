// What a plain dump may hold that must not be fed to psql: tables of cases.
#include <fmt/format.h>

#include "common/plain_dump.hpp"
#include "tests/common/plain_dump_support.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

const std::string own = "It holds a command of psql's own: ";

struct Hostile {
  std::string dump, says;
};

/// The same error whatever the pieces are, and nothing behind the line is passed on.
void check_refused(const Hostile& hostile) {
  CAPTURE(hostile.dump, hostile.says);
  const DumpReading reading = read_dump(hostile.dump);
  CHECK(reading.failure == Failure::refused);
  CHECK_THAT(reading.error, Catch::Contains(hostile.says));
  const std::size_t step = 1 + hostile.dump.size() / 1000;
  for (std::size_t size = 0; size <= hostile.dump.size(); size += step) {
    CAPTURE(size);
    CHECK(difference(reading, read_dump_split(hostile.dump, size)).empty());
  }
  CHECK(difference(reading, read_dump(hostile.dump, [] { return std::size_t{1}; })).empty());
  CHECK(reading.passed.find('!') == std::string::npos);
}

TEST_CASE("a command of psql's is refused wherever psql would find it") {
  check_refused(GENERATE(
      values<Hostile>({{"\\! touch /tmp/pwned\n", "line 1 of the dump is refused: " + own + "\\! touch /tmp/pwned"},
                       {"SELECT 1;\n\n\\! x", "line 3 of the dump is refused: " + own + "\\! x"},
                       {"SELECT 1 \\! x\n;", own + "\\! x"},
                       {"SELECT 1; \\! x\n", own + "\\! x"},
                       {"SELECT a\\! x\n", own + "\\! x"},
                       {"SELECT 'a'\\! x\n", own + "\\! x"},
                       {"SELECT (\n\\! x\n", "line 2"},
                       {"-- a comment\r\\! x\n", own + "\\! x"},  // a carriage return ends a comment
                       {"-- Name: a\n\\! touch /tmp/pwned; Type: TABLE\n", own + "\\! touch /tmp/pwned; Type: TABLE"},
                       {"/* /* */ */ \\! x\n", own},
                       {"/*/*/ */*/ \\! x\n", own},
                       {"/**/\\! x\n", own},
                       {"--\n\\i /etc/passwd\n", own + "\\i /etc/passwd"},
                       {"\\copy t from program 'x'\n", own},
                       {"\\o |sh\n", own},
                       {"SELECT 'x' \\gexec\n", own + "\\gexec"},
                       {"\\set x `id`\n", own},
                       {"\\. \n", own},
                       {"\\.\n", own},
                       {"SELECT 1 \\; SELECT 2;\n", own + "\\; SELECT 2;"},
                       {"SELECT \\:x;\n", own},
                       {"\\\n", own + "\\"},
                       {"SELECT \\", own + "\\"},
                       {" \\restrict a\n", own},
                       {"SELECT\n\\restrict a\n", own},
                       {"\\restrict a b\n", own},
                       {"\\restrict `id`\n", own},
                       {"\\restrict a\\! x\n", own},
                       {"\\restrict  a\n", own},
                       {"\\restrict\n", own},
                       {"\\restrict a\n\\! x\n", own},
                       {"\\unrestrict a;\n", own},
                       {"\\encoding UTF8\n", own},
                       {"\\connect x \\! y\n", own},
                       {"\\connect \"x\"\"\" \\! y\n", own},
                       {"\\connect \"x\n", own},
                       {"\\connect x y\n", own},
                       {"\\connect `id`\n", own},
                       {"\\connect -reuse-previous=off \"x\"\n", own},
                       {"\\connect :HOST\n", own},
                       {"\\c x\n", own},
                       {"\\" + std::string(5000, 'x') + "\n", own + "\\xxx"}})));
}

TEST_CASE("a command of psql's is found behind everything that looks like a quote") {
  check_refused(GENERATE(
      values<Hostile>({{"SELECT 'a\\'; \\! x\n'", own},  // \ is an ordinary character in '…'
                       {"SELECT U&'a\\'; \\! x\n'", own},
                       {"SELECT N'a\\'; \\! x\n'", own},
                       {"SELECT B'\\'; \\! x\n'", own},
                       {"SELECT E'a\\'' \\! x\n'", own},
                       {"SELECT E'a''\\'' \\! x\n", own},
                       {"SELECT fooE'a\\' \\! x\n", own},  // no prefix, the end of a name
                       {"SELECT _E'a\\' \\! x\n", own},
                       {"SELECT \"a\\\" \\! x\n\"", own},
                       {"SELECT \"a\"\"\" \\! x\n\"", own},
                       {"SELECT a$$b \\! x\n$$", own},  // a name with two dollars in it
                       {"SELECT $1$ \\! x\n$", own},
                       {"SELECT $a b$ \\! x\n$", own},
                       {"SELECT $a$ $ab$ $a$ \\! x\n", own},
                       {"SELECT $$ $ $$ \\! x\n", own},
                       {"SELECT $a$ $a$a$ \\! x\n", own},
                       {"SELECT $\\! x\n", own},
                       {"SELECT 1 - -1 \\! x\n", own},
                       {"SELECT 1 -/* */- 1 \\! x\n", own},
                       {"SELECT 1 /- 2 \\! x\n", own},
                       {"SELECT a[1:n] \\! x\n", own},
                       {"SELECT a[1:'n\\'] \\! x\n", own},
                       {"CREATE FUNCTION f() RETURNS void BEGIN ATOMIC SELECT 1; \\! x\n END;", own},
                       {"SET standard_conforming_strings = off;\nSELECT '\\'' \\! x\n", own},
                       {"SET standard_conforming_strings = off;\nSELECT E'\\'' \\! x\n", own},
                       {"SET standard_conforming_strings = off;\nSELECT B'\\' \\! x\n", own},
                       {"COPY t (a) FROM stdin;\n\\.\n\\! x\n", "line 3 of the dump is refused: " + own},
                       {"COPY t (a) FROM stdin;\n1\n2\n\\.\n\n\\! x\n", "line 6 of the dump is refused: " + own},
                       {"COPY t (a) FROM stdin;\r\n1\r\n\\.\r\n\\! x\r\n", "line 4 of the dump is refused: " + own}})));
}

TEST_CASE("what psql and the server, or two versions of psql, would read in different ways is refused") {
  const std::string number = "A number that runs into letters";
  const std::string variable = "a variable of psql's";
  check_refused(GENERATE_COPY(values<Hostile>(
      {{"SELECT E'a'\n'\\'; COPY t FROM stdin; --'\n;", "line 2 of the dump is refused: A string goes on"},
       {"SELECT E'a' -- b\n  '\\'';", "A string goes on"},
       {"SELECT E'a'\r'\\'';", "A string goes on"},
       {"SELECT U&'a'\n'b';", "A string goes on"},
       {"SELECT B'1'\n'1';", "A string goes on"},
       {"SELECT 1e'\\'';", number},
       {"SELECT 1.5E'\\'';", number},
       {"SELECT 1xe'\\'';", number},
       {"SELECT 0xE'\\'';", number},
       {"SELECT $1e'\\'';", number},
       {"SELECT 1a$b$ $b$;", number},
       {"SELECT 1e5$$ $$;", number},
       {"SELECT 1u&'x';", number},
       {"SELECT 1e--'\n;", number},
       {"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET x = 1begin AS 'y';", number},
       {"CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; COPY t FROM stdin;\n", "The word begin"},
       {"CREATE OR REPLACE PROCEDURE s.begin () LANGUAGE sql AS 'SELECT 1';", "The word begin"},
       {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.begin FROM t; END;", "The word begin"},
       {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.case FROM t; END; COPY t FROM stdin;\n",
        "COPY statement is hidden"},
       {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.case FROM t; END; DROP DATABASE x; END;",
        "cannot be in one"},
       {"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; COPY t FROM stdin);", "COPY statement is hidden"},
       {"SELECT :USER;", variable},
       {"SELECT :LAST_ERROR_MESSAGE\n;", variable},
       {"SELECT :'DBNAME';", variable},
       {"SELECT :\"HOST\";", variable},
       {"SELECT :{?x};", variable},
       {"SELECT a[1:b$$];", "runs into a quote"},
       {"SELECT a[1:e'\\''];", "runs into a quote"},
       {"SELECT $" + std::string(2000, 'a') + "$;", "tag of a dollar quote is too long"}})));
}

TEST_CASE("a COPY that is not pg_dump's is refused") {
  const std::string only = "Only COPY … FROM stdin without options can be read";
  check_refused(GENERATE_COPY(values<Hostile>(
      {{"COPY t FROM '/etc/passwd';\n", "line 1 of the dump is refused: " + only},
       {"\n\ncopy t (a) FROM PROGRAM 'id';\n", "line 3 of the dump is refused: " + only},
       {"COPY t TO '/tmp/x';\n", only},
       {"COPY t TO stdout;\n", only},
       {"COPY (SELECT 1) TO PROGRAM 'id';\n", only},
       {"COPY t FROM stdout;\n", only},
       {"COPY t FROM stdin WITH (FORMAT csv);\n", only},
       {"COPY t FROM stdin CSV;\n", only},
       {"COPY BINARY t FROM stdin;\n", only},
       {"COPY t FROM stdin WHERE a > 1;\n", only},
       {"/* x */ COPY /* y */ t -- z\n FROM 'f';\n", only},
       {"COPY U&\"t\" FROM stdin;\n", only},
       {"COPY a.b.c FROM stdin;\n", only},
       {"COPY t () FROM stdin;\n", only},
       {"COPY t (a,) FROM stdin;\n", only},
       {"COPY t FROM stdin; SELECT 1;\n1\n\\.\n", "the line goes on"},
       {"COPY t FROM stdin; \\! x\n1\n\\.\n", "the line goes on"},
       {"COPY t FROM stdin; -- x\n1\n\\.\n", "the line goes on"},
       {"COPY t (" + std::string(300000, 'a') + ") FROM stdin;\n", "The COPY statement is too long"}})));
}

TEST_CASE("rows that psql's server would not read as they are counted are refused") {
  const std::string copy = "COPY t (a) FROM stdin;\n";
  check_refused(GENERATE_COPY(values<Hostile>(
      {{copy + "1\nx\\.\n2\n\\.\n", "line 3 of the dump is refused: The rows of a table hold \\. inside a line"},
       {copy + "1\\.\n", "hold \\. inside a line"},
       {copy + "\\\\\\.\n", "hold \\. inside a line"},
       {copy + "\t\\.\n\\.\n", "hold \\. inside a line"},
       {copy + "1\n\\.x\n", "line 3 of the dump is refused: A line of a table's rows begins with \\. and goes on"},
       {copy + "\\. \n", "begins with \\. and goes on"},
       {copy + "1\\\n2\n\\.\n", "line 2 of the dump is refused: A row of a table goes on after a \\ at its line's end"},
       {copy + "1\\\\\\\n2\n\\.\n", "goes on after a \\"},
       {copy + "1\n2\rx\n\\.\n", "line 3 of the dump is refused: A row holds a carriage return"},
       {copy + "1\r\r\n\\.\r\n", "A row holds a carriage return"},
       {copy + "1\n2\r\n\\.\n", "line 3 of the dump is refused: Some lines of the table's rows end in \\r\\n"},
       {copy + "1\r\n2\n\\.\n", "line 3 of the dump is refused: Some lines"},
       {copy + "1\n\\.\r\n", "Some lines"},
       {copy + "1\r\n\\.\n", "Some lines"},
       {copy + "1\\\r\n\\.\r\n", "goes on after a \\"}})));
}

TEST_CASE("rows that look odd and are good are counted") {
  const auto [rows, hashed] =
      GENERATE(table<std::string, std::vector<std::string>>({{"", {}},
                                                             {"\n", {"\n"}},
                                                             {"\\\\.\n", {"\\\\.\n"}},
                                                             {"a\\\\.\n", {"a\\\\.\n"}},
                                                             {"a\\\\\n", {"a\\\\\n"}},
                                                             {".\n\\\\\\\\\n", {".\n", "\\\\\\\\\n"}},
                                                             {"\\N\n", {"\\N\n"}},
                                                             {"\\! x\n$$\n'\n/*\n", {"\\! x\n", "$$\n", "'\n", "/*\n"}},
                                                             {"COPY t FROM stdin;\n", {"COPY t FROM stdin;\n"}}}));
  const std::string dump = "COPY t (a) FROM stdin;\n" + rows + "\\.\n";
  for (std::size_t size = 0; size <= dump.size(); ++size) {
    const DumpReading reading = read_dump_split(dump, size);
    CAPTURE(rows, size, reading.error);
    REQUIRE(reading.content.tables.size() == 1);
    CHECK(reading.content.tables[0] == TableContent{"public", "t", {"a"}, hashed.size(), hash_of_rows(hashed)});
    CHECK(reading.passed == dump);
  }
}

TEST_CASE("a setting that changes how the dump is read is followed, or refused") {
  check_refused(GENERATE(
      values<Hostile>({{"SET client_encoding = 'SJIS';\n", "The dump is written in SJIS, which cannot be read safely"},
                       {"SET client_encoding = big5;\n", "BIG5"},
                       {"SET NAMES 'GB18030';\n", "GB18030"},
                       {"SET \"Client_Encoding\" TO 'gbk';\n", "GBK"},
                       {"SET SESSION client_encoding = 'x';\n", "written in X"},
                       {"SET client_encoding = E'\\x53JIS';\n", "in a way that is not known"},
                       {"SET LOCAL client_encoding = 'UTF8';\n", "for one transaction"},
                       {"SET LOCAL standard_conforming_strings = off;\n", "for one transaction"},
                       {"SET standard_conforming_strings = DEFAULT;\n", "neither on nor off"},
                       {"SET standard_conforming_strings = off; SELECT '\\'';\n", "the line goes on"},
                       {"SET U&\"x\" = 1;\n", "written in escapes"},
                       {"RESET ALL;\n", "It resets"},
                       {"RESET client_encoding;\n", "It resets"},
                       {"RESET U&\"x\";\n", "It resets"},
                       {"DISCARD ALL;\n", "It resets"},
                       {"SELECT pg_catalog.set_config('client_encoding', 'SJIS', false);\n", "by a function"},
                       {"SELECT set_config('Standard_Conforming_Strings', 'off', false);\n", "by a function"},
                       {"BEGIN;\nROLLBACK;\n", "line 2 of the dump is refused: It takes back"},
                       {"ABORT;\n", "It takes back"},
                       {"ROLLBACK TO SAVEPOINT x;\n", "It takes back"},
                       {"PREPARE TRANSACTION 'x';\n", "It takes back"}})));
}

TEST_CASE("a file with more than one database is refused") {
  check_refused({"\\connect template1\nSELECT 1;\n\\connect app\n",
                 "line 3 of the dump is refused: The dump holds more than one database: app after template1"});
  check_refused({"\\connect app\n\\connect -reuse-previous=on \"dbname='app'\"\n", "more than one database"});
}

TEST_CASE("\\restrict comes in pairs with one key") {
  check_refused(GENERATE(values<Hostile>({{"\\restrict a\n\\unrestrict b\n", "with another key"},
                                          {"\\unrestrict a\n", "with another key"},
                                          {"\\restrict a\n\\restrict a\n", "a second \\restrict"},
                                          {"\\encoding SQL_ASCII\nSELECT 1;\n", "which only \\connect may follow"},
                                          {"\\encoding SQL_ASCII\n\\restrict a\n", own}})));
}

TEST_CASE("what would change other things than the database is left out, with its newlines kept") {
  const auto [text, passed, what] = GENERATE(table<std::string, std::string, std::string>(
      {{"CREATE DATABASE app WITH TEMPLATE = template0\n ENCODING = 'UTF8';", "\n", "CREATE DATABASE"},
       {"drop /* x\n */ database -- y\n \"app\";", "\n\n", "DROP DATABASE"},
       {"ALTER DATABASE app OWNER TO x;", "", "ALTER DATABASE"},
       {"/* a */ ALTER DATABASE app SET x TO ';';", "/* a */ ", "ALTER DATABASE"},
       {"COMMENT ON DATABASE app IS 'x';", "", "COMMENT ON DATABASE"},
       {"SECURITY LABEL FOR selinux ON DATABASE app IS 'x';", "", "SECURITY ON DATABASE"},
       {"GRANT CONNECT,TEMPORARY ON DATABASE app TO PUBLIC;", "", "GRANT ON DATABASE"},
       {"REVOKE ALL ON DATABASE app FROM PUBLIC;", "", "REVOKE ON DATABASE"},
       {"GRANT SET ON PARAMETER work_mem TO x;", "", "GRANT ON PARAMETER"},
       {"GRANT a TO b GRANTED BY c;", "", "GRANT of a role"},
       {"REVOKE a FROM b;", "", "REVOKE of a role"},
       {"UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'x';", "", "UPDATE PG_DATABASE"},
       {"CREATE ROLE x;", "", "CREATE ROLE"},
       {"ALTER ROLE x WITH PASSWORD 'y';", "", "ALTER ROLE"},
       {"ALTER ROLE x IN DATABASE app SET y TO 'z';", "", "ALTER ROLE"},
       {"DROP ROLE x;", "", "DROP ROLE"},
       {"CREATE USER x;", "", "CREATE USER"},
       {"ALTER GROUP x ADD USER y;", "", "ALTER GROUP"},
       {"CREATE TABLESPACE x LOCATION '/x';", "", "CREATE TABLESPACE"},
       {"DROP TABLESPACE x;", "", "DROP TABLESPACE"},
       {"ALTER SYSTEM SET x = 1;", "", "ALTER SYSTEM"},
       {"REASSIGN OWNED BY a TO b;", "", "REASSIGN OWNED"},
       {"DROP OWNED BY a;", "", "DROP OWNED"},
       {"\\connect app\n", "\n", "\\connect"},
       {"\\connect -reuse-previous=on \"dbname='a b\\'\"\"\\\\c'\"\n", "\n", "\\connect"}}));
  const std::string dump = "SELECT 1;\n" + text + "SELECT 2;\n";
  const DumpReading reading = read_dump(dump);
  CAPTURE(text, reading.error);
  CHECK(reading.passed == "SELECT 1;\n" + passed + "SELECT 2;\n");
  const std::uint64_t line = 2;
  CHECK(reading.left_out == std::vector<LeftOut>{{what, 1, line}});
  for (std::size_t size = 0; size <= dump.size(); ++size) {
    CAPTURE(size);
    CHECK(difference(reading, read_dump_split(dump, size)).empty());
  }
}

TEST_CASE("what only sounds like such a statement is passed on") {
  const auto* const statement = GENERATE(
      "CREATE USER MAPPING FOR a SERVER b OPTIONS (c 'd');", "ALTER USER MAPPING FOR a SERVER b OPTIONS (c 'd');",
      "DROP USER MAPPING FOR a SERVER b;", "CREATE TABLE database (a integer);", "GRANT ALL ON TABLE role TO a;",
      "GRANT SELECT (\"to\", a),INSERT(b) ON TABLE t TO c;", "REVOKE GRANT OPTION FOR ALL ON SCHEMA database FROM a;",
      "COMMENT ON TABLE \"DATABASE\" IS 'ON DATABASE';",
      "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT ALL ON TABLES TO b;", "SECURITY LABEL ON TABLE a IS 'x';",
      "UPDATE t SET a = 'pg_database';", "SELECT 'DROP DATABASE app;';", "ALTER LARGE OBJECT 1 OWNER TO role;",
      "\"drop\" database;", "SET ROLE a;", "SET SESSION AUTHORIZATION a;", "PREPARE x AS SELECT 1;", "RESET ROLE;",
      "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;", "SET database.user = 'x';",
      "SELECT set_config('work_mem', '1MB', false);");
  const DumpReading reading = read_dump(statement);
  CAPTURE(statement, reading.error);
  CHECK(reading.passed == statement);
  CHECK(reading.left_out.empty());
}

TEST_CASE("what is left out again and again is counted by its kind") {
  const DumpReading reading = read_dump(
      "CREATE ROLE a;\nALTER ROLE a LOGIN;\nCREATE ROLE b;\n\n\\encoding SQL_ASCII\n\\connect \"app x\"\n\\connect "
      "\"app "
      "x\"\n");
  CHECK(reading.left_out ==
        std::vector<LeftOut>{{"CREATE ROLE", 2, 1}, {"ALTER ROLE", 1, 2}, {"\\encoding", 1, 5}, {"\\connect", 2, 6}});
  CHECK(reading.passed == std::string(7, '\n'));
}

TEST_CASE("a dump's first words cannot be hidden behind a long comment") {
  const std::string comment = "/*" + std::string(300000, 'x') + "*/";
  CHECK_THAT(read_dump("DROP " + comment + " DATABASE app;").error, Catch::Contains("too long to be judged"));
  CHECK_THAT(read_dump("COPY " + comment + " t FROM stdin;\n\\.\n").error, Catch::Contains("too long"));
  CHECK_THAT(read_dump("GRANT " + comment + " a TO b;").error, Catch::Contains("too long to be judged"));
  CHECK(read_dump(comment + "DROP DATABASE app;").passed == comment);
  CHECK(read_dump("CREATE TABLE t (a integer " + comment + ");").error.empty());
}

TEST_CASE("psql is restricted by a key of ours, and the dump's own key is not needed") {
  const std::string dump =
      "-- x\n\\restrict a\nSELECT 1;\n\\unrestrict a\n\\connect app\n\\restrict a\nSELECT 2;\n\\unrestrict a\n";
  const DumpReading reading = read_dump(dump, PlainDumpRules{.restrict_key = "Secret1"});
  CHECK(reading.passed == "\\restrict Secret1\n-- x\n\nSELECT 1;\n\n\n\nSELECT 2;\n\n");
  CHECK(read_dump(dump).passed ==
        "-- x\n\\restrict a\nSELECT 1;\n\\unrestrict a\n\n\\restrict a\nSELECT 2;\n\\unrestrict a\n");
  CHECK_THROWS_AS(PlainDumpReader({}, PlainDumpRules{.restrict_key = "a\n\\! x"}), Error);
}

}  // namespace
}  // namespace belay::test
