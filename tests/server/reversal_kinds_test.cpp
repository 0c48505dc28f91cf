// Each kind of migration, taken back by a derived reversal on a real server.
#include "tests/server/reversal_support.hpp"

namespace belay::test {
namespace {

const std::string shop =
    "CREATE TYPE status AS ENUM ('NEW', 'PAID');"
    "CREATE TABLE users (id serial PRIMARY KEY, email varchar(200) NOT NULL, name text, age integer);"
    "CREATE UNIQUE INDEX users_email_key ON users (email);"
    "CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE, state "
    "status "
    "DEFAULT 'NEW' NOT NULL, total numeric(10, 2) DEFAULT 0, note text, CONSTRAINT total_positive CHECK (total >= 0));"
    "CREATE INDEX orders_user ON orders (user_id); CREATE INDEX orders_open ON orders (id) WHERE state = 'NEW';"
    "COMMENT ON TABLE orders IS 'what was bought'; COMMENT ON COLUMN orders.note IS 'by the user';"
    "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'NEW';"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "INSERT INTO users (email, name, age) SELECT 'u' || i || '@x', 'n' || i, i FROM generate_series(1, 20) i;"
    "INSERT INTO orders SELECT i, i, 'NEW', i, 'note ' || i FROM generate_series(1, 20) i;";

void check_all(const std::vector<ReversalCase>& cases) {
  const TestDatabase database("reversal");
  Connection db = database.connect();
  for (ReversalCase test : cases) {
    test.setup = shop + test.setup;
    check_reversal(db, test);
  }
}

TEST_CASE("what a migration made is dropped again") {
  check_all({
      {"a table", "", "CREATE TABLE a (id serial PRIMARY KEY, u integer REFERENCES users)", RowLoss::down_loses},
      {"tables that refer to each other", "",
       "CREATE TABLE a (id integer PRIMARY KEY, b integer); CREATE TABLE b (id integer PRIMARY KEY, a integer "
       "REFERENCES "
       "a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
       RowLoss::down_loses},
      {"columns", "",
       "ALTER TABLE orders ADD a integer, ADD b text UNIQUE, ADD d text NOT NULL DEFAULT 'x', ADD c serial",
       RowLoss::down_loses},
      {"a required column after a backfill", "",
       "ALTER TABLE users ADD slug text; UPDATE users SET slug = email; ALTER TABLE users ALTER slug SET NOT NULL; "
       "CREATE "
       "UNIQUE INDEX users_slug ON users (slug)",
       RowLoss::down_loses},
      {"an identity column", "", "ALTER TABLE orders ADD n bigint GENERATED ALWAYS AS IDENTITY", RowLoss::down_loses},
      {"a generated column", "", "ALTER TABLE orders ADD g numeric GENERATED ALWAYS AS (total * 2) STORED",
       RowLoss::none},
      {"indexes", "", "CREATE INDEX i ON orders (note); CREATE UNIQUE INDEX u ON orders (lower(note), id)",
       RowLoss::none},
      {"constraints", "",
       "ALTER TABLE users ADD CONSTRAINT adult CHECK (age > 0), ADD UNIQUE (name); ALTER TABLE orders ADD FOREIGN KEY "
       "(user_id) REFERENCES users NOT VALID",
       RowLoss::none},
      {"views upon views", "",
       "CREATE VIEW a AS SELECT * FROM orders; CREATE VIEW b AS SELECT * FROM a; CREATE MATERIALIZED VIEW m AS SELECT "
       "* "
       "FROM b; CREATE INDEX m_id ON m (id)",
       RowLoss::none},
      {"an enum and a column of it", "",
       "CREATE TYPE kind AS ENUM ('A', 'B'); ALTER TABLE orders ADD kind kind NOT NULL DEFAULT 'A'",
       RowLoss::down_loses},
      {"a function and a trigger", "",
       "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE "
       "INSERT "
       "ON orders FOR EACH ROW EXECUTE FUNCTION f()",
       RowLoss::none},
      {"a schema with things in it", "",
       "CREATE SCHEMA s; CREATE TABLE s.t (id integer); CREATE FUNCTION s.f(integer) RETURNS integer LANGUAGE sql AS "
       "'SELECT 1'; CREATE VIEW s.v AS SELECT s.f(id) FROM s.t",
       RowLoss::down_loses},
      {"policies and row security", "",
       "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY; CREATE POLICY p ON "
       "orders FOR SELECT TO PUBLIC USING (user_id = 1)",
       RowLoss::none},
      {"a partitioned table", "",
       "CREATE TABLE p (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE p1 PARTITION "
       "OF "
       "p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE INDEX ON p (at)",
       RowLoss::down_loses},
      {"a domain, a composite type, a sequence, statistics, a rule", "",
       "CREATE DOMAIN d AS integer CHECK (VALUE > 0); CREATE TYPE c AS (a integer, b d); CREATE SEQUENCE s; CREATE "
       "STATISTICS st ON id, user_id FROM orders; CREATE RULE r AS ON DELETE TO orders DO INSTEAD NOTHING",
       RowLoss::none},
  });
}

TEST_CASE("what a migration dropped is made again") {
  check_all({
      {"a table with all that hangs on it", "GRANT SELECT ON orders TO PUBLIC", "DROP TABLE orders CASCADE",
       RowLoss::up_lost},
      {"a table with a serial", "TRUNCATE orders", "DROP TABLE users CASCADE", RowLoss::up_lost},
      {"a column with comment and default", "", "ALTER TABLE orders DROP note, DROP total CASCADE", RowLoss::up_lost},
      {"a serial column", "CREATE TABLE a (x integer, n serial)", "ALTER TABLE a DROP n", RowLoss::up_lost},
      {"an identity column", "CREATE TABLE a (x integer, n integer GENERATED BY DEFAULT AS IDENTITY (START WITH 10))",
       "ALTER TABLE a DROP n", RowLoss::up_lost},
      {"indexes", "", "DROP INDEX orders_user, users_email_key, orders_open", RowLoss::down_may_fail},
      {"constraints", "",
       "ALTER TABLE orders DROP CONSTRAINT total_positive, DROP CONSTRAINT orders_user_id_fkey; ALTER TABLE users DROP "
       "CONSTRAINT users_pkey",
       RowLoss::down_may_fail},
      {"a view and its rights", "GRANT SELECT ON open_orders TO PUBLIC; COMMENT ON VIEW open_orders IS 'x'",
       "DROP VIEW open_orders", RowLoss::none},
      {"views upon views",
       "CREATE VIEW b AS SELECT id FROM open_orders; CREATE MATERIALIZED VIEW m AS SELECT * FROM b; CREATE UNIQUE "
       "INDEX "
       "m_id ON m (id)",
       "DROP VIEW open_orders CASCADE", RowLoss::none},
      {"a function, a trigger, a policy",
       "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch(); COMMENT ON TRIGGER t ON orders "
       "IS 'c'; ALTER TABLE orders DISABLE TRIGGER t; CREATE POLICY p ON orders USING (id > 0) WITH CHECK (id > 1)",
       "DROP FUNCTION touch() CASCADE; DROP POLICY p ON orders", RowLoss::none},
      {"types", "CREATE DOMAIN d AS varchar(5) DEFAULT 'a' NOT NULL CHECK (VALUE <> ''); CREATE TYPE c AS (a d)",
       "DROP TYPE c; DROP DOMAIN d", RowLoss::none},
      {"an enum and its columns", "", "DROP TYPE status CASCADE", RowLoss::up_lost},
      {"a domain with a check that was never validated",
       "CREATE DOMAIN d AS integer; ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID", "DROP DOMAIN d",
       RowLoss::none},
      {"a table that others' rules write into",
       "CREATE TABLE a (id integer); CREATE RULE r AS ON DELETE TO users DO ALSO INSERT INTO a VALUES (old.id)",
       "DROP TABLE a CASCADE", RowLoss::up_lost},
      {"a sequence and a schema", "CREATE SCHEMA s; CREATE SEQUENCE s.q START 7 INCREMENT 2 CYCLE CACHE 4",
       "DROP SCHEMA s CASCADE", RowLoss::none},
      {"a partition and an index of all",
       "CREATE TABLE p (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE "
       "(at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE p2 "
       "PARTITION "
       "OF p DEFAULT; CREATE INDEX p_at ON p (at)",
       "DROP TABLE p1; DROP INDEX p_at", RowLoss::up_lost},
      {"a partitioned table",
       "CREATE TABLE p (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE "
       "TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE INDEX p_at ON p (at)",
       "DROP TABLE p", RowLoss::up_lost},
  });
}

TEST_CASE("what a migration renamed gets its old name, with what is in it") {
  check_all({
      {"a table", "", "ALTER TABLE orders RENAME TO purchases", RowLoss::none},
      {"a column, used by a view, an index and a check", "",
       "ALTER TABLE orders RENAME total TO amount; ALTER TABLE "
       "orders RENAME state TO status",
       RowLoss::none},
      {"constraints and indexes", "",
       "ALTER TABLE orders RENAME CONSTRAINT total_positive TO x; ALTER TABLE users RENAME "
       "CONSTRAINT users_pkey TO u; ALTER INDEX orders_user RENAME TO y",
       RowLoss::none},
      {"an enum and a value of it", "",
       "ALTER TYPE status RENAME TO state; ALTER TYPE state RENAME VALUE 'PAID' TO "
       "'SETTLED'",
       RowLoss::none},
      {"a function, a view, a sequence", "",
       "ALTER FUNCTION touch() RENAME TO t; ALTER VIEW open_orders RENAME TO o; "
       "ALTER SEQUENCE users_id_seq RENAME TO s",
       RowLoss::none},
      {"two columns that swap their names", "",
       "ALTER TABLE users RENAME name TO x; ALTER TABLE users RENAME email TO "
       "name; ALTER TABLE users RENAME x TO email",
       RowLoss::none},
      {"a table whose name a new one takes", "",
       "ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders (id bigint, "
       "x text)",
       RowLoss::down_loses},
      {"a table into another schema", "",
       "CREATE SCHEMA s; ALTER TABLE users SET SCHEMA s; ALTER TYPE status SET SCHEMA "
       "s",
       RowLoss::none},
      {"a schema", "CREATE SCHEMA s; CREATE TABLE s.t (id serial PRIMARY KEY)",
       "ALTER SCHEMA s RENAME TO s2; ALTER TABLE "
       "s2.t RENAME id TO x",
       RowLoss::none},
      {"a column whose name a new one takes", "",
       "ALTER TABLE users RENAME name TO full_name; ALTER TABLE users ADD name "
       "text",
       RowLoss::down_loses},
  });
}

TEST_CASE("what a migration changed is changed back") {
  check_all({
      {"defaults", "",
       "ALTER TABLE orders ALTER total SET DEFAULT 5, ALTER state DROP DEFAULT, ALTER note SET DEFAULT "
       "'n'",
       RowLoss::none},
      {"required or not", "", "ALTER TABLE users ALTER name SET NOT NULL, ALTER email DROP NOT NULL",
       RowLoss::down_may_fail},
      {"types", "DROP VIEW open_orders",
       "ALTER TABLE users ALTER email TYPE text, ALTER age TYPE bigint; ALTER TABLE "
       "orders ALTER total TYPE numeric(12, 4), ALTER user_id TYPE bigint",
       RowLoss::conversion},
      {"a number made text", "", "ALTER TABLE users ALTER age TYPE text", RowLoss::conversion},
      {"text made an enum", "UPDATE orders SET note = 'note 1'",
       "CREATE TYPE n AS ENUM ('note 1'); ALTER TABLE orders "
       "ALTER note TYPE n USING note::n",
       RowLoss::conversion},
      {"a type under a view that is made anew", "",
       "DROP VIEW open_orders; ALTER TABLE orders ALTER total TYPE "
       "double precision; CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'NEW'",
       RowLoss::conversion},
      {"an enum with a further value", "", "ALTER TYPE status ADD VALUE 'SENT' AFTER 'NEW'", RowLoss::down_may_fail},
      {"an enum in an array, a check and a policy",
       "ALTER TABLE orders ADD states status[] DEFAULT '{NEW}', ADD CHECK (state <> 'PAID'); CREATE POLICY p ON orders "
       "USING (state = 'NEW'); GRANT USAGE ON TYPE status TO PUBLIC; COMMENT ON TYPE status IS 's'",
       "ALTER TYPE status ADD VALUE 'SENT'", RowLoss::down_may_fail},
      {"an enum made anew, as Prisma does it", "",
       "BEGIN; CREATE TYPE status_new AS ENUM ('NEW', 'OLD'); DROP VIEW "
       "open_orders; DROP INDEX orders_open; ALTER TABLE orders ALTER state DROP DEFAULT; ALTER TABLE orders ALTER "
       "state "
       "TYPE status_new USING (state::text::status_new); ALTER TYPE status RENAME TO status_old; ALTER TYPE status_new "
       "RENAME TO status; DROP TYPE status_old; ALTER TABLE orders ALTER state SET DEFAULT 'NEW'; CREATE VIEW "
       "open_orders "
       "AS SELECT id, total FROM orders WHERE state = 'NEW'; CREATE INDEX orders_open ON orders (id) WHERE state = "
       "'NEW'; "
       "COMMIT",
       RowLoss::conversion},
      {"a view with further columns", "CREATE VIEW v AS SELECT id FROM open_orders",
       "CREATE OR REPLACE VIEW open_orders "
       "AS SELECT id, total, note FROM orders",
       RowLoss::none},
      {"a view with another condition", "",
       "CREATE OR REPLACE VIEW open_orders AS SELECT id, total FROM orders WHERE "
       "state = 'PAID'",
       RowLoss::none},
      {"a materialized view", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE UNIQUE INDEX mi ON m (a)",
       "DROP "
       "MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT 2 AS a, 3 AS b",
       RowLoss::none},
      {"functions", "CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
       "CREATE OR "
       "REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id = 1; RETURN NEW; END'; DROP "
       "FUNCTION "
       "f(integer); CREATE FUNCTION f(a integer, b text DEFAULT 'x') RETURNS text LANGUAGE sql AS 'SELECT b'; ALTER "
       "FUNCTION touch() COST 7",
       RowLoss::none},
      {"a trigger that is off, another one replaced",
       "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE "
       "FUNCTION touch(); CREATE TRIGGER u BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
       "ALTER TABLE "
       "orders DISABLE TRIGGER t; CREATE OR REPLACE TRIGGER u AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION "
       "touch()",
       RowLoss::none},
      {"a policy", "CREATE POLICY p ON orders USING (id > 0)", "ALTER POLICY p ON orders USING (id > 5)",
       RowLoss::none},
      {"foreign keys", "",
       "ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey; ALTER TABLE orders ADD CONSTRAINT "
       "orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL ON UPDATE CASCADE",
       RowLoss::down_may_fail},
      {"a constraint that is validated", "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID",
       "ALTER TABLE "
       "users VALIDATE CONSTRAINT c",
       RowLoss::none},
      {"rights, owners, comments", "",
       "GRANT SELECT, INSERT ON orders TO PUBLIC; GRANT SELECT (name) ON users TO PUBLIC; "
       "REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC; COMMENT ON TABLE orders IS NULL; COMMENT ON COLUMN users.name "
       "IS "
       "'n'; GRANT USAGE ON SCHEMA public TO PUBLIC; COMMENT ON INDEX orders_user IS 'i'",
       RowLoss::none},
      {"identity",
       "CREATE TABLE a (n integer GENERATED ALWAYS AS IDENTITY, m integer NOT NULL); INSERT INTO a (m) VALUES "
       "(3)",
       "ALTER TABLE a ALTER n SET GENERATED BY DEFAULT; ALTER TABLE a ALTER m ADD GENERATED ALWAYS AS IDENTITY",
       RowLoss::none},
      {"no identity any more", "CREATE TABLE a (n integer GENERATED ALWAYS AS IDENTITY)",
       "ALTER TABLE a ALTER n DROP "
       "IDENTITY",
       RowLoss::none},
      {"a serial made an identity", "",
       "ALTER TABLE users ALTER id DROP DEFAULT; DROP SEQUENCE users_id_seq; ALTER TABLE "
       "users ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
       RowLoss::none},
      {"a sequence", "CREATE SEQUENCE s", "ALTER SEQUENCE s INCREMENT 5 MAXVALUE 1000 OWNED BY users.id",
       RowLoss::none},
      {"storage, statistics, options", "",
       "ALTER TABLE orders ALTER note SET STORAGE EXTERNAL, ALTER note SET STATISTICS "
       "50, ALTER note SET (n_distinct = 5); ALTER TABLE orders REPLICA IDENTITY FULL; CLUSTER users USING users_pkey",
       RowLoss::none},
      {"a domain", "CREATE DOMAIN d AS integer CONSTRAINT a CHECK (VALUE > 0)",
       "ALTER DOMAIN d SET DEFAULT 4; ALTER "
       "DOMAIN d DROP CONSTRAINT a; ALTER DOMAIN d ADD CONSTRAINT b CHECK (VALUE > 1)",
       RowLoss::down_may_fail},
      {"a partition that is detached, and one that is attached",
       "CREATE TABLE p (id integer, at date) PARTITION BY RANGE "
       "(at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE p2 (id "
       "integer, "
       "at date); CREATE INDEX p_i ON p (id); INSERT INTO p VALUES (1, '2024-02-02')",
       "ALTER TABLE p DETACH PARTITION p1; "
       "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
       RowLoss::down_may_fail},
      {"a table that becomes partitioned under its name",
       "CREATE TABLE logs (id integer, at date); INSERT INTO logs "
       "VALUES (1, '2024-05-05')",
       "ALTER TABLE logs RENAME TO logs_2024; CREATE TABLE logs (id integer, at date) PARTITION "
       "BY RANGE (at); ALTER TABLE logs ATTACH PARTITION logs_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
       RowLoss::down_loses},
      {"a primary key on other columns", "",
       "ALTER TABLE orders DROP CONSTRAINT orders_pkey; ALTER TABLE orders ADD "
       "PRIMARY KEY (id, user_id)",
       RowLoss::down_may_fail},
      {"storage parameters", "CREATE TABLE a (id integer) WITH (fillfactor = 70)",
       "ALTER TABLE a SET (fillfactor = 50, autovacuum_enabled = false); ALTER TABLE orders SET (fillfactor = 90)",
       RowLoss::none},
      {"a table made unlogged", "CREATE TABLE a (id integer)", "ALTER TABLE a SET UNLOGGED", RowLoss::none},
  });
}

}  // namespace
}  // namespace belay::test
