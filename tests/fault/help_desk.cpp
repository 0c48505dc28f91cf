#include "tests/fault/help_desk.hpp"

#include "common/sql_text.hpp"

namespace belay::test {
namespace {

const char* const base_sql = R"sql(
CREATE TYPE mood AS ENUM ('good', 'bad', 'it''s "odd"');
CREATE SCHEMA "Odd schema";
CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mood mood NOT NULL DEFAULT 'good', born date,
  balance numeric(12, 2), photo bytea, tags text[], extra jsonb, seen timestamptz, weight double precision,
  kind varchar(10) CHECK (kind IN ('a', 'b')), doubled numeric GENERATED ALWAYS AS (balance * 2) STORED);
CREATE TABLE "Odd schema"."Ticket, open" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customer (id) ON DELETE CASCADE, total real, note text, changed timestamptz);
CREATE SEQUENCE number START 100 INCREMENT 5;
CREATE VIEW unhappy AS SELECT c.id, c.name, count(t.id) AS tickets FROM customer c
  LEFT JOIN "Odd schema"."Ticket, open" t ON t.customer_id = c.id WHERE c.mood <> 'good' GROUP BY c.id;
)sql";

const char* const second_sql = R"sql(
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON "Odd schema"."Ticket, open" FOR EACH ROW EXECUTE FUNCTION touch();
CREATE INDEX customer_mood ON customer (mood) WHERE balance > 0;
)sql";

}  // namespace

std::vector<MigrationText> base_migrations() {
  return {{"20240101000000_base", base_sql}, {"20240102000000_trigger", second_sql}};
}

const char* const help_desk_rows_sql = R"sql(
INSERT INTO customer (name, mood, born, balance, photo, tags, extra, seen, weight, kind)
  SELECT 'customer ' || i, (ARRAY['good', 'bad', 'it''s "odd"'])[i % 3 + 1]::mood, '1900-01-01'::date + i * 37, i * 1.25,
    sha256(i::text::bytea), ARRAY['tag ' || i, NULL, E'\n\\.'], jsonb_build_object('n', i), '2024-01-01'::timestamptz + i * interval '1h',
    CASE i WHEN 7 THEN 'NaN' ELSE i / 3.0 END, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 300) i;
INSERT INTO "Odd schema"."Ticket, open" (customer_id, total, note)
  SELECT i % 300 + 1, i / 7.0, CASE i % 5 WHEN 0 THEN NULL ELSE repeat(md5(i::text), i % 9) END FROM generate_series(1, 2000) i;
SELECT nextval('number') FROM generate_series(1, 5);
SELECT lo_from_bytea(4000000001, 'a large object');
GRANT SELECT ON customer, unhappy TO reader;
GRANT USAGE ON SCHEMA "Odd schema" TO reader;
COMMENT ON TABLE customer IS 'people; some are unhappy';
ANALYZE;
)sql";

const char* const history_query = R"sql(
SELECT concat_ws(' ', migration_name, left(checksum, 8), applied_steps_count, finished_at IS NOT NULL, rolled_back_at IS NOT NULL,
  logs, CASE WHEN id LIKE 'start-%' THEN id || started_at || coalesce(finished_at::text, '') END)
  FROM public._prisma_migrations ORDER BY migration_name, started_at
)sql";

std::string history_sql(const std::vector<MigrationText>& applied) {
  std::string sql;
  for (const MigrationText& migration : applied) sql += migration.sql;
  sql +=
      "CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, "
      "finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ, "
      "started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);";
  int number = 0;
  for (const MigrationText& migration : applied) {
    ++number;
    sql += "INSERT INTO _prisma_migrations VALUES ('start-" + std::to_string(number) + "', encode(sha256(convert_to(" +
           quote_literal(migration.sql) + ", 'UTF8')), 'hex'), '2024-01-0" + std::to_string(number) +
           " 10:00:01+00', " + quote_literal(migration.name) + ", NULL, NULL, '2024-01-0" + std::to_string(number) +
           " 10:00:00+00', 1);";
  }
  return sql;
}

MigrationText add_language() {
  return {"20240201000000_add_language", R"sql(
ALTER TABLE customer ADD COLUMN language text NOT NULL DEFAULT 'de';
UPDATE customer SET language = 'fr' WHERE id % 3 = 0;
UPDATE "Odd schema"."Ticket, open" SET total = total + 1 WHERE id % 2 = 0;
INSERT INTO customer (name) SELECT 'newcomer ' || i FROM generate_series(1, 3) i;
CREATE TABLE invoice (id serial PRIMARY KEY, customer_id integer REFERENCES customer (id) ON DELETE CASCADE, due date);
INSERT INTO invoice (customer_id, due) SELECT id, '2024-06-01' FROM customer;
)sql"};
}

MigrationText drop_note() {
  return {"20240202000000_drop_note", R"sql(
DROP TRIGGER touched ON "Odd schema"."Ticket, open";
DROP FUNCTION touch();
ALTER TABLE "Odd schema"."Ticket, open" DROP COLUMN note;
DELETE FROM customer WHERE id % 7 = 0;
CREATE VIEW happy AS SELECT name FROM customer WHERE mood = 'good';
)sql"};
}

MigrationText drop_photo_then_fail() {
  return {"20240202000000_drop_photo", R"sql(
ALTER TABLE customer DROP COLUMN photo;
DELETE FROM "Odd schema"."Ticket, open" WHERE id % 3 = 0;
INSERT INTO customer (name) VALUES ('moves the sequence');
SELECT 1/0;
)sql"};
}

MigrationText own_commit_then_fail() {
  return {"20240201000000_own_commit", R"sql(
BEGIN;
ALTER TABLE customer DROP COLUMN photo;
DELETE FROM "Odd schema"."Ticket, open" WHERE id % 3 = 0;
COMMIT;
CREATE TABLE halfway (a integer);
SELECT 1/0;
)sql"};
}

MigrationText create_then_fail() { return {"20240201000000_create", "CREATE TABLE a();\nSELECT 1/0;\n"}; }

MigrationText add_flag() {
  return {"20240201000000_add_flag", R"sql(
ALTER TABLE customer ADD COLUMN flag boolean;
CREATE TABLE remark (id integer PRIMARY KEY, customer_id integer REFERENCES customer (id), remark text);
CREATE INDEX ticket_customer ON "Odd schema"."Ticket, open" (customer_id);
)sql"};
}

MigrationText fail_but_in_rehearsal() {
  return {"20240301000000_production", R"sql(
CREATE TABLE only_there (name text CHECK (name LIKE '%rehearsal%'));
INSERT INTO only_there VALUES (current_database());
)sql"};
}

MigrationText index_concurrently() {
  return {"20240201000000_index", R"sql(
CREATE INDEX CONCURRENTLY customer_born ON customer (born);
DELETE FROM customer WHERE id % 11 = 0;
)sql"};
}

}  // namespace belay::test
