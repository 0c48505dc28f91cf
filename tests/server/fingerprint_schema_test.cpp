// The schema fingerprint against a real server: every kind of change is found, nothing is found that is no change, and
// a dump and restore of a database with everything in it comes back equal.
#include <algorithm>
#include <chrono>
#include <functional>

#include "common/fingerprint.hpp"
#include "common/sql_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

using namespace belay;
using belay::test::Owner;
using belay::test::TestDatabase;

namespace {

using Lines = std::vector<std::string>;

std::string fixture(const std::string& name) {
  return belay::test::read_text(std::string(BELAY_TEST_DATA) + "/" + name);
}

void fill(const TestDatabase& db) {
  db.sql(fixture("everything.sql"));
  if (db.owner_name().empty()) db.sql(fixture("everything_superuser.sql"));
}

Lines described(const std::vector<SchemaDifference>& differences) {
  Lines lines;
  for (const SchemaDifference& difference : differences) {
    lines.push_back((difference.severity == Severity::hard ? "hard " : "soft ") + difference.describe());
  }
  return lines;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool any_starts_with(const Lines& lines, const std::string& start) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.compare(0, start.size(), start) == 0; });
}

struct Change {
  std::string sql;
  std::string found;  ///< how one of the differences begins
};

/// Makes each change in a transaction that is rolled back, and checks that it is found, recorded expressions parsed
/// again.
void check_found(const std::vector<Change>& changes) {
  const TestDatabase db{"schema changes"};
  fill(db);
  Connection session = db.connect();
  const SchemaFingerprint before = read_schema_fingerprint(session, "public");
  for (const Change& change : changes) {
    CAPTURE(change.sql);
    session.run("BEGIN");
    session.run_script(change.sql);
    const SchemaFingerprint after = read_schema_fingerprint(session, "public");
    const Lines lines = described(compare_schema(before, after, &session));
    session.run("ROLLBACK");
    INFO(joined(lines));
    CHECK(any_starts_with(lines, change.found));
    CHECK(before.sha256() != after.sha256());
  }
  CHECK(described(compare_schema(before, read_schema_fingerprint(session, "public"), &session)).empty());
}

/// A side database of `db` with what pg_dump and pg_restore, run as the owner, make of it.
DatabaseUrl restored_copy(const TestDatabase& db) {
  const DatabaseUrl& url = db.owner_name().empty() ? db.url() : db.owner_url();
  const DatabaseUrl copy = url.with_database(db.name() + "__copy");
  belay::test::run_sql(belay::test::server_url(),
                       "CREATE DATABASE " + quote_identifier(copy.database) + " TEMPLATE template0" +
                           (db.owner_name().empty() ? "" : " OWNER " + quote_identifier(db.owner_name())));
  const belay::test::ScratchFolder folder;
  const std::string file = (folder / "dump").string();
  const auto dump = belay::test::run({(belay::test::pg_bin() / "pg_dump").string(), "--format=custom", "--file=" + file,
                                      "--dbname=" + belay::test::url_text(url)});
  if (dump.status != 0) throw std::runtime_error("pg_dump: " + dump.err);
  const auto restore = belay::test::run({(belay::test::pg_bin() / "pg_restore").string(), "--exit-on-error",
                                         "--dbname=" + belay::test::url_text(copy), file});
  if (restore.status != 0) throw std::runtime_error("pg_restore: " + restore.err);
  return copy;
}

Connection connect(const DatabaseUrl& url) {
  return Connection(url, url.database, SessionSettings{"belay-test", false});
}

}  // namespace

TEST_CASE("changes of tables and columns are found") {
  check_found({
      {"CREATE TABLE app.new_table (a int)", R"(hard table "app"."new_table": not expected)"},
      {"DROP TABLE app.no_columns", R"(hard table "app"."no_columns": missing)"},
      {"ALTER TABLE app.no_columns RENAME TO renamed", R"(hard table "app"."renamed": not expected)"},
      {"ALTER TABLE app.no_columns SET SCHEMA public", R"(hard table "public"."no_columns": not expected)"},
      {"CREATE SCHEMA extra", R"(hard schema "extra": not expected)"},
      {"ALTER SCHEMA app OWNER TO pg_monitor", R"(hard schema "app": owner: expected)"},
      {"COMMENT ON SCHEMA app IS 'other'", R"(hard schema "app": comment: expected holds)"},
      {"REVOKE USAGE ON SCHEMA app FROM pg_monitor", R"(hard schema "app": privileges: expected "pg_monitor": USAGE)"},
      {"ALTER TABLE app.orders ADD extra int", R"(hard column "app"."orders"."extra": not expected (integer))"},
      {"ALTER TABLE app.orders DROP during CASCADE", R"(hard column "app"."orders"."during": missing)"},
      {"ALTER TABLE app.orders RENAME lat TO latitude", R"(hard column "app"."orders"."latitude": not expected)"},
      {"ALTER TABLE app.orders ALTER number TYPE bigint",
       R"(hard column "app"."orders"."number": type: expected integer, found bigint)"},
      {"ALTER TABLE app.animal ALTER legs TYPE bigint",
       R"(hard column "app"."chimera"."legs": type: expected integer, found bigint)"},
      {"ALTER TABLE app.every_type ALTER c_varchar TYPE varchar(31)",
       R"(hard column "app"."every_type"."c_varchar": type: expected character varying(30), found character varying(31))"},
      {"ALTER TABLE app.every_type ALTER c_numeric_typmod TYPE numeric(13, 4)",
       R"(hard column "app"."every_type"."c_numeric_typmod": type)"},
      {"ALTER TABLE app.orders ALTER status DROP NOT NULL",
       R"(hard column "app"."orders"."status": not null: expected yes, found none)"},
      {"ALTER TABLE app.left_side ALTER id SET DEFAULT 7",
       R"(hard column "app"."left_side"."id": default: expected none, found 7)"},
      {"ALTER TABLE app.orders ALTER status SET DEFAULT 'paid'",
       R"(hard column "app"."orders"."status": default: expected 'open')"},
      {"ALTER TABLE app.orders ALTER kind SET DEFAULT CASE WHEN current_user::varchar IN ('a', 'c') THEN 'x' ELSE 'y' "
       "END",
       R"(hard column "app"."orders"."kind": default)"},
      {"ALTER TABLE app.orders ALTER kind DROP DEFAULT", R"(hard column "app"."orders"."kind": default)"},
      {"ALTER TABLE app.orders ALTER id SET GENERATED BY DEFAULT",
       R"(hard column "app"."orders"."id": identity: expected always, found by default)"},
      {"ALTER TABLE app.orders ALTER number DROP IDENTITY",
       R"(hard column "app"."orders"."number": identity: expected by default, found none)"},
      {"ALTER TABLE app.orders ALTER total_tax DROP EXPRESSION",
       R"(hard column "app"."orders"."total_tax": generated)"},
      {"ALTER TABLE app.orders DROP paid CASCADE, ADD paid boolean GENERATED ALWAYS AS (status IN ('paid', 'open')) "
       "STORED",
       R"(hard column "app"."orders"."paid": generated)"},
      {"ALTER TABLE app.every_type ALTER c_text TYPE text COLLATE \"C\"",
       R"(hard column "app"."every_type"."c_text": collation: expected none)"},
      {"ALTER TABLE app.orders ALTER note SET STORAGE MAIN",
       R"(hard column "app"."orders"."note": storage: expected external, found main)"},
      {"ALTER TABLE app.orders ALTER tags SET COMPRESSION default",
       R"(hard column "app"."orders"."tags": compression: expected pglz, found none)"},
      {"ALTER TABLE app.orders ALTER status SET STATISTICS 7",
       R"(hard column "app"."orders"."status": statistics target: expected 500, found 7)"},
      {"ALTER TABLE app.orders ALTER kind RESET (n_distinct)",
       R"(hard column "app"."orders"."kind": options: expected {n_distinct=-0.5}, found none)"},
      {"ALTER TABLE app.orders ALTER total SET (n_distinct = 5)",
       R"(hard column "app"."orders"."total": options: expected none)"},
      {"REVOKE UPDATE (note) ON app.orders FROM pg_monitor", R"(hard column "app"."orders"."note": privileges)"},
      {"COMMENT ON COLUMN app.orders.id IS 'c'", R"(hard column "app"."orders"."id": comment: expected none, found c)"},
      {"COMMENT ON TABLE app.orders IS NULL", R"(hard table "app"."orders": comment: expected everything)"},
      {"ALTER TABLE app.orders OWNER TO pg_monitor", R"(hard table "app"."orders": owner)"},
      {"GRANT DELETE ON app.orders TO PUBLIC", R"(hard table "app"."orders": privileges)"},
      {"GRANT SELECT ON app.orders TO pg_read_all_data WITH GRANT OPTION", R"(hard table "app"."orders": privileges)"},
      {"REVOKE ALL ON app.cat FROM CURRENT_USER", R"(hard table "app"."cat": privileges)"},
      {"ALTER TABLE app.cache SET LOGGED", R"(hard table "app"."cache": persistence: expected unlogged, found none)"},
      {"ALTER TABLE app.orders SET (fillfactor = 71)", R"(hard table "app"."orders": options)"},
      {"ALTER TABLE app.orders RESET (toast.autovacuum_enabled)", R"(hard table "app"."orders": toast options)"},
      {"ALTER TABLE app.orders DISABLE ROW LEVEL SECURITY",
       R"(hard table "app"."orders": row security: expected yes, found none)"},
      {"ALTER TABLE app.cache NO FORCE ROW LEVEL SECURITY",
       R"(hard table "app"."cache": row security forced: expected yes)"},
      {"ALTER TABLE app.orders REPLICA IDENTITY DEFAULT",
       R"(hard table "app"."orders": replica identity: expected index "orders_replica", found none)"},
      {"ALTER TABLE app.orders REPLICA IDENTITY USING INDEX orders_pkey",
       R"(hard table "app"."orders": replica identity)"},
      {"DROP INDEX app.orders_replica",
       R"(hard table "app"."orders": replica identity: expected index "orders_replica", found index (dropped))"},
      {"ALTER TABLE app.typed NOT OF", R"(hard table "app"."typed": of type: expected app.address, found none)"},
      {"ALTER TABLE app.dog NO INHERIT app.animal",
       R"(hard table "app"."dog": parents: expected "app"."animal", found none)"},
      {"ALTER TABLE app.cat NO INHERIT app.animal", R"(hard column "app"."cat"."lives": inherited)"},
      {"ALTER TABLE app.events DETACH PARTITION app.events_other",
       R"(hard table "app"."events_other": partition bound: expected DEFAULT, found none)"},
      {"ALTER TABLE app.events DETACH PARTITION app.events_us; ALTER TABLE app.events ATTACH PARTITION app.events_us "
       "FOR VALUES IN ('us')",
       R"(hard table "app"."events_us": partition bound)"},
      {"DROP TABLE app.empty_partitioned; CREATE TABLE app.empty_partitioned (a int, b text) PARTITION BY RANGE (a, b)",
       R"(hard table "app"."empty_partitioned": partitioned by)"},
      {"DROP TABLE app.by_expression; CREATE TABLE app.by_expression (status varchar) PARTITION BY LIST ((status IN "
       "('a', 'c')))",
       R"(hard table "app"."by_expression": partitioned by)"},
      {"ALTER TABLE app.animal DROP born, ADD born date; ALTER TABLE app.animal DROP legs, ADD legs int DEFAULT 4",
       R"(soft table "app"."animal": column order)"},
  });
}

TEST_CASE("changes of constraints and indexes are found") {
  check_found({
      {"ALTER TABLE app.orders DROP CONSTRAINT orders_status_check",
       R"(hard constraint "app"."orders"."orders_status_check": missing)"},
      {"ALTER TABLE app.orders DROP CONSTRAINT orders_status_check, ADD CONSTRAINT "
       "orders_status_check CHECK (status IN ('open', 'paid', 'void', 'lost'))",
       R"(hard constraint "app"."orders"."orders_status_check": definition)"},
      {"ALTER TABLE app.orders VALIDATE CONSTRAINT later", R"(hard constraint "app"."orders"."later": definition)"},
      {"ALTER TABLE app.left_side ALTER CONSTRAINT circle NOT DEFERRABLE",
       R"(hard constraint "app"."left_side"."circle": definition)"},
      {"ALTER TABLE app.left_side ALTER CONSTRAINT circle INITIALLY DEFERRED",
       R"(hard constraint "app"."left_side"."circle": definition)"},
      {"ALTER TABLE app.orders RENAME CONSTRAINT either TO other",
       R"(hard constraint "app"."orders"."other": not expected)"},
      {"ALTER TABLE app.orders DROP CONSTRAINT orders_parent_fkey, ADD CONSTRAINT orders_parent_fkey FOREIGN KEY "
       "(parent) REFERENCES app.orders ON DELETE CASCADE",
       R"(hard constraint "app"."orders"."orders_parent_fkey": definition)"},
      {"ALTER TABLE app.orders DROP CONSTRAINT orders_number_key",
       R"(hard constraint "app"."orders"."orders_number_key": missing (UNIQUE (number)))"},
      {"ALTER TABLE app.orders DROP CONSTRAINT one_per_day, ADD CONSTRAINT one_per_day UNIQUE (placed, number) INCLUDE "
       "(note) WITH (fillfactor = 80)",
       R"(hard constraint "app"."orders"."one_per_day": definition)"},
      {"ALTER TABLE app.orders DROP CONSTRAINT no_overlap, ADD CONSTRAINT no_overlap EXCLUDE USING gist (kind WITH =, "
       "during WITH &&) WHERE (status IN ('paid', 'open')) DEFERRABLE INITIALLY DEFERRED",
       R"(hard constraint "app"."orders"."no_overlap": definition)"},
      {"COMMENT ON CONSTRAINT either ON app.orders IS 'x'",
       R"(hard constraint "app"."orders"."either": comment: expected either, found x)"},
      {"ALTER TABLE app.cat ADD CONSTRAINT animal_legs_check2 CHECK (legs >= 0)",
       R"(hard constraint "app"."cat"."animal_legs_check2": not expected)"},
      {"ALTER DOMAIN app.code DROP CONSTRAINT code_known",
       R"(hard domain constraint "app"."code"."code_known": missing)"},
      {"ALTER DOMAIN app.code DROP CONSTRAINT code_known; ALTER DOMAIN app.code ADD CONSTRAINT code_known CHECK (VALUE "
       "IN ('none', 'a', 'b', 'c'))",
       R"(hard domain constraint "app"."code"."code_known": definition)"},
      {"ALTER DOMAIN app.twice VALIDATE CONSTRAINT short",
       R"(hard domain constraint "app"."twice"."short": definition)"},
      {"DROP INDEX app.orders_open", R"(hard index "app"."orders"."orders_open": missing)"},
      {"CREATE INDEX extra ON app.orders (lat)", R"(hard index "app"."orders"."extra": not expected (btree (lat)))"},
      {"DROP INDEX app.orders_open; CREATE INDEX orders_open ON app.orders (placed) WHERE status IN ('open', 'void')",
       R"(hard index "app"."orders"."orders_open": definition)"},
      {"DROP INDEX app.orders_open; CREATE INDEX orders_open ON app.orders (placed DESC) WHERE status IN ('open', "
       "'paid')",
       R"(hard index "app"."orders"."orders_open": definition)"},
      {"DROP INDEX app.orders_open; CREATE UNIQUE INDEX orders_open ON app.orders (placed) WHERE status IN ('open', "
       "'paid')",
       R"(hard index "app"."orders"."orders_open": unique: expected none, found yes)"},
      {"ALTER INDEX app.orders_expression ALTER COLUMN 1 SET STATISTICS 43",
       R"(hard index "app"."orders"."orders_expression": statistics targets: expected 1: 42, found 1: 43)"},
      {"ALTER INDEX app.orders_kind SET (fillfactor = 50)", R"(hard index "app"."orders"."orders_kind": definition)"},
      {"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.orders_kind'::regclass",
       R"(hard index "app"."orders"."orders_kind": valid: expected none, found no)"},
      {"UPDATE pg_index SET indisready = false WHERE indexrelid = 'app.orders_kind'::regclass",
       R"(hard index "app"."orders"."orders_kind": ready: expected none, found no)"},
      {"ALTER TABLE app.orders SET WITHOUT CLUSTER",
       R"(hard index "app"."orders"."orders_pkey": clustered: expected yes, found none)"},
      {"COMMENT ON INDEX app.orders_open IS NULL", R"(hard index "app"."orders"."orders_open": comment)"},
      {"CREATE INDEX on_us ON app.events_us (at); ALTER INDEX app.events_only ATTACH PARTITION app.on_us",
       R"(hard index "app"."events_us"."on_us": not expected)"},
      {"DROP STATISTICS app.orders_stats", R"(hard statistics object "app"."orders_stats": missing)"},
      {"DROP STATISTICS app.orders_stats; CREATE STATISTICS app.orders_stats (mcv) ON status, kind, total FROM "
       "app.orders",
       R"(hard statistics object "app"."orders_stats": definition)"},
      {"DROP STATISTICS app.orders_expressions; CREATE STATISTICS app.orders_expressions ON (status IN ('open', "
       "'void')), lower(note) FROM app.orders",
       R"(hard statistics object "app"."orders_expressions": definition)"},
      {"ALTER STATISTICS app.orders_stats SET STATISTICS 78",
       R"(hard statistics object "app"."orders_stats": statistics target: expected 77, found 78)"},
  });
}

TEST_CASE("changes of views, triggers, rules and policies are found") {
  check_found({
      {"DROP VIEW app.checked", R"(hard view "app"."checked": missing)"},
      {"CREATE OR REPLACE VIEW app.open_orders AS SELECT o.id, o.status, o.note AS \"The Note\" FROM app.orders AS o "
       "WHERE o.status IN ('open', 'void')",
       R"(hard view "app"."open_orders": definition)"},
      {"ALTER VIEW app.checked RESET (security_invoker)", R"(hard view "app"."checked": options)"},
      {"ALTER VIEW app.checked SET (check_option = cascaded)", R"(hard view "app"."checked": options)"},
      {"ALTER VIEW app.checked ALTER status DROP DEFAULT", R"(hard column "app"."checked"."status": default)"},
      {"GRANT SELECT ON app.checked TO PUBLIC", R"(hard view "app"."checked": privileges)"},
      {"REFRESH MATERIALIZED VIEW app.not_yet",
       R"(hard materialized view "app"."not_yet": populated: expected no, found none)"},
      {"REFRESH MATERIALIZED VIEW app.totals WITH NO DATA",
       R"(hard materialized view "app"."totals": populated: expected none, found no)"},
      {"DROP MATERIALIZED VIEW app.not_yet; CREATE MATERIALIZED VIEW app.not_yet WITH (fillfactor = 60) AS SELECT id + "
       "0 AS id FROM app.orders WITH NO DATA",
       R"(hard materialized view "app"."not_yet": definition)"},
      {"DROP TRIGGER touch ON app.orders", R"(hard trigger "app"."orders"."touch": missing)"},
      {"ALTER TABLE app.orders DISABLE TRIGGER touch",
       R"(hard trigger "app"."orders"."touch": enabled: expected none, found disabled)"},
      {"ALTER TABLE app.left_side ENABLE TRIGGER always",
       R"(hard trigger "app"."left_side"."always": enabled: expected always, found none)"},
      {"ALTER TABLE app.right_side DISABLE TRIGGER ALL",
       R"(hard constraint trigger "app"."right_side"."RI_FKey_check_ins" of "app"."right_side"."right_side_l_fkey": not expected)"},
      {"ALTER TABLE app.events_other DISABLE TRIGGER on_events",
       R"(hard trigger "app"."events_other"."on_events": not expected)"},
      {"ALTER TABLE app.events_us ENABLE TRIGGER on_events", R"(hard trigger "app"."events_us"."on_events": missing)"},
      {"DROP TRIGGER touch ON app.orders; CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF status, note ON app.orders "
       "FOR EACH ROW WHEN (NEW.status IN ('open', 'void')) EXECUTE FUNCTION app.touch('arg \"1\"', 'it''s')",
       R"(hard trigger "app"."orders"."touch": definition)"},
      {"DROP TRIGGER touch ON app.orders; CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF status ON app.orders FOR "
       "EACH ROW WHEN (NEW.status IN ('open', 'paid')) EXECUTE FUNCTION app.touch('arg \"1\"', 'it''s')",
       R"(hard trigger "app"."orders"."touch": events)"},
      {"DROP TRIGGER no_truncate ON app.orders; CREATE TRIGGER no_truncate BEFORE TRUNCATE ON app.orders EXECUTE "
       "FUNCTION app.touch('x')",
       R"(hard trigger "app"."orders"."no_truncate": definition)"},
      {"COMMENT ON TRIGGER touch ON app.orders IS 'x'", R"(hard trigger "app"."orders"."touch": comment)"},
      {"DROP RULE archived ON app.orders", R"(hard rule "app"."orders"."archived": missing)"},
      {"CREATE OR REPLACE RULE archived AS ON DELETE TO app.orders WHERE OLD.status IN ('paid', 'open') DO INSTEAD "
       "NOTHING",
       R"(hard rule "app"."orders"."archived": definition)"},
      {"ALTER TABLE app.orders ENABLE RULE archived",
       R"(hard rule "app"."orders"."archived": enabled: expected disabled, found none)"},
      {"COMMENT ON RULE archived ON app.orders IS 'x'", R"(hard rule "app"."orders"."archived": comment)"},
      {"DROP POLICY readers ON app.orders", R"(hard policy "app"."orders"."readers": missing)"},
      {"ALTER POLICY readers ON app.orders USING (status IN ('open', 'void'))",
       R"(hard policy "app"."orders"."readers": using)"},
      {"ALTER POLICY readers ON app.orders TO PUBLIC",
       R"(hard policy "app"."orders"."readers": roles: expected "pg_monitor", "pg_read_all_data", found PUBLIC)"},
      {"ALTER POLICY writers ON app.orders WITH CHECK (status IN ('open', 'paid'))",
       R"(hard policy "app"."orders"."writers": with check)"},
      {"DROP POLICY writers ON app.orders; CREATE POLICY writers ON app.orders USING (true)",
       R"(hard policy "app"."orders"."writers": permissive: expected no, found none)"},
      {"DROP POLICY \"All\" ON app.cache; CREATE POLICY \"All\" ON app.cache FOR UPDATE USING (k = current_user)",
       R"(hard policy "app"."cache"."All": command: expected ALL, found UPDATE)"},
      {"COMMENT ON POLICY readers ON app.orders IS NULL", R"(hard policy "app"."orders"."readers": comment)"},
  });
}

TEST_CASE("changes of types, functions and sequences are found") {
  check_found({
      {"ALTER TYPE app.mood ADD VALUE 'great'", R"(hard enum "app"."mood": labels)"},
      {"ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue'", R"(hard enum "app"."mood": labels)"},
      {"DROP TYPE app.\"Empty\"", R"(hard enum "app"."Empty": missing)"},
      {"GRANT USAGE ON TYPE app.mood TO PUBLIC", R"(hard enum "app"."mood": privileges)"},
      {"COMMENT ON TYPE app.mood IS 'x'", R"(hard enum "app"."mood": comment)"},
      {"ALTER TYPE app.mood OWNER TO pg_monitor", R"(hard enum "app"."mood": owner)"},
      {"ALTER DOMAIN app.code SET DEFAULT 'a'", R"(hard domain "app"."code": default)"},
      {"ALTER DOMAIN app.code DROP NOT NULL", R"(hard domain "app"."code": not null: expected yes, found none)"},
      {"DROP DOMAIN app.twice; CREATE DOMAIN app.twice AS text",
       R"(hard domain "app"."twice": type: expected app.sorted, found text)"},
      {"CREATE TYPE app.pair AS (a int)", R"(hard composite type "app"."pair": not expected)"},
      {"ALTER TYPE app.address ADD ATTRIBUTE country text CASCADE",
       R"(hard attribute "app"."address"."country": not expected (text))"},
      {"ALTER TYPE app.address RENAME ATTRIBUTE street TO road CASCADE",
       R"(hard composite type "app"."address": attribute order)"},
      {"COMMENT ON COLUMN app.address.street IS NULL", R"(hard attribute "app"."address"."street": comment)"},
      {"ALTER TABLE app.every_type DROP c_own_range; DROP TYPE app.float_range; CREATE TYPE app.float_range AS RANGE "
       "(subtype = float8)",
       R"(hard range "app"."float_range": subtype difference)"},
      {"CREATE OR REPLACE FUNCTION app.over(text) RETURNS int LANGUAGE sql AS 'SELECT 22'",
       R"(hard function "app"."over"(text): definition)"},
      {"ALTER FUNCTION app.over(text) STABLE", R"(hard function "app"."over"(text): definition)"},
      {"ALTER FUNCTION app.over(text) SECURITY DEFINER", R"(hard function "app"."over"(text): definition)"},
      {"ALTER FUNCTION app.over(text) SET search_path = app", R"(hard function "app"."over"(text): definition)"},
      {"ALTER FUNCTION app.over(text) OWNER TO pg_monitor", R"(hard function "app"."over"(text): owner)"},
      {"DROP FUNCTION app.over(text)", R"(hard function "app"."over"(text): missing)"},
      {"CREATE OR REPLACE FUNCTION app.is_known(t varchar) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN "
       "ATOMIC SELECT t IN ('a', 'c'); END",
       R"(hard function "app"."is_known"(character varying): definition)"},
      {"CREATE OR REPLACE FUNCTION app.with_default(t varchar DEFAULT 'x') RETURNS text LANGUAGE sql STABLE SECURITY "
       "DEFINER SET search_path = '' AS 'SELECT t::text'",
       R"(hard function "app"."with_default"(character varying): definition)"},
      {"GRANT EXECUTE ON FUNCTION app.is_known(varchar) TO PUBLIC",
       R"(hard function "app"."is_known"(character varying): privileges)"},
      {"COMMENT ON FUNCTION app.over(text) IS 'x'", R"(hard function "app"."over"(text): comment)"},
      {"DROP PROCEDURE app.work", R"(hard procedure "app"."work"(integer): missing)"},
      {"DROP AGGREGATE app.total(int)", R"(hard aggregate "app"."total"(integer): missing)"},
      {"CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '1', combinefunc = int4pl, "
       "parallel = safe, msfunc = int4pl, minvfunc = int4mi, mstype = int, minitcond = '0')",
       R"(hard aggregate "app"."total"(integer): initial value: expected 0, found 1)"},
      {"DROP OPERATOR app.=== (app.mood, text)", R"(hard operator "app"."==="(app.mood, text): missing)"},
      {"DROP CAST (varchar AS app.mood)", R"(hard cast character varying as app.mood: missing)"},
      {"DROP CAST (varchar AS app.mood); CREATE CAST (varchar AS app.mood) WITH INOUT AS IMPLICIT",
       R"(hard cast character varying as app.mood: context: expected assignment, found implicit)"},
      {"CREATE COLLATION app.extra FROM \"C\"", R"(hard collation "app"."extra": not expected)"},
      {"UPDATE pg_collation SET collversion = '1' WHERE collname = 'numeric_order'",
       R"(soft collation "app"."numeric_order": version)"},
      {"ALTER SEQUENCE app.counter INCREMENT BY -2",
       R"(hard sequence "app"."counter": increment: expected -3, found -2)"},
      {"ALTER SEQUENCE app.counter NO CYCLE", R"(hard sequence "app"."counter": cycle: expected yes, found none)"},
      {"ALTER SEQUENCE app.counter CACHE 9", R"(hard sequence "app"."counter": cache: expected 4, found 9)"},
      {"ALTER SEQUENCE app.counter MAXVALUE 31", R"(hard sequence "app"."counter": maximum: expected 30, found 31)"},
      {"ALTER SEQUENCE app.counter MINVALUE -301", R"(hard sequence "app"."counter": minimum)"},
      {"ALTER SEQUENCE app.counter START WITH 29", R"(hard sequence "app"."counter": start)"},
      {"ALTER SEQUENCE app.counter AS int", R"(hard sequence "app"."counter": type: expected smallint, found integer)"},
      {"ALTER SEQUENCE app.owned OWNED BY NONE",
       R"(hard sequence "app"."owned": owned by: expected "app"."right_side"."l", found none)"},
      {"ALTER SEQUENCE app.orders_id_seq INCREMENT BY 6", R"(hard sequence "app"."orders_id_seq": increment)"},
      {"GRANT SELECT ON SEQUENCE app.counter TO PUBLIC", R"(hard sequence "app"."counter": privileges)"},
  });
}

TEST_CASE("changes of what belongs to the database as a whole are found") {
  check_found({
      {"DROP EXTENSION pgcrypto", R"(hard extension "pgcrypto": missing)"},
      {"ALTER EXTENSION citext SET SCHEMA app", R"(hard extension "citext": schema: expected "public", found "app")"},
      {"UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'citext'",
       R"(soft extension "citext": version: expected 1.6, found 0.9)"},
      {"ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO pg_monitor", R"(hard default privileges)"},
      {"ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE EXECUTE ON FUNCTIONS FROM pg_read_all_data",
       R"(hard default privileges)"},
      {"ALTER PUBLICATION \"Changes\" DROP TABLE app.left_side",
       R"(hard publication table "Changes"."app"."left_side": missing)"},
      {"ALTER PUBLICATION \"Changes\" SET TABLE app.orders (id, placed, status) WHERE (id > 11)",
       R"(hard publication table "Changes"."app"."orders": where)"},
      {"ALTER PUBLICATION \"Changes\" SET TABLE app.orders (id, placed) WHERE (id > 10)",
       R"(hard publication table "Changes"."app"."orders": columns)"},
      {"ALTER PUBLICATION \"Changes\" SET (publish = 'insert')",
       R"(hard publication "Changes": delete: expected none, found no)"},
      {"ALTER PUBLICATION by_schema DROP TABLES IN SCHEMA app",
       R"(hard publication schema "by_schema"."app": missing)"},
      {"DROP EVENT TRIGGER watch", R"(hard event trigger "watch": missing)"},
      {"ALTER EVENT TRIGGER watch DISABLE", R"(hard event trigger "watch": enabled: expected none, found disabled)"},
      {"ALTER SERVER elsewhere OPTIONS (SET host '/other')", R"(hard foreign server "elsewhere": options)"},
      {"ALTER USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (SET password 'other')",
       R"(hard user mapping "elsewhere" for PUBLIC: options)"},
      {"ALTER FOREIGN TABLE app.far OPTIONS (SET table_name 'u')",
       R"(hard foreign table option "app"."far"."table_name": value)"},
      {"ALTER FOREIGN TABLE app.far ALTER id OPTIONS (SET column_name 'x')",
       R"(hard column "app"."far"."id": foreign options)"},
      {"ALTER FOREIGN DATA WRAPPER own_wrapper OPTIONS (SET debug 'false')",
       R"(hard foreign data wrapper "own_wrapper": options)"},
      {"ALTER TEXT SEARCH CONFIGURATION app.search DROP MAPPING FOR word",
       R"(hard text search configuration "app"."search": mappings)"},
      {"ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword WITH app.english_short, app.unaccent",
       R"(hard text search configuration "app"."search": mappings)"},
      {"ALTER TEXT SEARCH DICTIONARY app.english_short (StopWords)",
       R"(hard text search dictionary "app"."english_short": options)"},
      {"GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) TO PUBLIC",
       R"(hard privileges on a function not the user's own "pg_catalog"."pg_sleep"(double precision): missing)"},
      {"REVOKE EXECUTE ON FUNCTION public.gen_random_bytes(int) FROM PUBLIC",
       R"(hard privileges on a function not the user's own "public"."gen_random_bytes"(integer): not expected)"},
      {"CREATE CONVERSION app.odder FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
       R"(hard conversion: number of objects: expected 1, found 2)"},
      {"CREATE TYPE app.shell", R"(hard base type: number of objects: expected 0, found 1)"},
      {"CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE app.no_columns SET ACCESS "
       "METHOD heap2",
       R"(hard table "app"."no_columns": access method: expected none, found "heap2")"},
  });
}

namespace {

struct Noise {
  std::string what, before, change;
};

const std::vector<Noise>& noises() {
  static const std::vector<Noise> all = {
      {"a right given and taken back", "",
       "GRANT SELECT ON app.cat TO PUBLIC; REVOKE SELECT ON app.cat FROM PUBLIC; GRANT USAGE ON TYPE app.\"Empty\" TO "
       "pg_monitor; REVOKE USAGE ON TYPE app.\"Empty\" FROM pg_monitor"},
      {"a right given by somebody else as well", "GRANT SELECT (id) ON app.orders TO pg_read_all_stats",
       "SET LOCAL ROLE pg_monitor; GRANT SELECT (id) ON app.orders TO pg_read_all_stats; RESET ROLE"},
      {"the order of grants", "GRANT SELECT ON app.cat TO pg_monitor; GRANT SELECT ON app.cat TO pg_read_all_stats",
       "REVOKE SELECT ON app.cat FROM pg_monitor; GRANT SELECT ON app.cat TO pg_monitor"},
      {"a column added and dropped", "",
       "ALTER TABLE app.orders ADD gap int DEFAULT 1; ALTER TABLE app.orders DROP gap"},
      {"a table rewritten", "", "ALTER TABLE app.orders ALTER added TYPE int USING added + 0"},
      {"the way an enum was built", "CREATE TYPE app.e AS ENUM ('a', 'c'); ALTER TYPE app.e ADD VALUE 'b' BEFORE 'c'",
       "DROP TYPE app.e; CREATE TYPE app.e AS ENUM ('a', 'b', 'c')"},
      {"a foreign key made again", "",
       "ALTER TABLE app.orders DROP CONSTRAINT orders_parent_fkey; ALTER TABLE app.orders ADD FOREIGN KEY (parent) "
       "REFERENCES app.orders ON DELETE SET NULL"},
      {"an index made again", "",
       "DROP INDEX app.orders_kind; CREATE UNIQUE INDEX orders_kind ON app.orders (kind varchar_pattern_ops DESC, "
       "(total + 1) NULLS FIRST) INCLUDE (note)"},
      {"a view made again", "",
       "DROP VIEW app.checked; CREATE VIEW app.checked WITH (security_invoker, security_barrier) AS SELECT id, status, "
       "kind FROM app.orders WHERE id > 0 WITH LOCAL CHECK OPTION; ALTER VIEW app.checked ALTER COLUMN status SET "
       "DEFAULT 'void'; REVOKE SELECT ON app.checked FROM pg_monitor"},
      {"a partition detached and attached", "",
       "ALTER TABLE app.events DETACH PARTITION app.events_other; ALTER TABLE app.events ATTACH PARTITION "
       "app.events_other DEFAULT"},
      {"an index built again", "", "REINDEX TABLE app.orders"},
      {"rows and statistics", "",
       "INSERT INTO app.animal VALUES ('ant', 6); DELETE FROM app.cache; TRUNCATE app.hashed; ANALYZE app.orders"},
      {"the position of sequences", "", "SELECT nextval('app.counter'); SELECT setval('app.owned', 1000)"},
      {"the order of options", "ALTER TABLE app.cat SET (fillfactor = 50, autovacuum_enabled = off)",
       "ALTER TABLE app.cat RESET (fillfactor); ALTER TABLE app.cat SET (fillfactor = 50)"},
      {"the order of a policy's roles", "", "ALTER POLICY readers ON app.orders TO pg_read_all_data, pg_monitor"},
      {"the definition of Prisma's own table", "",
       "ALTER TABLE public._prisma_migrations ADD more text DEFAULT 'x'; CREATE INDEX ON public._prisma_migrations "
       "(more); COMMENT ON TABLE public._prisma_migrations IS 'x'"},
      {"Prisma's own table gone", "", "DROP TABLE public._prisma_migrations"},
      {"temporary objects", "",
       "CREATE TEMP TABLE t (a serial PRIMARY KEY, b text CHECK (b <> '')); CREATE TEMP VIEW v AS SELECT * FROM t; "
       "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"},
      {"large objects", "", "SELECT lo_create(0)"},
      {"the session's settings", "",
       "SET LOCAL search_path = app, public; SET LOCAL DateStyle = 'German'; SET LOCAL TimeZone = 'Asia/Tokyo'; SET "
       "LOCAL IntervalStyle = 'iso_8601'; SET LOCAL quote_all_identifiers = on; SET LOCAL extra_float_digits = 0; SET "
       "LOCAL bytea_output = 'escape'"},
      {"something said twice", "",
       "ALTER TABLE app.orders ALTER status SET NOT NULL; ALTER TABLE app.orders ENABLE TRIGGER touch; ALTER TABLE "
       "app.left_side REPLICA IDENTITY FULL"},
  };
  return all;
}

}  // namespace

TEST_CASE("what is no change of the schema is not found") {
  const TestDatabase db{"schema noise"};
  fill(db);
  Connection session = db.connect();
  for (const Noise& noise : noises()) {
    CAPTURE(noise.what);
    session.run("BEGIN");
    session.run_script(noise.before.empty() ? "SELECT 1" : noise.before);
    const SchemaFingerprint before = read_schema_fingerprint(session, "public");
    session.run_script(noise.change);
    const SchemaFingerprint after = read_schema_fingerprint(session, "public");
    CHECK(joined(described(compare_schema(before, after, nullptr))) == "");
    CHECK(before.sha256() == after.sha256());
    session.run("ROLLBACK");
  }
}

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
  fill(db);
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
  fill(db);
  Connection owner = db.connect();
  Connection superuser = db.connect_as_superuser();
  const SchemaFingerprint seen = read_schema_fingerprint(owner, "public");
  CHECK(seen.facts.size() > 900);
  CHECK(joined(described(compare_schema(read_schema_fingerprint(superuser, "public"), seen, nullptr))).empty());
}

TEST_CASE("no secret of a foreign server is in the fingerprint") {
  const TestDatabase db{"schema secrets"};
  fill(db);
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
    if (fact.kind == "constraint") fact.value = "CHECK (a::text IN ('a'::text, 'b'::varchar::text, 'c'))";
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

TEST_CASE("a thousand expressions that differ are settled in seconds") {
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
