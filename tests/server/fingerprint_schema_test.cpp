// The schema fingerprint against a real server: a dump and restore of a database with everything in it comes back
// equal, and reading and comparing disturb nothing.
#include <chrono>

#include "common/sql_text.hpp"
#include "tests/server/fingerprint_schema_support.hpp"

using namespace belay;
using namespace belay::test;

namespace {

/// A side database of `db` with what pg_dump and pg_restore, run as the owner, make of it.
DatabaseUrl restored_copy(const TestDatabase& db) {
  const DatabaseUrl& url = db.owner_name().empty() ? db.url() : db.owner_url();
  const DatabaseUrl copy = url.with_database(db.name() + "__copy");
  run_sql(server_url(), "CREATE DATABASE " + quote_identifier(copy.database) + " TEMPLATE template0" +
                            (db.owner_name().empty() ? "" : " OWNER " + quote_identifier(db.owner_name())));
  const ScratchFolder folder;
  const std::string file = (folder / "dump").string();
  const auto dump =
      run({(pg_bin() / "pg_dump").string(), "--format=custom", "--file=" + file, "--dbname=" + url_text(url)});
  if (dump.status != 0) throw std::runtime_error("pg_dump: " + dump.err);
  const auto restore = run({(pg_bin() / "pg_restore").string(), "--exit-on-error", "--dbname=" + url_text(copy), file});
  if (restore.status != 0) throw std::runtime_error("pg_restore: " + restore.err);
  return copy;
}

Connection connect(const DatabaseUrl& url) {
  return Connection(url, url.database, SessionSettings{"belay-test", false});
}

}  // namespace

TEST_CASE("a table called like Prisma's own in another schema is compared") {
  const TestDatabase db{"schema other history"};
  db.sql(
      "CREATE SCHEMA app; CREATE TABLE app._prisma_migrations (id int PRIMARY KEY); CREATE TABLE "
      "public._prisma_migrations (id int PRIMARY KEY)");
  Connection session = db.connect();
  const auto objects = [&](const std::string& history_schema) {
    Lines tables;
    for (const SchemaFact& fact : read_schema_fingerprint(session, history_schema).facts) {
      if (fact.kind == "table" && fact.attribute == "owner") tables.push_back(fact.object);
    }
    return tables;
  };
  CHECK(objects("public") == Lines{R"("app"."_prisma_migrations")"});
  CHECK(objects("app") == Lines{R"("public"."_prisma_migrations")"});
}

TEST_CASE("a database with everything in it is equal after a dump and restore") {
  const auto owner = GENERATE(Owner::superuser, Owner::plain);
  const TestDatabase db{"schema \"round\" trip", owner};
  fill_schema(db);
  Connection original = db.connect();
  const SchemaFingerprint expected = read_schema_fingerprint(original, "public");
  Connection copy = connect(restored_copy(db));
  const SchemaFingerprint found = read_schema_fingerprint(copy, "public");
  const auto only_soft = [](Lines lines) {
    std::erase_if(lines, [](const std::string& line) { return line.compare(0, 5, "soft ") == 0; });
    return joined(lines);
  };
  CHECK(only_soft(described(compare_schema(expected, found, &copy))).empty());

  SECTION("and the other way round, the restored one being what is expected") {
    CHECK(only_soft(described(compare_schema(found, expected, &original))).empty());
  }
  SECTION("only because expressions are parsed again, in each kind of place") {
    const Lines lines = described(compare_schema(expected, found, nullptr));
    for (const char* kind : {"column", "constraint", "domain constraint", "function", "index", "materialized view",
                             "policy", "rule", "statistics object", "table", "trigger", "view"}) {
      CAPTURE(kind);
      CHECK(any_starts_with(lines, std::string("hard ") + kind + " "));
    }
  }
  SECTION("and what was parsed again has left nothing behind") {
    CHECK(copy.transaction_state() == TransactionState::idle);
    CHECK(copy.value("SELECT count(*) FROM pg_class WHERE relpersistence = 't' OR relname LIKE 'belay%'") == "0");
    CHECK(copy.value("SELECT count(*) FROM pg_proc WHERE proname LIKE 'belay%'") == "0");
    CHECK(read_schema_fingerprint(copy, "public").sha256() == found.sha256());
  }
}

TEST_CASE("the owner of a database reads the same facts as a superuser") {
  const TestDatabase db{"schema owner", Owner::plain};
  fill_schema(db);
  Connection owner = db.connect();
  Connection superuser = db.connect_as_superuser();
  const SchemaFingerprint seen = read_schema_fingerprint(owner, "public");
  CHECK(seen.facts.size() > 900);
  CHECK(joined(described(compare_schema(read_schema_fingerprint(superuser, "public"), seen, nullptr))).empty());
}

TEST_CASE("no secret of a foreign server is in the fingerprint") {
  const TestDatabase db{"schema secrets"};
  fill_schema(db);
  db.sql(
      "ALTER USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (SET password 'sEcReT-1'); ALTER SERVER elsewhere "
      "OPTIONS (ADD application_name 'sEcReT-2');"
      "ALTER FOREIGN TABLE app.far OPTIONS (SET table_name 'sEcReT-3'); ALTER FOREIGN TABLE app.far ALTER id OPTIONS "
      "(SET column_name 'sEcReT-4');"
      "ALTER FOREIGN DATA WRAPPER own_wrapper OPTIONS (ADD token 'sEcReT-5')");
  Connection session = db.connect();
  const std::string json = to_json(read_schema_fingerprint(session, "public")).dump();
  CHECK(json.find("sha256:") != std::string::npos);
  CHECK(json.find("sEcReT") == std::string::npos);
}

TEST_CASE("a fingerprint read inside a transaction leaves it and its settings as they were") {
  const TestDatabase db{"schema transaction"};
  db.sql("CREATE TABLE t (a varchar CHECK (a IN ('a', 'b')))");
  Connection session = db.connect();
  session.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  session.run("SET LOCAL search_path = public");
  session.run("SET LOCAL TimeZone = 'Asia/Tokyo'");
  session.run("CREATE TABLE mine (a int)");
  const SchemaFingerprint inside = read_schema_fingerprint(session, "public");
  SchemaFingerprint recorded = inside;
  for (SchemaFact& fact : recorded.facts) {
    if (fact.kind == "constraint" && fact.attribute == "definition")
      fact.value = "CHECK (a::text IN ('a'::text, 'b'::varchar::text, 'c'))";
  }
  const Lines lines = described(compare_schema(recorded, inside, &session));
  INFO(joined(lines));
  CHECK(lines.size() == 1);
  CHECK(session.value("SHOW search_path") == "public");
  CHECK(session.value("SHOW TimeZone") == "Asia/Tokyo");
  CHECK(session.value("SHOW transaction_isolation") == "repeatable read");
  session.run("COMMIT");
  CHECK(session.value("SELECT count(*) FROM mine") == "0");
  CHECK(session.value("SHOW search_path") == "\"$user\", public");
}

TEST_CASE("a fingerprint in a snapshot's transaction does not see what came later") {
  const TestDatabase db{"schema snapshot"};
  Connection session = db.connect();
  session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const std::string before = read_schema_fingerprint(session, "public").sha256();
  db.sql("CREATE TABLE later (a int)");
  CHECK(read_schema_fingerprint(session, "public").sha256() == before);
  session.run("COMMIT");
  CHECK(read_schema_fingerprint(session, "public").sha256() != before);
}

TEST_CASE("expressions are not parsed again in a transaction that may not write") {
  const TestDatabase db{"schema read only"};
  db.sql("CREATE VIEW v AS SELECT 1 AS a");
  Connection session = db.connect();
  SchemaFingerprint found = read_schema_fingerprint(session, "public"), expected = found;
  for (SchemaFact& fact : expected.facts) {
    if (fact.kind == "view" && fact.attribute == "definition") fact.value = "SELECT 2 AS a";
  }
  session.run("BEGIN READ ONLY");
  CHECK_THROWS_AS(compare_schema(expected, found, &session), Error);
  session.run("ROLLBACK");
  CHECK(described(compare_schema(expected, found, &session)).size() == 1);
}

TEST_CASE("a recorded text that is more than one expression is not run") {
  const TestDatabase db{"schema tampered"};
  db.sql(
      "CREATE TABLE t (a int CHECK (a > 0), b int DEFAULT 1); CREATE TABLE victim (a int); CREATE VIEW v AS SELECT 1 "
      "AS a");
  Connection session = db.connect();
  const SchemaFingerprint found = read_schema_fingerprint(session, "public");
  SchemaFingerprint expected = found;
  int changed = 0;
  for (SchemaFact& fact : expected.facts) {
    if (!fact.expression) continue;
    fact.value += "; COMMIT; DROP TABLE public.victim";
    ++changed;
  }
  REQUIRE(changed == 3);
  CHECK(described(compare_schema(expected, found, &session)).size() == 3);
  CHECK(session.value("SELECT count(*) FROM victim") == "0");
}

TEST_CASE("names that PostgreSQL made up differently are soft") {
  const TestDatabase one{"schema names a"};
  const TestDatabase other{"schema names b"};
  one.sql("CREATE TABLE t (a int UNIQUE, b int CHECK (b > 0)); CREATE INDEX ON t (b)");
  other.sql(
      "CREATE TABLE t (a int, b int); CREATE TABLE x (c int); CREATE INDEX t_b_idx ON x (c); CREATE INDEX t_a_key ON x "
      "(c); "
      "ALTER TABLE t ADD CONSTRAINT t_b_check1 CHECK (b > 0); ALTER TABLE t ADD UNIQUE (a); CREATE INDEX ON t (b); "
      "DROP TABLE x");
  Connection a = one.connect(), b = other.connect();
  const Lines lines =
      described(compare_schema(read_schema_fingerprint(a, "public"), read_schema_fingerprint(b, "public"), &b));
  CHECK(lines == Lines{R"(soft constraint "public"."t"."t_a_key": name: expected "t_a_key", found "t_a_key1")",
                       R"(soft constraint "public"."t"."t_b_check": name: expected "t_b_check", found "t_b_check1")",
                       R"(soft index "public"."t"."t_a_key": name: expected "t_a_key", found "t_a_key1")",
                       R"(soft index "public"."t"."t_b_idx": name: expected "t_b_idx", found "t_b_idx1")"});
}

TEST_CASE("objects of unknown kinds are counted, an extension's are not") {
  const TestDatabase db{"schema unknown"};
  db.sql("CREATE EXTENSION citext; CREATE EXTENSION hstore");
  Connection session = db.connect();
  CHECK(read_schema_fingerprint(session, "public").not_compared.empty());
  db.sql(
      "CREATE OPERATOR FAMILY f USING btree; CREATE OPERATOR FAMILY g USING btree; CREATE TYPE shell; CREATE LANGUAGE "
      "other HANDLER plpgsql_call_handler");
  CHECK(read_schema_fingerprint(session, "public").not_compared ==
        std::map<std::string, std::uint64_t>{{"base type", 1}, {"language", 1}, {"operator family", 2}});
}

TEST_CASE("a thousand expressions that differ are settled in seconds", "[long]") {
  const TestDatabase db{"schema many"};
  db.sql(
      "DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, c varchar CHECK (c IN "
      "(''a'', ''b'')))', i); END LOOP; END $$");
  Connection original = db.connect();
  Connection copy = connect(restored_copy(db));
  const SchemaFingerprint expected = read_schema_fingerprint(original, "public");
  const SchemaFingerprint found = read_schema_fingerprint(copy, "public");
  REQUIRE(compare_schema(expected, found, nullptr).size() == 1000);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(compare_schema(expected, found, &copy).empty());
  // About two seconds on a busy machine with two cores; the bound only tells "in one batch" from "minutes".
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}
