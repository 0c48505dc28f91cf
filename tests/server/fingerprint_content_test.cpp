// The content fingerprint of a live database and that of pg_dump's archive of it, which have to be equal whatever the
// database holds.
#include <fmt/format.h>

#include <functional>
#include <optional>
#include <random>

#include "common/archive_stream.hpp"
#include "common/error.hpp"
#include "common/fingerprint.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/odd_values.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

void fill_rows(const TestDatabase& db) {
  db.sql(odd_values_sql);
  db.sql(odd_tables_sql);
}

SessionSettings pinned() { return {.application_name = "belay/test", .pinned_text_form = true, .lc_monetary = "C"}; }

Connection pinned_session(const DatabaseUrl& url) { return {url, url.database, pinned()}; }

std::string custom_dump(const DatabaseUrl& url, const std::vector<std::string>& options = {}) {
  std::vector<std::string> argv{pg_bin() / "pg_dump", "-Fc", "-Z0", "--dbname=" + child_conninfo(url, url.database)};
  argv.insert(argv.end(), options.begin(), options.end());
  const auto env = child_connection_environment(url, pinned(), 150000);
  RunResult result = run(argv, {env.begin(), env.end()});
  INFO(result.err);
  REQUIRE(result.status == 0);
  return std::move(result.out);
}

/// `next_size` says how large the next piece is.
ContentFingerprint read_archive(const std::string& bytes, const std::function<std::size_t()>& next_size) {
  ArchiveReader reader;
  for (std::size_t at = 0, size = 0; at < bytes.size(); at += size) {
    size = std::min(next_size(), bytes.size() - at);
    reader.write(as_bytes(std::string_view(bytes).substr(at, size)));
  }
  reader.finish();
  return reader.content();
}

ContentFingerprint read_archive(const std::string& bytes) {
  return read_archive(bytes, [] { return std::size_t{65536}; });
}

ContentFingerprint read_live(const DatabaseUrl& url, const std::vector<TableContent>& order = {}) {
  Connection session = pinned_session(url);
  return read_content_fingerprint(session, order);
}

std::vector<std::string> differences(const ContentFingerprint& expected, ContentFingerprint found) {
  if (expected.sequences.empty() || found.sequences.empty())
    found.sequences = expected.sequences;  // an archive's has no_differences
  std::vector<std::string> lines;
  for (const ContentDifference& one : compare_content(expected, found))
    lines.push_back(one.object + ": " + one.describe);
  return lines;
}

const std::vector<std::string> no_differences;

const TableContent& table_of(const ContentFingerprint& content, const std::string& name) {
  for (const TableContent& table : content.tables) {
    if (table.name == name) return table;
  }
  FAIL("no table " << name);
  throw 0;
}

TEST_CASE("an archive of pg_dump yields the live database's fingerprint, in pieces of any size") {
  const TestDatabase db("content");
  fill_rows(db);
  const ContentFingerprint live = read_live(db.url());
  const std::string archive = custom_dump(db.url());
  CHECK(table_of(live, "no_columns").rows == 2);
  CHECK(table_of(live, "no_columns").columns.empty());
  CHECK(table_of(live, "only_generated").rows == 1);
  CHECK(table_of(live, "empty").rows == 0);
  CHECK(table_of(live, "unlogged").rows == 10);
  CHECK(table_of(live, "measured_old").rows + table_of(live, "measured_new").rows == 30);
  CHECK(table_of(live, "parent").rows == 1);
  CHECK(table_of(live, "large").rows == 3);
  CHECK(table_of(live, "t (a, b) FROM stdin;").rows == 5);
  CHECK(table_of(live, "t (a, b) FROM stdin;").columns.size() == 17);
  CHECK(live.tables.size() == 12);
  CHECK(live.large_objects.count == 6);
  CHECK(live.skipped == std::vector<std::string>{"foreign table \"public\".\"far\": its rows are kept somewhere else"});

  std::mt19937 random(Catch::rngSeed());
  const std::vector<std::function<std::size_t()>> sizes{
      [] { return std::size_t{1}; }, [] { return std::size_t{7}; }, [] { return std::size_t{65536}; },
      [&] { return archive.size(); }, [&] { return std::size_t{1} + random() % (std::size_t{1} << random() % 20); }};
  for (const auto& size : sizes) {
    const ContentFingerprint read = read_archive(archive, size);
    CHECK(differences(live, read) == no_differences);
    CHECK(read.tables == live.tables);
    CHECK(read.large_objects == live.large_objects);
    CHECK(read.skipped == live.skipped);
  }
}

TEST_CASE("what is listed and where sequences stand is read as it is in the database") {
  const TestDatabase db("listed");
  fill_rows(db);
  Connection session = db.connect();  // no pinned text form is needed for names and numbers
  std::vector<std::string> names;
  for (const TableContent& table : list_tables(session)) names.push_back(table.name);
  CHECK(names == std::vector<std::string>{"t (a, b) FROM stdin;", "child", "empty", "identified", "large", "many",
                                          "measured_new", "measured_old", "no_columns", "only_generated", "parent",
                                          "unlogged"});
  CHECK(read_sequences(session) == std::vector<SequenceContent>{{"public", "Down!", 55, false, -3},
                                                                {"public", "identified_id_seq", 1, true, 1},
                                                                {"public", "up", 2, true, 1}});
}

TEST_CASE("more sequences than one statement asks for are all read") {
  const TestDatabase db("sequences");
  db.sql("DO $$ BEGIN FOR i IN 1..450 LOOP EXECUTE format('CREATE SEQUENCE s%s START %s', i, i); END LOOP; END $$");
  Connection session = db.connect();
  const std::vector<SequenceContent> all = read_sequences(session);
  REQUIRE(all.size() == 450);
  for (const SequenceContent& one : all) CHECK("s" + std::to_string(one.last_value) == one.name);
}

TEST_CASE("settings of database and role that change how values are printed do not change the fingerprint") {
  const TestDatabase db("settings");
  fill_rows(db);
  const ContentFingerprint before = read_live(db.url());
  REQUIRE(differences(before, read_archive(custom_dump(db.url()))) == no_differences);
  const auto set = [&](const std::string& setting) {
    db.sql("DO $$ BEGIN EXECUTE format($f$ALTER DATABASE %I SET " + setting + "$f$, current_database()); END $$");
  };
  for (const char* setting :
       {"TimeZone = 'Asia/Tokyo'", "bytea_output = 'escape'", "IntervalStyle = 'sql_standard'",
        "extra_float_digits = -5", "DateStyle = 'German'", "search_path = 'Odd \"schema\", it''s', public",
        "xmloption = 'document'", "synchronize_seqscans = off", "row_security = on"})
    set(setting);
  REQUIRE(db.value("SELECT '2024-03-31 00:00Z'::timestamptz || ' ' || '\\x00'::bytea::text") ==
          "31.03.2024 09:00:00 JST \\000");
  set("statement_timeout = '1ms'");
  CHECK(differences(before, read_live(db.url())) == no_differences);
  CHECK(differences(before, read_archive(custom_dump(db.url()))) == no_differences);
}

TEST_CASE("a session whose text form is not pinned is refused instead of yielding other hashes") {
  const TestDatabase db("unpinned");
  Connection session = db.connect();
  CHECK_THROWS_WITH(read_content_fingerprint(session), Catch::Contains("text form that is not pinned"));
  Connection changed = pinned_session(db.url());
  CHECK_NOTHROW(read_content_fingerprint(changed));
  changed.run("SET bytea_output = 'escape'");
  CHECK_THROWS_WITH(read_content_fingerprint(changed), Catch::Contains("text form that is not pinned"));
}

TEST_CASE("the order of rows on disk is no difference, one changed value is") {
  const TestDatabase db("order");
  db.sql("CREATE TABLE t AS SELECT i, md5(i::text) AS v FROM generate_series(1, 5000) i; CREATE INDEX by_v ON t (v);");
  const ContentFingerprint before = read_live(db.url());
  const std::string order = db.value("SELECT string_agg(i::text, ',') FROM (SELECT i FROM t LIMIT 10) x");
  db.sql("CLUSTER t USING by_v");
  REQUIRE(db.value("SELECT string_agg(i::text, ',') FROM (SELECT i FROM t LIMIT 10) x") != order);
  CHECK(differences(before, read_live(db.url())) == no_differences);
  CHECK(differences(before, read_archive(custom_dump(db.url()))) == no_differences);
  db.sql("UPDATE t SET v = v || ' ' WHERE i = 2500");
  const std::vector<std::string> changed{"table \"public\".\"t\": same number of rows (5000), different content"};
  CHECK(differences(before, read_live(db.url())) == changed);
  CHECK(differences(before, read_archive(custom_dump(db.url()))) == changed);
}

TEST_CASE("changes that a count does not show are seen") {
  const TestDatabase db("changes");
  db.sql(
      "CREATE TABLE t (a integer, b text, f float8, c char(3)); INSERT INTO t VALUES (1, '', 0, 'x'), (2, 'b', 1, "
      "'y'), (2, 'b', 1, 'y')");
  const ContentFingerprint before = read_live(db.url());
  for (const char* change : {"UPDATE t SET b = NULL WHERE a = 1", "UPDATE t SET f = '-0' WHERE a = 1",
                             "UPDATE t SET b = E'\\u0065\\u0301' WHERE a = 1",
                             "DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (2, 'b', 1, 'y')",
                             "UPDATE t SET a = 3 - a", "UPDATE t SET b = 'b ' WHERE a = 2"}) {
    db.sql("CREATE TABLE kept AS TABLE t");
    db.sql(change);
    CAPTURE(change);
    Connection session = pinned_session(db.url());
    session.run("DROP TABLE IF EXISTS unrelated");
    const ContentFingerprint after = read_content_fingerprint(session);
    CHECK_FALSE(table_of(after, "t") == table_of(before, "t"));
    db.sql("TRUNCATE t; INSERT INTO t TABLE kept; DROP TABLE kept");
    REQUIRE(differences(before, read_live(db.url())) == no_differences);
  }
}

TEST_CASE(
    "a restored database has the fingerprint of the original, also where a table's columns came back in another "
    "order") {
  const TestDatabase db("original"), restored("restored");
  fill_rows(db);
  const ContentFingerprint original = read_live(db.url());
  const ScratchFolder folder;
  write_text(folder / "a.dump", custom_dump(db.url()));
  const auto env = child_connection_environment(restored.url(), pinned(), 150000);
  const RunResult result = run({pg_bin() / "pg_restore", "--exit-on-error", "--no-owner",
                                "--dbname=" + child_conninfo(restored.url(), restored.name()), folder / "a.dump"},
                               {env.begin(), env.end()});
  INFO(result.err);
  REQUIRE(result.status == 0);
  REQUIRE_FALSE(table_of(read_live(restored.url()), "child").columns == table_of(original, "child").columns);
  const ContentFingerprint again = read_live(restored.url(), original.tables);
  CHECK(compare_content(original, again).empty());
  CHECK(again.tables == original.tables);
  CHECK(again.sequences == original.sequences);
}

TEST_CASE("in an open transaction its snapshot is read, and pg_dump sees the same through it") {
  const TestDatabase db("snapshot");
  db.sql(
      "CREATE TABLE t AS SELECT generate_series(1, 100) AS i; CREATE TABLE other AS TABLE t; SELECT "
      "lo_from_bytea(5000, 'a')");
  Connection session = pinned_session(db.url());
  Transaction transaction(session, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const std::string snapshot = session.value("SELECT pg_export_snapshot()");
  db.sql("INSERT INTO t VALUES (101); DELETE FROM other; SELECT lo_put(5000, 0, 'b'), lo_create(5001)");
  const ContentFingerprint content = read_content_fingerprint(session);
  CHECK(table_of(content, "t").rows == 100);
  CHECK(table_of(content, "other").rows == 100);
  CHECK(content.large_objects.count == 1);
  CHECK(session.transaction_state() == TransactionState::open);
  CHECK(differences(content, read_archive(custom_dump(db.url(), {"--snapshot=" + snapshot}))) == no_differences);
  transaction.commit();
  CHECK(differences(content, read_content_fingerprint(session)).size() == 3);
  CHECK(session.transaction_state() == TransactionState::idle);
}

TEST_CASE("of an extension's tables those it declares as data are read, as far as it declares them") {
  const TestDatabase db("extension");
  db.sql(R"sql(CREATE EXTENSION hstore;
    CREATE TABLE config (i integer, t text); INSERT INTO config SELECT i, 'row ' || i FROM generate_series(1, 10) i;
    CREATE TABLE whole AS TABLE config; CREATE TABLE internal AS TABLE config; CREATE SEQUENCE internal_seq;
    CREATE TABLE ours (h hstore); INSERT INTO ours VALUES ('a=>1');
    ALTER EXTENSION hstore ADD TABLE config; ALTER EXTENSION hstore ADD TABLE whole;
    ALTER EXTENSION hstore ADD TABLE internal; ALTER EXTENSION hstore ADD SEQUENCE internal_seq;
    UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid, 'whole'::regclass::oid],
      extcondition = ARRAY['WHERE i > 7', ''] WHERE extname = 'hstore')sql");
  const ContentFingerprint live = read_live(db.url());
  CHECK(live.tables.size() == 3);
  CHECK(table_of(live, "config").rows == 3);
  CHECK(table_of(live, "whole").rows == 10);
  CHECK(live.sequences.empty());
  CHECK(live.skipped ==
        std::vector<std::string>{"table \"public\".\"internal\": it belongs to extension \"hstore\", which "
                                 "does not declare its rows as data"});
  CHECK(differences(live, read_archive(custom_dump(db.url()))) == no_differences);
}

TEST_CASE("a database in another encoding is read in its own, and its names in UTF-8") {
  const TestDatabase utf8("latin");  // its name, and its end, are the other database's too
  const std::string name = utf8.name() + "_1";
  run_sql(server_url(), fmt::format("CREATE DATABASE \"{}\" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", name));
  const DatabaseUrl url = server_url().with_database(name);
  {
    Connection session = pinned_session(url);
    session.run("CREATE TABLE public.\"café\" (\"ü\" text)");
    session.run("INSERT INTO public.\"café\" VALUES ('é'), ('ß')");
    const ContentFingerprint live = read_content_fingerprint(session);
    CHECK(table_of(live, "café").columns == std::vector<std::string>{"ü"});
    CHECK(session.value("SELECT 'é'") == "é");
    const std::string archive = custom_dump(url);
    CHECK_THAT(archive, Catch::Contains("\xe9\n"));
    CHECK(differences(live, read_archive(archive)) == no_differences);
  }
  run_sql(server_url(), fmt::format("DROP DATABASE \"{}\"", name));
}

TEST_CASE("rows that the role may not see are an error, not a smaller table") {
  const TestDatabase db("policy", Owner::plain);
  db.sql(
      "CREATE TABLE t AS SELECT generate_series(1, 10) AS i; ALTER TABLE t ENABLE ROW LEVEL SECURITY; "
      "ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY few ON t USING (i < 3)");
  CHECK_THROWS_WITH(read_live(db.owner_url()), Catch::Contains("row-level security"));
  CHECK(table_of(read_live(db.url()), "t").rows == 10);
}

TEST_CASE("large objects that the role may not read are an error that says so") {
  const TestDatabase db("objects", Owner::plain);
  db.sql("SELECT lo_from_bytea(0, 'mine')");
  CHECK(read_live(db.owner_url()).large_objects.count == 1);
  db.sql_as_superuser("SELECT lo_from_bytea(0, 'not theirs')");
  try {
    (void)read_live(db.owner_url());
    FAIL("they were read");
  } catch (const Error& error) {
    CHECK(error.message == "could not read all large objects");
    CHECK_THAT(error.detail, Catch::Contains("permission denied for large object"));
    CHECK_THAT(error.hint, Catch::Contains("Use a role"));
  }
}

TEST_CASE("archives whose rows do not show are refused") {
  const TestDatabase db("refused");
  db.sql("CREATE TABLE t AS SELECT 1 AS a");
  CHECK_THROWS_WITH(read_archive(custom_dump(db.url(), {"--inserts"})),
                    Catch::Contains("the rows of table \"public\".\"t\" cannot be read"));
  CHECK_THROWS_WITH(read_archive(custom_dump(db.url(), {"-Z6"})), Catch::Contains("compressed by pg_dump"));
  CHECK_THROWS_WITH(read_archive(custom_dump(db.url(), {"-Fp"})),
                    Catch::Contains("not an archive in pg_dump's custom format"));
  CHECK_THROWS_WITH(read_archive(custom_dump(db.url(), {"-Ft"})),
                    Catch::Contains("not an archive in pg_dump's custom format"));
}

/// The content, or no_differences if the archive was refused. Anything but a refusal as storage fails the test.
std::optional<ContentFingerprint> accepted(const std::string& bytes) {
  try {
    return read_archive(bytes);
  } catch (const Error& error) {
    REQUIRE(error.kind == Failure::storage);
    return std::nullopt;
  }
}

std::size_t where_data_begins(const std::string& archive) {
  ArchiveReader reader;
  for (std::size_t at = 0; at < archive.size(); ++at) {
    reader.write(as_bytes(std::string_view(archive).substr(at, 1)));
    if (!reader.current_table().empty()) return at - 5;  // a type and a number of five bytes
  }
  FAIL("no data");
  return 0;
}

TEST_CASE("a cut archive is refused at every length, and no flipped bit in its data goes unnoticed") {
  const TestDatabase db("damage");
  db.sql(
      "CREATE TABLE a (i integer, t text); INSERT INTO a SELECT i, repeat('x', i) FROM generate_series(1, 12) i;"
      "CREATE TABLE b AS TABLE a; CREATE TABLE c (); INSERT INTO c DEFAULT VALUES; SELECT lo_from_bytea(0, 'abc')");
  const std::string archive = custom_dump(db.url());
  const ContentFingerprint intact = read_archive(archive);
  for (std::size_t size = 0; size < archive.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(accepted(archive.substr(0, size)));
  }
  const std::size_t data = where_data_begins(archive);
  for (std::size_t bit = 0; bit < archive.size() * 8; ++bit) {
    std::string damaged = archive;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const std::optional<ContentFingerprint> content = accepted(damaged);  // before the data: no crash, at least
    CAPTURE(bit, data);
    if (bit / 8 >= data && content) REQUIRE_FALSE(compare_content(intact, *content).empty());
  }
}

}  // namespace
}  // namespace belay::test
