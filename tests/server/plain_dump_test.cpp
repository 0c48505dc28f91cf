// Plain dumps of pg_dump and pg_restore: their content beside that of an archive of the same database, and what psql
// makes of what the filter lets through. Random ones are in plain_dump_psql_test.cpp.
#include "common/plain_dump.hpp"

#include <fmt/format.h>

#include "common/archive_stream.hpp"
#include "common/session_setup.hpp"
#include "tests/common/plain_dump_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/odd_values.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

RunResult run_tool_on(const DatabaseUrl& url, std::vector<std::string> argv, const std::string& in = {}) {
  argv[0] = pg_bin() / argv[0];
  argv.push_back("--dbname=" + child_conninfo(url, url.database));
  const auto env = child_connection_environment(url, {.application_name = "belay/test"}, 150000);
  return run(argv, {env.begin(), env.end()}, {.stdin_text = in});
}

std::string dump(const DatabaseUrl& url, const std::vector<std::string>& options = {}) {
  std::vector<std::string> argv{"pg_dump"};
  argv.insert(argv.end(), options.begin(), options.end());
  RunResult result = run_tool_on(url, argv);
  INFO(result.err);
  REQUIRE(result.status == 0);
  return std::move(result.out);
}

/// psql as it is meant to be started for a filtered dump.
RunResult psql(const DatabaseUrl& url, const std::string& script) {
  return run_tool_on(url, {"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"}, script);
}

ContentFingerprint archive_content(const std::string& archive) {
  ArchiveReader reader;
  reader.write(as_bytes(archive));
  reader.finish();
  return reader.content();
}

/// In pieces as they come through a pipe.
DumpReading read_plain(const std::string& text, const PlainDumpRules& rules = {}) {
  DumpReading reading = read_dump(
      text, [] { return std::size_t{65536}; }, rules);
  CAPTURE(reading.error);
  CHECK(reading.error.empty());
  return reading;
}

/// A database beside a test database, in another encoding.
class EncodedDatabase {
 public:
  EncodedDatabase(const TestDatabase& beside, const std::string& encoding) : url_(beside.url()) {
    url_.database = beside.name() + "_" + encoding;
    run_sql(server_url(),
            fmt::format("CREATE DATABASE \"{}\" TEMPLATE template0 ENCODING '{}' LC_COLLATE 'C' LC_CTYPE 'C'",
                        url_.database, encoding));
  }
  ~EncodedDatabase() { run_sql(server_url(), fmt::format("DROP DATABASE \"{}\" WITH (FORCE)", url_.database)); }
  EncodedDatabase(const EncodedDatabase&) = delete;
  EncodedDatabase& operator=(const EncodedDatabase&) = delete;
  [[nodiscard]] const DatabaseUrl& url() const { return url_; }

 private:
  DatabaseUrl url_;
};

const char* const few_tables_sql = R"sql(
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE empty (a integer);
CREATE TABLE measured (at date, v integer) PARTITION BY RANGE (at);
CREATE TABLE measured_old PARTITION OF measured FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE measured_new PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
INSERT INTO measured SELECT '2023-12-20'::date + i, i FROM generate_series(1, 30) i;
CREATE FUNCTION twice(begin integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC
  SELECT CASE WHEN true THEN 2 END * begin; SELECT 2; END;
CREATE FUNCTION hostile() RETURNS text LANGUAGE sql AS $_$ SELECT $$
\! touch /tmp/pwned
\.
COPY no_columns FROM stdin;
'"/*$$ $_$;
CREATE VIEW v AS SELECT '\! touch /tmp/pwned' AS "\! x", E'\n\\.\n''' AS "COPY t FROM stdin;";
CREATE RULE r AS ON INSERT TO v DO INSTEAD (INSERT INTO empty VALUES (1); DELETE FROM empty WHERE a = 2);
COMMENT ON VIEW v IS E'a\n\\connect postgres\n--';
SELECT lo_from_bytea(4000000001, 'abc'), lo_create(7);
)sql";

void fill(const TestDatabase& db) {
  db.sql(odd_values_sql);
  db.sql(few_tables_sql);
}

void check_same_content(const std::string& plain, const ContentFingerprint& expected, const std::string& encoding) {
  const DumpReading reading = read_plain(plain);
  CHECK(reading.content.tables == expected.tables);
  CHECK(reading.content.large_objects == expected.large_objects);
  CHECK(reading.content.skipped == expected.skipped);
  CHECK(reading.facts.encoding == encoding);
  CHECK(reading.facts.ended);
  CHECK_THAT(reading.facts.server_version, Catch::StartsWith("15."));
  CHECK(reading.facts.tables.size() == expected.tables.size());
}

/// pg_dump's archive turned into a plain dump.
std::string restore_to_text(const std::string& archive) {
  const ScratchFolder folder;
  write_text(folder / "archive", archive);
  RunResult restored = run({pg_bin() / "pg_restore", "-f", "-", folder / "archive"});
  REQUIRE(restored.status == 0);
  return std::move(restored.out);
}

TEST_CASE("a plain dump has the content of the archive of the same database") {
  const TestDatabase db("plain");
  db.sql(odd_values_sql);
  db.sql(odd_tables_sql);
  const std::string archive = dump(db.url(), {"-Fc", "-Z0"});
  const ContentFingerprint expected = archive_content(archive);
  REQUIRE(expected.tables.size() == 12);
  check_same_content(dump(db.url()), expected, "UTF8");
  check_same_content(dump(db.url(), {"-C", "--clean", "--no-owner", "--disable-triggers"}), expected, "UTF8");
  check_same_content(restore_to_text(archive), expected, "UTF8");
}

TEST_CASE("a plain dump in another encoding has the content of the archive of the same database") {
  const auto [encoding, further] = GENERATE(
      table<std::string, std::string>({{"LATIN1", "CREATE TABLE U&\"caf\\00e9\" AS SELECT U&'\\00e9' AS U&\"\\00fc\""},
                                       {"SQL_ASCII",
                                        "DO $$ BEGIN EXECUTE 'CREATE TABLE \"caf' || chr(233) || '\" AS SELECT "
                                        "chr(233)::text AS \"' || chr(252) || '\"';"
                                        " END $$"}}));
  CAPTURE(encoding);
  const TestDatabase beside("plain");
  const EncodedDatabase db(beside, encoding);
  run_sql(db.url(), odd_values_sql);
  run_sql(db.url(), further);
  const std::string archive = dump(db.url(), {"-Fc", "-Z0"});
  const ContentFingerprint expected = archive_content(archive);
  REQUIRE(expected.tables.size() == 2);
  check_same_content(dump(db.url()), expected, encoding);
  check_same_content(restore_to_text(archive), expected, encoding);
}

TEST_CASE("rows as INSERT statements are not counted, and those of partitions count for the table they go into") {
  const TestDatabase db("inserts");
  fill(db);
  const ContentFingerprint expected = archive_content(dump(db.url(), {"-Fc", "-Z0"}));
  const DumpReading inserts = read_plain(dump(db.url(), {"--inserts"}));
  CHECK(inserts.facts.inserts);
  CHECK(inserts.content.tables.empty());
  CHECK(inserts.content.large_objects == expected.large_objects);
  const DumpReading root = read_plain(dump(db.url(), {"--load-via-partition-root"}));
  CHECK(root.content.tables.size() == expected.tables.size() - 1);
  const auto measured = std::find_if(root.content.tables.begin(), root.content.tables.end(),
                                     [](const TableContent& table) { return table.name == "measured"; });
  REQUIRE(measured != root.content.tables.end());
  CHECK(measured->rows == 30);
}

struct Filtering {
  std::vector<std::string> plain;    ///< pg_dump's options for a dump that psql can take as it is
  std::vector<std::string> further;  ///< and further ones for a dump that it could not
  PlainDumpRules rules;
  std::vector<std::string> left_out;
};

TEST_CASE("what the filter lets through gives psql the same database as the whole dump") {
  const TestDatabase db("filtered");
  fill(db);
  db.sql(
      fmt::format("COMMENT ON DATABASE \"{0}\" IS 'the live one'; ALTER DATABASE \"{0}\" SET work_mem TO '7MB';"
                  "GRANT CREATE ON DATABASE \"{0}\" TO PUBLIC",
                  db.name()));
  const std::string live = db.dump({"-C"});
  const std::vector<std::string> of_c{"ALTER DATABASE",    "COMMENT ON DATABASE", "CREATE DATABASE",
                                      "GRANT ON DATABASE", "REVOKE ON DATABASE",  "\\connect"};
  std::vector<std::string> of_clean = of_c;
  of_clean.insert(of_clean.begin() + 3, "DROP DATABASE");
  for (const Filtering& filtering : std::vector<Filtering>{{{}, {}, {}, {}},
                                                           {{}, {"-C"}, {}, of_c},
                                                           {{}, {"-C", "--clean"}, {.restrict_key = "Key1"}, of_clean},
                                                           {{"--column-inserts"}, {}, {.restrict_key = "Key1"}, {}}}) {
    CAPTURE(filtering.plain, filtering.further);
    const TestDatabase whole("whole"), target("target");
    REQUIRE(psql(whole.url(), dump(db.url(), filtering.plain)).status == 0);
    std::vector<std::string> options = filtering.plain;
    options.insert(options.end(), filtering.further.begin(), filtering.further.end());
    const DumpReading reading = read_plain(dump(db.url(), options), filtering.rules);
    std::vector<std::string> kinds;
    for (const LeftOut& one : reading.left_out) {
      if (one.what != "\\encoding") kinds.push_back(one.what);  // only newer pg_dumps write it
    }
    std::sort(kinds.begin(), kinds.end());
    CHECK(kinds == filtering.left_out);
    const RunResult loaded = psql(target.url(), reading.passed);
    CHECK(loaded.err == "");
    CHECK(loaded.status == 0);
    CHECK((target.dump() == whole.dump()));  // without the inner parentheses all of both would be shown
  }
  // Nothing of it went into the database that the dump names.
  CHECK((db.dump({"-C"}) == live));
}

TEST_CASE("a dump in which a backslash escapes is read as psql reads it") {
  const TestDatabase db("escapes"), target("target");
  fill(db);
  db.sql(R"(DO $$ BEGIN EXECUTE 'COMMENT ON TABLE empty IS ' || quote_literal(E'C:\\; \\! x ''\\'''); END $$)");
  db.sql(fmt::format("ALTER DATABASE \"{}\" SET standard_conforming_strings TO off", db.name()));
  const std::string text = dump(db.url());
  REQUIRE(text.find("SET standard_conforming_strings = off;") != std::string::npos);
  check_same_content(text, archive_content(dump(db.url(), {"-Fc", "-Z0"})), "UTF8");
  const RunResult loaded = psql(target.url(), read_plain(text).passed);
  CHECK(loaded.err == "");
  CHECK(target.value("SELECT obj_description('empty'::regclass)") == R"(C:\; \! x '\')");
}

TEST_CASE("psql's line numbers for what the filter lets through are the dump's") {
  const TestDatabase db("lines");
  const std::string text =
      "CREATE DATABASE x\n  OWNER y;\n\\connect x\nCREATE TABLE t (a integer);\nCOPY t (a) FROM stdin;\n1\n\\.\nSELECT "
      "nothing;\n";
  CHECK_THAT(psql(db.url(), read_plain(text).passed).err, Catch::Contains("psql:<stdin>:8: ERROR"));
}

TEST_CASE("a dump with Windows' line ends is loaded as it is counted") {
  const TestDatabase db("windows"), target("target");
  fill(db);
  std::string text;
  for (const char c : dump(db.url())) text += c == '\n' ? "\r\n" : std::string(1, c);
  const DumpReading reading = read_plain(text);
  const RunResult loaded = psql(target.url(), reading.passed);
  CHECK(loaded.err == "");
  const ContentFingerprint content = archive_content(dump(target.url(), {"-Fc", "-Z0"}));
  CHECK(content.tables == reading.content.tables);
  CHECK(content.large_objects == reading.content.large_objects);
}

TEST_CASE("rows that are refused would have been lost without a word") {
  const TestDatabase db("lost");
  const std::string text = "CREATE TABLE t (a text);\nCOPY t (a) FROM stdin;\n1\n2\\.\n3\n\\.\n";
  CHECK(psql(db.url(), text).status == 0);
  CHECK(db.value("SELECT count(*) FROM t") == "2");
  CHECK(read_dump(text).failure == Failure::refused);
}

/// Dumps with %s where a file is named that must not come into being.
struct Attack {
  std::string name, text;
};

const std::vector<Attack> attacks{
    {"a newline in an object's name", "--\n-- Name: x\n\\! touch %s\n; Type: TABLE; Schema: public\n--\n\nSELECT 1;\n"},
    {"a carriage return in an object's name", "-- Name: x\r\\! touch %s\n; Type: TABLE\n"},
    {"after a statement", "SELECT 1; \\! touch %s\n"},
    {"inside a statement", "SELECT (1, \\! touch %s\n 2);\n"},
    {"behind a string that ends in a backslash", "SELECT 'C:\\'; \\! touch %s\n"},
    {"behind rows", "CREATE TABLE t (a text);\nCOPY t FROM stdin;\n1\n\\.\n\\! touch %s\n"},
    {"in the line of a COPY", "CREATE TABLE t (a text);\nCOPY t FROM stdin; \\! touch %s\n1\n\\.\n"},
    {"through a program's output", "SELECT 'touch %s' \\g |sh\n"},
    {"in backquotes", "\\set x `touch %s`\n"},
    {"in an argument of \\restrict", "\\restrict `touch %s`\n"},
    {"in an argument of \\connect", "\\connect `touch %s`\n"},
    {"COPY to a program", "COPY (SELECT 1) TO PROGRAM 'touch %s';\n"}};

std::string with_file(std::string text, const std::filesystem::path& file) {
  const std::size_t at = text.find("%s");
  return text.replace(at, 2, file.string());
}

TEST_CASE("an attack that works on psql does not come through the filter") {
  const auto attack = GENERATE(from_range(attacks));
  CAPTURE(attack.name);
  const TestDatabase db("attack"), other("attacked");
  const std::filesystem::path file = std::filesystem::temp_directory_path() / ("belay-attack-" + db.name());
  const std::string text = with_file(attack.text, file);
  (void)psql(db.url(), text);
  CHECK(std::filesystem::exists(file));  // else the case proves nothing
  std::filesystem::remove(file);

  const DumpReading reading = read_dump(text);
  CHECK(reading.failure == Failure::refused);
  CHECK_THAT(reading.error, Catch::StartsWith("line "));
  (void)psql(other.url(), reading.passed);
  CHECK_FALSE(std::filesystem::exists(file));
  std::filesystem::remove(file);
}

TEST_CASE("code in the server cannot get a command through to a psql that is restricted by our key") {
  const auto* const text = GENERATE(
      "DO $x$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END $x$;\nSELECT '\\'' \\! touch "
      "%s\n; --'\n;\n",
      "DO $x$ BEGIN PERFORM set_config('client_encoding', 'SJIS', false); END $x$;\nSELECT \x83' \\! touch %s\n "
      "'\n;\n");
  const TestDatabase db("hidden");
  const ScratchFolder folder;
  const std::string attack = with_file(text, folder / "file");
  // The filter cannot see it …
  (void)psql(db.url(), read_plain(attack).passed);
  CHECK(std::filesystem::exists(folder / "file"));
  std::filesystem::remove(folder / "file");
  // … and psql can.
  const RunResult restricted = psql(db.url(), read_plain(attack, {.restrict_key = "OnlyForThisRun"}).passed);
  CHECK_FALSE(std::filesystem::exists(folder / "file"));
  CHECK_THAT(restricted.err, Catch::Contains("backslash commands are restricted"));
}

TEST_CASE("a file of pg_dumpall is refused where its second database begins") {
  const OwnServer server;  // on the shared one databases come and go while it dumps all of them
  const TestDatabase db("all", Owner::superuser, server.url());
  db.sql("CREATE TABLE t AS SELECT 1 AS a");
  RunResult all = run_tool_on(db.url(), {"pg_dumpall", "--clean", "--if-exists"});
  REQUIRE(all.status == 0);
  const DumpReading reading = read_dump(all.out);
  CHECK(reading.failure == Failure::refused);
  CHECK_THAT(reading.error, Catch::Contains("The dump holds more than one database: "));
  CHECK(reading.passed.find("ROLE") == std::string::npos);
}

}  // namespace
}  // namespace belay::test
