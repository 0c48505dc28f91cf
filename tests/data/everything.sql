-- One of everything that an application may have in a PostgreSQL 15 database and that the database's owner may create without being a
-- superuser: kinds of objects, types of columns, values that are easily lost, names that are easily misquoted, and the places where the
-- server prints an expression differently after a dump and restore (marked "not a fixed point").
-- everything_superuser.sql adds what takes a superuser. Roles are the predefined ones, so that nothing is left behind in the cluster.
SET client_min_messages = error;

CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION btree_gist;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION ltree;
CREATE EXTENSION pgcrypto;
CREATE SCHEMA app;
CREATE SCHEMA "App";
CREATE SCHEMA "space schema";
CREATE EXTENSION unaccent SCHEMA app;
COMMENT ON SCHEMA app IS E'holds ''quotes'', "double", \\backslash,\nand a second line';
GRANT USAGE ON SCHEMA app TO pg_monitor;
GRANT USAGE, CREATE ON SCHEMA "App" TO pg_read_all_data WITH GRANT OPTION;

-- ---- types ----
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy', 'it''s "complicated"', 'Ünï');
ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'ok';
CREATE TYPE app."Empty" AS ENUM ();
COMMENT ON TYPE app.mood IS 'how it went';
REVOKE USAGE ON TYPE app.mood FROM PUBLIC;
GRANT USAGE ON TYPE app.mood TO pg_read_all_data;
CREATE DOMAIN app.code AS varchar(20) DEFAULT 'n' || 'one' NOT NULL
  CONSTRAINT code_known CHECK (VALUE IN ('none', 'a', 'b'))  -- not a fixed point
  CHECK (VALUE <> '');
CREATE DOMAIN app.email AS citext CHECK (VALUE ~ '@');
CREATE DOMAIN app.sorted AS text COLLATE "C";
CREATE DOMAIN app.twice AS app.sorted CHECK (length(VALUE) % 2 = 0);
ALTER DOMAIN app.twice ADD CONSTRAINT short CHECK (length(VALUE) < 100) NOT VALID;
COMMENT ON CONSTRAINT code_known ON DOMAIN app.code IS 'closed list';
CREATE TYPE app.address AS (street text COLLATE "C", "post code" varchar(10), location point);
ALTER TYPE app.address DROP ATTRIBUTE location;
COMMENT ON COLUMN app.address.street IS 'with number';
CREATE TYPE app.float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE app.text_range AS RANGE (subtype = text, collation = "C");
CREATE COLLATION app.numeric_order (provider = icu, locale = 'en-u-kn-true');
CREATE COLLATION app.no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION app.plain FROM "C";
COMMENT ON COLLATION app.plain IS 'bytes';

-- ---- functions ----
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN NEW;  -- "quotes", 'quotes', \backslash, $dollar$
END $$;
CREATE FUNCTION app.is_short(t varchar, max int DEFAULT 10, VARIADIC rest text[] DEFAULT '{}') RETURNS boolean
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 7 SET search_path = app, pg_temp SET work_mem = '8MB'
  AS 'SELECT length($1) <= $2';
CREATE FUNCTION app.is_known(t varchar) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  BEGIN ATOMIC SELECT t IN ('a', 'b'); END;  -- not a fixed point
CREATE FUNCTION app.with_default(t varchar DEFAULT CASE WHEN current_user::varchar IN ('a', 'b') THEN 'x' ELSE 'y' END) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS 'SELECT t::text';  -- not a fixed point
CREATE FUNCTION app.rows_of(OUT id int, OUT "Name" text) RETURNS SETOF record LANGUAGE sql STABLE ROWS 7 AS 'SELECT 1, ''x''::text';
CREATE FUNCTION app.table_of(n int) RETURNS TABLE (a int, b app.mood) LANGUAGE sql STABLE RETURN (n, 'ok'::app.mood);
CREATE FUNCTION app."Do It; DROP"(INOUT a int, b app.address DEFAULT NULL) LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION app.over(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.over(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION app.over(app.mood[]) RETURNS int LANGUAGE sql AS 'SELECT 3';
CREATE PROCEDURE app.work(INOUT a int DEFAULT 1) LANGUAGE plpgsql AS 'BEGIN a := a + 1; END';
REVOKE EXECUTE ON FUNCTION app.is_known(varchar) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_known(varchar) TO pg_monitor WITH GRANT OPTION;
COMMENT ON FUNCTION app.over(text) IS 'text one';
COMMENT ON PROCEDURE app.work IS 'one more';
CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '0', combinefunc = int4pl, parallel = safe,
  msfunc = int4pl, minvfunc = int4mi, mstype = int, minitcond = '0');
COMMENT ON AGGREGATE app.total(int) IS 'sum, again';
CREATE FUNCTION app.mood_equals(app.mood, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
CREATE OPERATOR app.=== (leftarg = app.mood, rightarg = text, function = app.mood_equals, restrict = eqsel, join = eqjoinsel);
CREATE CAST (varchar AS app.mood) WITH INOUT AS ASSIGNMENT;
CREATE FUNCTION app.address_text(app.address) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.street';
CREATE CAST (app.address AS text) WITH FUNCTION app.address_text(app.address);
COMMENT ON CAST (app.address AS text) IS 'street only';

-- ---- text search ----
CREATE TEXT SEARCH DICTIONARY app.english_short (TEMPLATE = snowball, Language = english, StopWords = english);
CREATE TEXT SEARCH CONFIGURATION app.search (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword, word WITH app.unaccent, app.english_short;
COMMENT ON TEXT SEARCH CONFIGURATION app.search IS 'without accents';

-- ---- a table with a column of every type ----
CREATE TABLE app.every_type (
  id bigserial PRIMARY KEY,
  c_smallint smallint, c_int int, c_bigint bigint, c_numeric numeric, c_numeric_typmod numeric(12, 4), c_real real, c_double double precision,
  c_money money, c_bool boolean, c_char char(5), c_varchar varchar(30), c_text text, c_name name, c_quoted_char "char",
  c_bytea bytea, c_date date, c_time time(3), c_timetz timetz, c_timestamp timestamp, c_timestamptz timestamptz(6), c_interval interval,
  c_interval_fields interval day to second(2), c_uuid uuid, c_json json, c_jsonb jsonb, c_jsonpath jsonpath, c_xml xml,
  c_inet inet, c_cidr cidr, c_macaddr macaddr, c_macaddr8 macaddr8, c_bit bit(4), c_varbit bit varying(10),
  c_point point, c_line line, c_lseg lseg, c_box box, c_path path, c_polygon polygon, c_circle circle,
  c_tsvector tsvector, c_tsquery tsquery, c_int4range int4range, c_numrange numrange, c_tstzrange tstzrange, c_daterange daterange,
  c_multirange int8multirange, c_own_range app.float_range, c_own_multirange app.text_multirange,
  c_enum app.mood, c_enum_array app.mood[], c_domain app.code, c_domain_array app.email[], c_composite app.address, c_composite_array app.address[],
  c_int_array int[], c_text_array text[][], c_oid oid, c_regclass regclass, c_pg_lsn pg_lsn,
  c_citext citext, c_hstore hstore, c_ltree ltree
);
INSERT INTO app.every_type (c_domain) VALUES ('a');
INSERT INTO app.every_type VALUES (1000, -32768, -2147483648, -9223372036854775808, 'NaN', 0.0001, 'NaN', '-Infinity', '-1234.56', true, 'ab', '', '',
  'n', 'x', '\x00ff5c0a', '-infinity', '24:00', '23:59:59.999999+15:59', 'infinity', 'infinity', '178000000 years', '1 day 02:03:04.05',
  '00000000-0000-0000-0000-000000000000', '{"a":  1, "a": null}', '{"b": [1, 2.50, "\u00e4"], "a": {}}', '$.a[*] ? (@ > 1)', '<a b="c">&amp;</a>',
  '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'1010', B'', '(1e300,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)',
  '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),1>', 'a:1A ''b c'':2', 'a & !b | c:*', 'empty', '(,1.50]', '["2020-01-01 00:00+00",)', '[,]',
  '{[1,3),[5,7)}', '[0.1,0.2)', '{["a","b"),["x",)}', 'it''s "complicated"', '{ok,NULL,"it''s \"complicated\""}', 'none', '{a@b,NULL}',
  '("Main ""St"" 1",)', '{"(a,b)","(,)"}', '{}', '{{"a","NULL"},{NULL,"b\\c"}}', 0, 'app.every_type', 'FF/FF', 'MiXed', '"a"=>NULL, "b"=>"\"q\""', 'Top.a_b');
INSERT INTO app.every_type VALUES (1001, 32767, 2147483647, 9223372036854775807, 1e-130, 99999999.9999, -0.0, '-0', '92233720368547758.07', false, '     ',
  E'tab\tnewline\nreturn\rbackslash\\', E'\\.', '', '', '', '4713-01-01 BC', '00:00', '00:00-15:59', '4713-01-01 00:00 BC', '294276-12-31 23:59:59.999999+00',
  '-178000000 years -1 mon +1 day -00:00:00.000001', '0', gen_random_uuid(), 'null', 'null', 'strict $', '', '0.0.0.0/0', '::/0',
  'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', B'0000', B'1111111111', '(NaN,Infinity)', '{0,-1,0}', '[(1,1),(1,1)]', '(Infinity,1),(0,-Infinity)', '((0,0))', '((0,0))',
  '<(1,1),0>', '', '', '[1,1]', 'empty', '(-infinity,infinity)', '[-infinity,2020-01-01]', '{}', 'empty', '{}', 'sad', '{}', 'b', '{}', '(,)', '{}',
  '[0:2]={1,NULL,-1}', '{}', 4294967295, 'pg_class', '0/0', '', '', '');
INSERT INTO app.every_type (c_domain, c_text, c_bytea, c_jsonb)
  SELECT 'a', repeat(md5(i::text), 3000), decode(repeat(md5(i::text), 2000), 'hex'), jsonb_build_object('k', repeat('ä', 5000 + i)) FROM generate_series(1, 3) AS i;
INSERT INTO app.every_type (c_domain, c_text) VALUES ('a', ''), ('a', NULL), ('a', '\N'), ('a', E'\b\f\v'), ('a', '𝄞 é é ‮'), ('a', E'a\r\nb'), ('a', ' x ');

-- ---- names ----
CREATE TABLE "space schema"."Table with ""quotes"", 'apostrophes' and spaces" (
  "Column One" int PRIMARY KEY, "select" text DEFAULT 'it''s', "ünïcödé 列" text, "semi;colon" int, "back\slash" int, "a.b" int, "%s" int, "$1" int,
  "-dash" int, " " text
);
CREATE INDEX "index ""quoted"" name" ON "space schema"."Table with ""quotes"", 'apostrophes' and spaces" (lower("ünïcödé 列"), "a.b" DESC NULLS LAST);
INSERT INTO "space schema"."Table with ""quotes"", 'apostrophes' and spaces" VALUES (1, E'\\', 'ü', 1, 2, 3, 4, 5, 6, ' ');
CREATE TABLE app.abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_012345678 (
  abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_012345678 int UNIQUE CHECK (abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_012345678 > 0)
);
CREATE TABLE "App"."ÄÖÜßäöüÄÖÜßäöüÄÖÜßäöüÄÖÜßäöüÄÖ" ("ÄÖÜßäöüÄÖÜßäöüÄÖÜßäöüÄÖÜßäöü" serial UNIQUE, "Straße" int REFERENCES "space schema"."Table with ""quotes"", 'apostrophes' and spaces");
CREATE TABLE "App"."-leading dash" (a int);
CREATE TABLE "App".E (a int);
CREATE TABLE "App"."line
break" ("new
line" int);
CREATE TABLE "App"."User" (id text PRIMARY KEY, "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, email text NOT NULL);
CREATE UNIQUE INDEX "User_email_key" ON "App"."User" (email);
CREATE TABLE "App"."Post" (id serial PRIMARY KEY, "authorId" text NOT NULL, meta jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "App"."User" (id) ON DELETE RESTRICT ON UPDATE CASCADE);
CREATE INDEX "Post_authorId_idx" ON "App"."Post" ("authorId");
CREATE INDEX "Post_meta_idx" ON "App"."Post" USING gin (meta jsonb_path_ops);
INSERT INTO "App"."User" VALUES ('u1', '2024-01-01 00:00:00.123', 'a@b'), ('u2', '2024-02-29', 'c@d');
INSERT INTO "App"."Post" ("authorId") VALUES ('u1'), ('u1'), ('u2');
CREATE TABLE app."""" ("""" int);
CREATE TABLE app.no_columns ();
INSERT INTO app.no_columns DEFAULT VALUES;
INSERT INTO app.no_columns DEFAULT VALUES;
CREATE TABLE app.pg_class (regclass int CHECK (regclass > 0), text text DEFAULT 'a'::varchar);
INSERT INTO app.pg_class VALUES (1);

-- ---- columns, constraints, indexes ----
CREATE TABLE app.orders (
  id int GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5 CACHE 3) PRIMARY KEY,
  legacy int,
  number int GENERATED BY DEFAULT AS IDENTITY UNIQUE,
  status varchar(20) NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'void')),  -- not a fixed point
  kind varchar DEFAULT CASE WHEN current_user::varchar IN ('a', 'b') THEN 'x' ELSE 'y' END,  -- not a fixed point
  paid boolean GENERATED ALWAYS AS (status IN ('paid', 'void')) STORED,  -- not a fixed point
  placed timestamptz NOT NULL DEFAULT now(),
  total numeric(10, 2) DEFAULT 0.00 CONSTRAINT "total >= 0" CHECK (total >= 0),
  total_tax numeric GENERATED ALWAYS AS (round(total * 0.19, 2)) STORED,
  tags text[] NOT NULL DEFAULT ARRAY['a', 'b']::text[],
  note text COLLATE "C",
  parent int REFERENCES app.orders ON DELETE SET NULL,
  during tstzrange,
  lat float8 CHECK (lat BETWEEN -90 AND 90),
  CONSTRAINT either CHECK (paid OR total IS NOT NULL) NO INHERIT,
  CONSTRAINT no_overlap EXCLUDE USING gist (kind WITH =, during WITH &&) WHERE (status IN ('paid', 'void')) DEFERRABLE INITIALLY DEFERRED,  -- not a fixed point
  CONSTRAINT one_per_day UNIQUE NULLS NOT DISTINCT (placed, legacy) INCLUDE (note) WITH (fillfactor = 80),
  UNIQUE (kind, note) DEFERRABLE
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE app.orders DROP COLUMN legacy;  -- takes one_per_day with it
ALTER TABLE app.orders ADD CONSTRAINT one_per_day UNIQUE NULLS NOT DISTINCT (placed, number) INCLUDE (note) WITH (fillfactor = 80);
ALTER TABLE app.orders ADD COLUMN added int DEFAULT 7 NOT NULL;
ALTER TABLE app.orders ALTER note SET STORAGE EXTERNAL, ALTER tags SET COMPRESSION pglz, ALTER status SET STATISTICS 500, ALTER kind SET (n_distinct = -0.5);
ALTER TABLE app.orders ADD CONSTRAINT later CHECK (total < 1000000) NOT VALID;
COMMENT ON TABLE app.orders IS 'everything that was ordered';
COMMENT ON COLUMN app.orders.total IS '';
COMMENT ON COLUMN app.orders.note IS 'say "no" to ''that''';
COMMENT ON CONSTRAINT either ON app.orders IS 'either';
GRANT SELECT, INSERT ON app.orders TO pg_read_all_data;
GRANT SELECT ON app.orders TO PUBLIC;
GRANT UPDATE (status, note), SELECT (id) ON app.orders TO pg_monitor WITH GRANT OPTION;
CREATE INDEX orders_open ON app.orders (placed) WHERE status IN ('open', 'paid');  -- not a fixed point
CREATE INDEX orders_expression ON app.orders ((status IN ('open', 'paid')), lower(note) COLLATE "C" text_pattern_ops);  -- not a fixed point
ALTER INDEX app.orders_expression ALTER COLUMN 1 SET STATISTICS 42;
CREATE INDEX ON app.orders USING brin (placed) WITH (pages_per_range = 32);
CREATE INDEX ON app.orders USING hash (kind);
CREATE INDEX ON app.orders USING gin (tags) WITH (fastupdate = off);
CREATE INDEX ON app.orders USING gist (note gist_trgm_ops (siglen = 32));
CREATE INDEX ON app.orders USING spgist (during);
CREATE UNIQUE INDEX orders_kind ON app.orders (kind varchar_pattern_ops DESC, (total + 1) NULLS FIRST) INCLUDE (note);
COMMENT ON INDEX app.orders_open IS 'the ones to work on';
CREATE UNIQUE INDEX orders_replica ON app.orders (placed, id);
ALTER TABLE app.orders REPLICA IDENTITY USING INDEX orders_replica;
ALTER TABLE app.orders CLUSTER ON orders_pkey;
CREATE STATISTICS app.orders_stats (ndistinct, dependencies, mcv) ON status, kind, total FROM app.orders;
CREATE STATISTICS app.orders_expressions ON (status IN ('open', 'paid')), lower(note) FROM app.orders;  -- not a fixed point
ALTER STATISTICS app.orders_stats SET STATISTICS 77;
COMMENT ON STATISTICS app.orders_stats IS 'they go together';
INSERT INTO app.orders (status, kind, total, note, placed) SELECT (ARRAY['open', 'paid', 'void'])[1 + i % 3], 'k' || i, i, 'n' || i, '2024-01-01 00:00+00'::timestamptz + i * interval '1 day'
  FROM generate_series(1, 50) AS i;
SET CONSTRAINTS ALL IMMEDIATE;  -- so that the whole file may also be sent as one query

CREATE TABLE app.left_side (id int PRIMARY KEY, r int);
CREATE TABLE app.right_side (id int PRIMARY KEY, l int REFERENCES app.left_side (id) DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE app.left_side ADD CONSTRAINT circle FOREIGN KEY (r) REFERENCES app.right_side (id) MATCH FULL ON UPDATE SET DEFAULT DEFERRABLE;
ALTER TABLE app.left_side ADD CONSTRAINT two_columns FOREIGN KEY (r) REFERENCES app.right_side (id) NOT VALID;
ALTER TABLE app.left_side REPLICA IDENTITY FULL;
ALTER TABLE app.right_side REPLICA IDENTITY NOTHING;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.right_side VALUES (1, 1);
INSERT INTO app.left_side VALUES (1, 1);
COMMIT;
CREATE UNLOGGED TABLE app.cache (k text PRIMARY KEY, v jsonb);
INSERT INTO app.cache VALUES ('a', '1');
CREATE TABLE app.typed OF app.address (PRIMARY KEY (street), "post code" WITH OPTIONS DEFAULT '0');

-- ---- sequences ----
CREATE SEQUENCE app.counter AS smallint INCREMENT BY -3 MINVALUE -300 MAXVALUE 30 START WITH 30 CACHE 4 CYCLE;
SELECT nextval('app.counter'), nextval('app.counter');
CREATE SEQUENCE app."Never Used" START WITH 5;
CREATE SEQUENCE app.owned OWNED BY app.right_side.l;
SELECT setval('app.owned', 42, false);
COMMENT ON SEQUENCE app.counter IS 'down';
GRANT USAGE ON SEQUENCE app.counter TO pg_monitor;

-- ---- partitions and inheritance ----
CREATE TABLE app.events (id bigint GENERATED BY DEFAULT AS IDENTITY, region varchar(10) NOT NULL, at date NOT NULL, payload text DEFAULT 'p',
  CHECK (region IN ('eu', 'us', 'as')),  -- not a fixed point
  PRIMARY KEY (region, at, id)) PARTITION BY LIST (region);
CREATE TABLE app.events_eu PARTITION OF app.events (payload DEFAULT 'eu') FOR VALUES IN ('eu') PARTITION BY RANGE (at);
CREATE TABLE app.events_eu_2023 PARTITION OF app.events_eu FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE app.events_eu_2024 PARTITION OF app.events_eu FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE app.events_other PARTITION OF app.events DEFAULT WITH (fillfactor = 90);
CREATE TABLE app.events_us (payload text, at date NOT NULL, gone int, region varchar(10) NOT NULL, id bigint NOT NULL, CHECK (region IN ('eu', 'us', 'as')));
ALTER TABLE app.events_us DROP COLUMN gone;
ALTER TABLE app.events_us ADD CONSTRAINT events_region_check CHECK (region IN ('eu', 'us', 'as'));
ALTER TABLE app.events ATTACH PARTITION app.events_us FOR VALUES IN ('us', NULL);
CREATE INDEX events_payload ON app.events (lower(payload)) WHERE region IN ('eu', 'us');  -- not a fixed point
CREATE INDEX events_only ON ONLY app.events (at);
CREATE TABLE app.hashed (id int, v text) PARTITION BY HASH (id);
CREATE TABLE app.hashed_0 PARTITION OF app.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.hashed_1 PARTITION OF app.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.by_expression (status varchar) PARTITION BY LIST ((status IN ('a', 'b')));  -- not a fixed point
CREATE TABLE app.by_expression_yes PARTITION OF app.by_expression FOR VALUES IN (true);
CREATE TABLE app.empty_partitioned (a int, b text) PARTITION BY RANGE (a, b COLLATE "C");
INSERT INTO app.events (region, at) SELECT (ARRAY['eu', 'us', 'as'])[1 + i % 3], '2023-12-01'::date + i FROM generate_series(1, 60) AS i;
INSERT INTO app.hashed SELECT i, 'v' || i FROM generate_series(1, 20) AS i;
INSERT INTO app.by_expression VALUES ('a');
CREATE TABLE app.event_notes (region varchar(10), at date, id bigint, note text, FOREIGN KEY (region, at, id) REFERENCES app.events ON DELETE CASCADE);
CREATE TABLE app.hashed_child (id int REFERENCES app.left_side, v text) PARTITION BY HASH (id);
CREATE TABLE app.hashed_child_0 PARTITION OF app.hashed_child FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE app.animal (name text NOT NULL, legs int DEFAULT 4 CHECK (legs >= 0));
CREATE TABLE app.dog (breed text) INHERITS (app.animal);
CREATE TABLE app.cat (name text, legs int DEFAULT 5, lives int CHECK (lives <= 9)) INHERITS (app.animal);
CREATE TABLE app.chimera (extra int, legs int DEFAULT 6) INHERITS (app.dog, app.cat);
ALTER TABLE app.animal ADD COLUMN born date;
INSERT INTO app.animal VALUES ('spider', 8, NULL);
INSERT INTO app.dog VALUES ('rex', 4, 'mutt', '2020-01-01');
INSERT INTO app.cat (name, lives) VALUES ('tom', 9);
INSERT INTO app.chimera (name, extra) VALUES ('x', 1);

-- ---- views ----
CREATE VIEW app.open_orders AS SELECT o.id, o.status, o.note AS "The Note" FROM app.orders AS o WHERE o.status IN ('open', 'paid');  -- not a fixed point
CREATE VIEW app.checked WITH (security_barrier, security_invoker) AS SELECT id, status, kind FROM app.orders WHERE id > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW app.checked ALTER COLUMN status SET DEFAULT 'void';
CREATE VIEW app."Deep View" AS
  WITH RECURSIVE t(n, path) AS (VALUES (1, ARRAY[1]) UNION ALL SELECT n + 1, path || n FROM t WHERE n < 5)
  SELECT t.n, t.path, e.region, count(*) FILTER (WHERE e.region IN ('eu', 'us')) OVER (PARTITION BY e.at ORDER BY e.id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS running,
    (SELECT max(o.total) FROM app.orders AS o WHERE o.id = t.n) AS "max", CASE e.region WHEN 'eu' THEN 1 ELSE 2 END AS c
  FROM t LEFT JOIN app.events AS e ON e.id = t.n CROSS JOIN LATERAL (SELECT e.payload || 'x' AS l) AS s;
CREATE VIEW app.on_view (a, b) AS SELECT id, "The Note" FROM app.open_orders;
COMMENT ON VIEW app.on_view IS 'a view on a view';
COMMENT ON COLUMN app.on_view.a IS 'first';
GRANT SELECT ON app.on_view TO pg_monitor;
CREATE MATERIALIZED VIEW app.totals AS SELECT status, sum(total) AS total FROM app.orders WHERE status IN ('open', 'paid') GROUP BY status;  -- not a fixed point
CREATE UNIQUE INDEX ON app.totals (status);
CREATE MATERIALIZED VIEW app.not_yet WITH (fillfactor = 60) AS SELECT id FROM app.orders WITH NO DATA;
CREATE MATERIALIZED VIEW app.on_totals AS SELECT count(*) AS n FROM app.totals;
COMMENT ON MATERIALIZED VIEW app.totals IS 'refresh it';

-- ---- triggers, rules, policies ----
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF status, "note" ON app.orders FOR EACH ROW WHEN (NEW.status IN ('open', 'paid')) EXECUTE FUNCTION app.touch('arg "1"', 'it''s');  -- not a fixed point
CREATE TRIGGER changed AFTER UPDATE ON app.orders FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();
CREATE TRIGGER batch AFTER UPDATE ON app.orders REFERENCING OLD TABLE AS was NEW TABLE AS "Is" FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON app.orders EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER checked AFTER INSERT OR DELETE ON app.left_side DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER "Off" BEFORE INSERT ON app.left_side FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.left_side DISABLE TRIGGER "Off";
CREATE TRIGGER in_replica BEFORE DELETE ON app.left_side FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.left_side ENABLE REPLICA TRIGGER in_replica;
CREATE TRIGGER always BEFORE UPDATE ON app.left_side FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.left_side ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER on_events BEFORE INSERT ON app.events FOR EACH ROW WHEN (NEW.region IN ('eu', 'us')) EXECUTE FUNCTION app.touch();  -- not a fixed point
ALTER TABLE app.events_us DISABLE TRIGGER on_events;
CREATE TRIGGER instead INSTEAD OF INSERT ON app.on_view FOR EACH ROW EXECUTE FUNCTION app.touch();
COMMENT ON TRIGGER touch ON app.orders IS 'touches';
CREATE RULE archived AS ON DELETE TO app.orders WHERE OLD.status IN ('paid', 'void') DO INSTEAD NOTHING;  -- not a fixed point
CREATE RULE "also note" AS ON UPDATE TO app.orders DO ALSO (INSERT INTO app.cache VALUES ('o' || OLD.id, to_jsonb(NEW.status)) ON CONFLICT DO NOTHING; NOTIFY changed);
CREATE RULE through AS ON INSERT TO app.open_orders DO INSTEAD INSERT INTO app.orders (status, note) VALUES (NEW.status, NEW."The Note");
ALTER TABLE app.orders DISABLE RULE archived;
COMMENT ON RULE archived ON app.orders IS 'kept';
ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.cache ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON app.orders FOR SELECT TO pg_monitor, pg_read_all_data USING (status IN ('open', 'paid'));  -- not a fixed point
CREATE POLICY writers ON app.orders AS RESTRICTIVE TO PUBLIC USING (true)
  WITH CHECK (status IN ('open', 'paid') AND EXISTS (SELECT FROM app.orders AS p JOIN app.cache AS c ON c.k = orders.kind WHERE p.id = orders.parent));  -- not a fixed point
CREATE POLICY "All" ON app.cache USING (k = current_user);
COMMENT ON POLICY readers ON app.orders IS 'may read';

-- ---- the rest ----
CREATE PUBLICATION "Changes" FOR TABLE app.orders (id, placed, status) WHERE (id > 10), TABLE ONLY app.left_side, TABLE app.events, TABLE app.typed WITH (publish = 'insert, delete', publish_via_partition_root);
COMMENT ON PUBLICATION "Changes" IS 'for the warehouse';
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT EXECUTE ON FUNCTIONS TO pg_read_all_data;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SELECT lo_from_bytea(0, '\x00010203'), lo_from_bytea(0, convert_to(repeat('large ', 10000), 'UTF8')), lo_create(0);

CREATE TABLE public._prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text,
  rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0
);
INSERT INTO public._prisma_migrations VALUES ('5d1e0d8e-0000-4000-8000-000000000001', repeat('ab', 32), '2024-01-01 00:00:01+00', '20240101000000_init', NULL, NULL, '2024-01-01 00:00:00+00', 1);
