// Plain dumps written here. Those of pg_dump itself, and what psql does with them, are in
// tests/server/plain_dump_test.cpp; what has to be refused, in plain_dump_refusal_test.cpp.
#include "common/plain_dump.hpp"

#include <fmt/format.h>

#include "tests/common/plain_dump_support.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

const std::string head = R"(--
-- PostgreSQL database dump
--

\restrict Ab0

-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 17.2

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

)";
const std::string tail = R"(
--
-- PostgreSQL database dump complete
--

\unrestrict Ab0

)";

/// Everything that a reader could stumble over, and that is harmless.
const std::string before_long_value = head + R"(
-- Name: "x'; Type: $$ /* COPY a FROM stdin; \! touch /tmp/pwned
/* COPY a FROM stdin; /* nested ' " $$ */ \! still text **/
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $_$
COPY public.orders (a) FROM stdin;
1
\.
\! touch /tmp/pwned
$$ ' " /* -- $__$ $_
$_$;
CREATE FUNCTION public."begin"(begin integer, "case" text DEFAULT 'it''s; \! x') RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN (1 = 1) THEN 1 ELSE NULL::integer END AS "case";
 INSERT INTO public.t VALUES ('END; COPY x FROM stdin; \!');
 SELECT 2;
END;
CREATE RULE r AS ON INSERT TO public.v DO INSTEAD (INSERT INTO public.t VALUES (1); DELETE FROM public.u; );
COMMENT ON TABLE public."t\! "";x" IS E'a\\'' \! b';
CREATE VIEW public.w AS SELECT U&'d\0061t' AS a, "o".a[1:n] AS b, 1.5e10 - 0.5, B'01', X'1f', c::text, -1, 4 / 2
   FROM public."o" WHERE ("o".a @> '{}') AND ('\' <> '\\');
COPY public.orders (id, "the ""name""", x) FROM stdin;
1	a	\N
2	b\\.	\\
3	\\N\\	x
4	)";
const std::string after_long_value = R"(\\
\.


COPY "Odd ""schema"""."t (a) FROM stdin;" (a) FROM stdin;
\.


COPY public.no_columns  FROM stdin;


\.

CREATE FOREIGN TABLE public.far (
    a integer
)
SERVER nowhere;

COPY public.orders (id, "the ""name""", x) FROM stdin;
5	e	f
\.
SELECT pg_catalog.lo_create('16401');
BEGIN;
SELECT pg_catalog.lo_open('16401', 131072);
SELECT pg_catalog.lowrite(0, '\x616263');
SELECT pg_catalog.lowrite(0, '\x00FF');
SELECT pg_catalog.lo_close(0);
COMMIT;
)" + tail;

std::string nasty(std::size_t long_value) {
  return before_long_value + std::string(long_value, 'y') + after_long_value;
}

TEST_CASE("a plain dump yields its tables, rows, versions and large objects") {
  const DumpReading reading = read_dump(nasty(70000));
  REQUIRE(reading.error.empty());
  CHECK(reading.passed == nasty(70000));
  REQUIRE(reading.content.tables.size() == 3);
  CHECK(reading.content.tables[0] == TableContent{"Odd \"schema\"", "t (a) FROM stdin;", {"a"}, 0, hash_of_rows({})});
  CHECK(reading.content.tables[1] == TableContent{"public", "no_columns", {}, 2, hash_of_rows({"\n", "\n"})});
  CHECK(reading.content.tables[2] ==
        TableContent{"public",
                     "orders",
                     {"id", "the \"name\"", "x"},
                     5,
                     hash_of_rows({"1\ta\t\\N\n", "2\tb\\\\.\t\\\\\n", "3\t\\\\N\\\\\tx\n",
                                   "4\t" + std::string(70000, 'y') + "\\\\\n", "5\te\tf\n"})});
  PieceHash object;
  begin_large_object(object, 16401);
  object.add(std::string_view("abc\0\xff", 5));
  CHECK(reading.content.large_objects == LargeObjects{1, object.take().hex()});
  CHECK(reading.content.skipped ==
        std::vector<std::string>{"foreign table \"public\".\"far\": its rows are kept somewhere else"});
  CHECK(reading.facts.server_version == "15.20 (Debian 15.20-0+deb12u1)");
  CHECK(reading.facts.pg_dump_version == "17.2");
  CHECK(reading.facts.encoding == "UTF8");
  CHECK(reading.facts.tables == std::vector<std::string>{"\"public\".\"orders\"",
                                                         "\"Odd \"\"schema\"\"\".\"t (a) FROM stdin;\"",
                                                         "\"public\".\"no_columns\""});
  CHECK(reading.facts.ended);
  CHECK_FALSE(reading.facts.inserts);
  CHECK(reading.left_out.empty());
}

TEST_CASE("a plain dump read in pieces of any size is the same as in one piece") {
  const std::string dump = nasty(10);
  const DumpReading whole = read_dump(dump);
  REQUIRE(whole.error.empty());
  for (std::size_t size = 0; size <= dump.size(); ++size) {
    CAPTURE(size, dump.substr(0, size).substr(size < 40 ? 0 : size - 40));
    REQUIRE(difference(whole, read_dump_split(dump, size)).empty());
  }
  for (const std::size_t size : {1U, 2U, 3U, 7U, 64U}) {
    CAPTURE(size);
    CHECK(difference(whole, read_dump(dump, [&] { return size; })).empty());
  }
}

TEST_CASE("while a plain dump passes, the reader says where it is") {
  const std::string dump = nasty(10);
  const std::size_t inside = dump.find("4\tyyy");
  PlainDumpReader reader;
  CHECK(reader.facts().tables.empty());
  reader.write(as_bytes(std::string_view(dump).substr(0, inside)));
  CHECK(reader.current_table() == "\"public\".\"orders\"");
  CHECK(reader.rows() == 3);
  CHECK_FALSE(reader.facts().ended);
  CHECK(reader.facts().pg_dump_version == "17.2");
  reader.write(as_bytes(std::string_view(dump).substr(inside)));
  CHECK(reader.current_table().empty());
  CHECK(reader.rows() == 7);
  reader.finish();
}

PlainDumpFacts facts_of(const std::string& dump) {
  PlainDumpReader reader;
  reader.write(as_bytes(dump));
  reader.finish();
  return reader.facts();
}

TEST_CASE("a plain dump tells whom it names as owner, whether it grants anything, and how many tables it makes") {
  const PlainDumpFacts none = facts_of("CREATE TEMP TABLE a (owner text);\nALTER TABLE a ADD COLUMN owner text;\n");
  CHECK(none.owners.empty());
  CHECK_FALSE(none.grants);
  CHECK(none.created_tables == 0);
  const PlainDumpFacts all = facts_of(
      "CREATE TABLE public.a (b integer);\nCREATE UNLOGGED TABLE c ();\nCREATE FOREIGN TABLE d () SERVER s;\n"
      "ALTER TABLE public.a OWNER TO app;\nALTER MATERIALIZED VIEW public.v OWNER TO \"Two Words\";\n"
      "ALTER SCHEMA shop OWNER TO app;\nGRANT SELECT ON TABLE public.a TO PUBLIC;\n");
  CHECK(all.owners == std::set<std::string>{"app", "Two Words"});
  CHECK(all.grants);
  CHECK(all.created_tables == 2);
  CHECK_FALSE(facts_of("GRANT app TO other;\nGRANT CONNECT ON DATABASE x TO y;\n").grants);
}

TEST_CASE("two plain dumps, one behind the other, have two ends") {
  const std::string one = "CREATE TABLE a ();\n--\n-- PostgreSQL database dump complete\n--\n\n";
  CHECK(facts_of(one).end_markers == 1);
  CHECK(facts_of(one + one).end_markers == 2);
}

TEST_CASE("a plain dump cut at any length is seen to be cut") {
  const std::string dump = nasty(10);
  for (std::size_t size = 0; size < dump.size(); ++size) {
    const DumpReading reading = read_dump(dump.substr(0, size));
    CAPTURE(size, reading.error);
    if (reading.error.empty()) {
      // Either it has no end marker, or nothing but empty lines is missing.
      CHECK((!reading.facts.ended || size + 2 >= dump.size()));
    } else {
      CHECK(reading.failure == Failure::storage);
      CHECK_THAT(reading.error, Catch::StartsWith("the dump is cut off: It ends inside "));
    }
  }
}

TEST_CASE("it is said what a plain dump ends in") {
  const auto [dump, inside] = GENERATE(table<std::string, std::string>(
      {{"SELECT 1", "a statement, in line 1"},
       {"SELECT 1;\nSELECT 'a\nb", "a string, in line 3"},
       {"SELECT E'a\\", "a string"},
       {"SELECT B'1", "a string"},
       {"SELECT \"a", "a quoted name"},
       {"SELECT $a$ $", "a dollar-quoted text"},
       {"/* /* */", "a comment"},
       {"/* *", "a comment"},
       {"SELECT (1;", "a statement"},
       {"-", "a statement"},
       {"COPY t (a) FROM stdin;", "the line of a COPY statement"},
       {"COPY t (a) FROM stdin;\n", "the rows of table \"public\".\"t\", in line 2"},
       {"COPY t (a) FROM stdin;\n1\n2", "the rows of table \"public\".\"t\", in line 3"},
       {"COPY t (a) FROM stdin;\n1\n\\.", "the rows of table \"public\".\"t\", in line 3"},
       {"\\restr", "a command, in line 1"},
       {"\\restrict ab\n\\unrestrict a", "a command, in line 2"},
       {"\\encoding SQL_ASCII\n", "what \\encoding began"},
       {"\\restrict a\n", "what \\restrict began"}}));
  const DumpReading reading = read_dump(dump);
  CHECK(reading.failure == Failure::storage);
  CHECK_THAT(reading.error, Catch::StartsWith("the dump is cut off: It ends inside " + inside));
}

TEST_CASE("what ends with the dump is no cut") {
  const auto* const dump = GENERATE("", " ", "\n", "-- x", "--", "SELECT 1;", "SELECT 1; --", "/* */",
                                    "\\restrict a\n\\unrestrict a", "COPY t (a) FROM stdin;\n\\.\n");
  CHECK(read_dump(dump).error.empty());
}

TEST_CASE("a dump that another program wrote has no end marker, and one that goes on after it has not ended") {
  CHECK_FALSE(read_dump("CREATE TABLE t (a integer);\n").facts.ended);
  const std::string marker = "--\n-- PostgreSQL database dump complete\n--\n\n";
  CHECK(read_dump(marker).facts.ended);
  CHECK(read_dump("-- PostgreSQL database dump complete").facts.ended);
  CHECK_FALSE(read_dump(marker + "SELECT 1;").facts.ended);
  CHECK_FALSE(read_dump("SELECT 1\n" + marker + ";").facts.ended);  // a comment inside a statement says nothing
  CHECK_FALSE(read_dump("-- PostgreSQL database dump complete?\n").facts.ended);
}

TEST_CASE("rows that are INSERT statements are said to be uncounted") {
  const DumpReading reading = read_dump("INSERT INTO t VALUES (1);\n/* */ insert INTO t VALUES (2);\n");
  CHECK(reading.facts.inserts);
  CHECK(reading.content.tables.empty());
  CHECK(reading.content.skipped == std::vector<std::string>{"rows that are INSERT statements: they were not counted"});
}

TEST_CASE("blocks for one table with other lists of columns are counted, not hashed") {
  const DumpReading reading =
      read_dump("COPY s.t (a, b) FROM stdin;\n1\t2\n\\.\nCOPY s.t (b, a) FROM stdin;\n2\t1\n\\.\n");
  REQUIRE(reading.content.tables.size() == 1);
  CHECK(reading.content.tables[0] == TableContent{"s", "t", {"a", "b"}, 2, ""});
  REQUIRE(reading.content.skipped.size() == 1);
  CHECK_THAT(reading.content.skipped[0], Catch::StartsWith("table \"s\".\"t\": its rows come with several lists"));
}

TEST_CASE("old dumps name the schema in the search path") {
  const auto [set, schema] = GENERATE(
      table<std::string, std::string>({{"", "public"},
                                       {"SET search_path = app, pg_catalog;", "app"},
                                       {"set SEARCH_PATH TO \"My App\", public;", "My App"},
                                       {"SET search_path = 'app';", "app"},
                                       {"SET search_path = \"$user\", public;", "public"},
                                       {"SET search_path = app; SET search_path = DEFAULT;", "public"},
                                       {"SELECT pg_catalog.set_config('search_path', '', false);", "public"}}));
  const DumpReading reading = read_dump(set + "\nCOPY T (a) FROM stdin;\n\\.\n");
  CAPTURE(set, reading.error);
  CHECK(reading.facts.tables == std::vector<std::string>{"\"" + schema + "\".\"t\""});
}

TEST_CASE("names in another encoding come as UTF-8") {
  const DumpReading reading = read_dump(
      "SET client_encoding = 'LATIN1';\nCOPY public.\"caf\xe9\" (\"\xfc\") FROM "
      "stdin;\n\xe9\n\\.\n");
  REQUIRE(reading.content.tables.size() == 1);
  CHECK(reading.content.tables[0] == TableContent{"public", "café", {"ü"}, 1, hash_of_rows({"\xe9\n"})});
  CHECK(reading.facts.encoding == "LATIN1");
  const DumpReading unknown = read_dump("SET client_encoding = 'SQL_ASCII';\nCOPY \"\xe9\" FROM stdin;\n\\.\n");
  REQUIRE(unknown.content.tables.size() == 1);
  CHECK(unknown.content.tables[0].name == "\xe9");
  CHECK(read_dump("SET client_encoding = 'unicode';\n").facts.encoding == "UTF8");
  CHECK(read_dump("SET client_encoding = 'EUC_JP';\nCOPY \"\xe9\" FROM stdin;\n\\.\n").failure == Failure::storage);
}

TEST_CASE("a dump with Windows' line ends has the rows of one without") {
  const std::string dump = nasty(10);
  std::string windows;
  for (const char c : dump) windows += c == '\n' ? "\r\n" : std::string(1, c);
  const DumpReading reading = read_dump(windows);
  CAPTURE(reading.error);
  CHECK(reading.content.tables == read_dump(dump).content.tables);
  CHECK(reading.facts.ended);
  CHECK(reading.facts.pg_dump_version == "17.2");
  for (std::size_t size = 0; size <= windows.size(); ++size) {
    CAPTURE(size);
    REQUIRE(difference(reading, read_dump_split(windows, size)).empty());
  }
}

TEST_CASE("standard_conforming_strings is followed from the next line on") {
  const DumpReading off = read_dump("SET standard_conforming_strings = off;\nSELECT '\\'; \\! x';\n");
  CHECK(off.error.empty());
  CHECK_THAT(read_dump("SET standard_conforming_strings = on;\nSELECT '\\'; \\! x';\n").error,
             Catch::Contains("\\! x"));
  CHECK(read_dump("SET standard_conforming_strings TO 'off';\nSELECT '\\';';\nSET standard_conforming_strings = "
                  "true;\nSELECT '\\';\n")
            .error.empty());
}

TEST_CASE("a byte order mark is dropped") {
  const DumpReading reading = read_dump("\xef\xbb\xbf-- Dumped by pg_dump version 12.1\nSELECT 1;\n");
  CHECK(reading.error.empty());
  CHECK(reading.facts.pg_dump_version == "12.1");
  CHECK(reading.passed == "-- Dumped by pg_dump version 12.1\nSELECT 1;\n");
  CHECK(read_dump("\xef\xbb\xbf").passed.empty());
  CHECK(read_dump("\xef\xbb\xbf;").passed == ";");
}

TEST_CASE("what is written in another form than text is refused with a word about what it is") {
  const auto [bytes, says] = GENERATE(table<std::string, std::string>(
      {{std::string("\xff\xfe-\0-\0", 6), "UTF-16"},
       {std::string("\xfe\xff\0-\0-", 6), "UTF-16"},
       {"\xff\xfe", "UTF-16"},
       {std::string("-\0-\0 \0", 6), "UTF-16"},
       {std::string("\0-\0-", 4), "UTF-16"},
       {"PGDMP\x01\x0e", "custom format"},
       {std::string("SELECT 1;\nSELECT '\0';", 21), "line 2 of the dump is refused: It holds a zero byte"},
       {std::string("COPY t FROM stdin;\n1\n\0\n\\.\n", 26), "line 3 of the dump is refused: It holds a zero byte"}}));
  const DumpReading reading = read_dump(bytes);
  CHECK(reading.failure == Failure::refused);
  CHECK_THAT(reading.error, Catch::Contains(says));
  CHECK(read_dump(bytes, [] { return std::size_t{1}; }).error == reading.error);
}

TEST_CASE("a statement larger than memory is not kept") {
  struct Long {
    std::string begin, filling, end;
    std::size_t size;
  };
  const auto big =
      GENERATE(values<Long>({{"INSERT INTO t VALUES ('", std::string(65536, 'x'), "');\n", 300'000'000},
                             {"CREATE FUNCTION f() AS $body$", std::string(4096, '$'), "$body$;\n", 8'000'000},
                             {"SELECT lowrite(0, '\\x", std::string(4096, '0'), "');\n", 8'000'000},
                             {"COMMENT ON TABLE t IS '", std::string(4096, 'x'), "';\n", 8'000'000},
                             {"-- ", std::string(4096, '-'), "\n", 8'000'000},
                             {"CREATE DATABASE x OWNER = y /* ", std::string(4096, '/'), " */ ;\n", 8'000'000},
                             {"COPY t FROM stdin;\n", std::string(65536, 'x'), "\n\\.\n", 30'000'000},
                             {"ALTER ROLE x PASSWORD $$ ", std::string(4096, '\''), "$$;\n", 8'000'000},
                             {"", std::string(65536, 'x'), ";\n", 8'000'000}}));
  std::uint64_t passed = 0;
  std::size_t most = 0;
  PlainDumpReader reader([&](ByteSpan bytes) { passed += bytes.size(); });
  const auto write = [&](const std::string& text) {
    reader.write(as_bytes(text));
    most = std::max(most, reader.kept_bytes());
  };
  write(big.begin);
  for (std::size_t written = 0; written < big.size; written += big.filling.size()) write(big.filling);
  write(big.end);
  reader.finish();
  CAPTURE(big.begin);
  CHECK(most < 1'000'000);
  CHECK((passed >= big.size || !reader.left_out().empty()));
}

}  // namespace
}  // namespace belay::test
