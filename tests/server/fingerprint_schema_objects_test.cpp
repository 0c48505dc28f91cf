// Every kind of change of objects that are not tables is found, and nothing that is no change.
#include "tests/server/fingerprint_schema_support.hpp"

using namespace belay;
using namespace belay::test;

const Changes& belay::test::changes_of_types() {
  static const Changes all{
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
  };
  return all;
}

TEST_CASE("changes of types, functions and sequences are found") { check_found(changes_of_types()); }

const Changes& belay::test::changes_of_the_database() {
  static const Changes all{
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
  };
  return all;
}

TEST_CASE("changes of what belongs to the database as a whole are found") { check_found(changes_of_the_database()); }

const std::vector<Noise>& belay::test::noises() {
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
       "ALTER TABLE app.hashed DETACH PARTITION app.hashed_1; ALTER TABLE app.hashed ATTACH PARTITION app.hashed_1 FOR "
       "VALUES WITH (MODULUS 2, REMAINDER 1)"},
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

TEST_CASE("what is no change of the schema is not found") {
  const TestDatabase db{"schema noise"};
  fill_schema(db);
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
