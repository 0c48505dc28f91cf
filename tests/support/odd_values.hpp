// What a database may hold and a backup has to bring back: odd values, odd names, odd kinds of tables.
#pragma once

namespace belay::test {

/// Values whose text form depends on settings, or that a line-based reader could stumble over.
inline const char* const odd_values_sql = R"sql(
CREATE SCHEMA "Odd ""schema"", it's";
CREATE TABLE "Odd ""schema"", it's"."t (a, b) FROM stdin;" (
  id integer PRIMARY KEY, "co""l, (umn)" text, f double precision, r real, n numeric, b bytea, d date, ts timestamptz,
  tn timestamp, iv interval, a text[], j jsonb, reg regclass, dropped integer, g integer GENERATED ALWAYS AS (id * 2) STORED,
  m money, u uuid, bits bit varying, "line
break	tab" text);
ALTER TABLE "Odd ""schema"", it's"."t (a, b) FROM stdin;" DROP COLUMN dropped;
INSERT INTO "Odd ""schema"", it's"."t (a, b) FROM stdin;" (id, "co""l, (umn)", f, r, n, b, d, ts, tn, iv, a, j, reg, m, "line
break	tab") VALUES
 (1, '\.', 'NaN', 'NaN', 'NaN', '', '-infinity', 'infinity', '-infinity', '1 year 2 mons -3 days 04:05:06.789', '{}', '{}',
  '"Odd ""schema"", it''s"."t (a, b) FROM stdin;"', 12.34, NULL),
 (2, E'\n\t\\\r\x01\b\v', 'Infinity', '-Infinity', 'Infinity', '\x5c2e0a', '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00 BC',
  '-1 day', '{"a,b",NULL,"NULL","\\"}', '{"k": "\\.\n"}', 'pg_class', -0.01, E'\\.'),
 (3, '', '-0', '-0', '-0.0', NULL, '2024-02-29', NULL, NULL, NULL, NULL, 'null', NULL, NULL, '');
)sql";

/// Tables, sequences and large objects that a reader of archives could take for something else. Needs the former.
inline const char* const odd_tables_sql = R"sql(
INSERT INTO "Odd ""schema"", it's"."t (a, b) FROM stdin;" (id, f, n, b) SELECT 4, 1e-300, 1.00,
  string_agg(set_byte('\x00'::bytea, 0, i), ''::bytea ORDER BY i) FROM generate_series(0, 255) i;
INSERT INTO "Odd ""schema"", it's"."t (a, b) FROM stdin;" (id, f, r, ts, d) VALUES (5, 0.1::float8 + 0.2::float8, 0.1,
  '2024-03-31 02:30:00.123456+09', '2024-12-31');
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE only_generated (g integer GENERATED ALWAYS AS (1) STORED);
INSERT INTO only_generated DEFAULT VALUES;
CREATE TABLE empty (a integer);
CREATE UNLOGGED TABLE unlogged AS SELECT generate_series(1, 10) AS a;
CREATE TEMPORARY TABLE temporary AS SELECT 1 AS a;
CREATE TABLE measured (at date, v integer) PARTITION BY RANGE (at);
CREATE TABLE measured_old PARTITION OF measured FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE measured_new PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
INSERT INTO measured SELECT '2023-12-20'::date + i, i FROM generate_series(1, 30) i;
CREATE TABLE parent (a integer, b text);
CREATE TABLE child (c text, b text, a integer);
ALTER TABLE child INHERIT parent;
INSERT INTO parent VALUES (1, 'parent'); INSERT INTO child VALUES ('c', 'child', 2);
CREATE TABLE large (id integer, t text);
INSERT INTO large SELECT i, (SELECT string_agg(md5((i * 100000 + k)::text), CASE k % 7 WHEN 0 THEN E'\n' ELSE '' END)
  FROM generate_series(1, 50000 * i) k) FROM generate_series(1, 3) i;
CREATE TABLE many AS SELECT i, md5(i::text) AS t FROM generate_series(1, 20000) i;
CREATE VIEW a_view AS SELECT * FROM many;
CREATE MATERIALIZED VIEW a_matview AS SELECT count(*) FROM many;
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far (a integer) SERVER nowhere;
CREATE SEQUENCE up; SELECT nextval('up'), nextval('up');
CREATE SEQUENCE "Down!" INCREMENT -3 MAXVALUE 100; SELECT setval('"Down!"', 55, false);
CREATE TABLE identified (id bigint GENERATED ALWAYS AS IDENTITY);
INSERT INTO identified DEFAULT VALUES;
SELECT lo_create(4000000000), lo_from_bytea(4000000001, 'abc'), lo_from_bytea(16777216, '\x00'),
  lo_from_bytea(4000000002, (SELECT string_agg(sha256(i::text::bytea), ''::bytea) FROM generate_series(1, 4096) i)),
  lo_from_bytea(4000000003, (SELECT string_agg(sha256(i::text::bytea), ''::bytea) FROM generate_series(1, 100000) i)),
  lo_from_bytea(4000000004, 'a hole follows');
SELECT lo_put(4000000004, 3000000, 'end');
)sql";

}  // namespace belay::test
