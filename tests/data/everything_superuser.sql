-- What everything.sql leaves out because it takes a superuser. Runs after it.
SET client_min_messages = error;
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere TYPE 'pg' VERSION '1' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere', dbname 'it''s', fetch_size '100');
COMMENT ON SERVER elsewhere IS 'another database';
GRANT USAGE ON FOREIGN SERVER elsewhere TO pg_monitor;
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'u', password 'p"w');
CREATE FOREIGN TABLE app.far (id int OPTIONS (column_name 'ID') NOT NULL, status varchar DEFAULT 'x' CHECK (status IN ('a', 'b')))
  SERVER elsewhere OPTIONS (schema_name 's', table_name 't');
CREATE FOREIGN DATA WRAPPER own_wrapper OPTIONS (debug 'true');
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION app.on_ddl();
CREATE EVENT TRIGGER "Watch off" ON sql_drop EXECUTE FUNCTION app.on_ddl();
ALTER EVENT TRIGGER "Watch off" DISABLE;
COMMENT ON EVENT TRIGGER watch IS 'sees';
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA app;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.unaccent(text) TO pg_monitor;
GRANT SELECT ON pg_catalog.pg_largeobject TO pg_monitor;
CREATE AGGREGATE app.nth(VARIADIC "any" ORDER BY VARIADIC "any") (sfunc = pg_catalog.ordered_set_transition_multi, stype = internal,
  finalfunc = pg_catalog.rank_final, finalfunc_extra, hypothetical);
CREATE OPERATOR FAMILY app.moods USING btree;
CREATE CONVERSION app.odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE FUNCTION app.leak(int) RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';
ALTER FUNCTION app.over(int) OWNER TO pg_database_owner;
-- Its owner cannot dump it any more: pg_dump refuses to read through policies.
ALTER TABLE app.cache FORCE ROW LEVEL SECURITY;
ALTER TABLE app.pg_class OWNER TO pg_monitor;
