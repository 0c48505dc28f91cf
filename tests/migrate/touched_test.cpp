// Which objects a script touches, by their names in its statements.
#include "migrate/touched.hpp"

#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

std::string touched(const std::string& sql) {
  std::string all;
  for (const ObjectName& name : touched_by(parse_script(sql))) {
    static const char* const groups[] = {"relation ", "routine ", "schema ", "other "};
    all += (all.empty() ? "" : ", ") + std::string{groups[static_cast<int>(name.group)]} +
           (name.schema.empty() ? "" : name.schema + ".") + (name.name.empty() ? "*" : name.name);
  }
  return all;
}

TEST_CASE("a script's statements touch what they create, change, rename, drop, grant on and comment on") {
  struct Case {
    const char* sql;
    const char* touched;
  };
  for (const Case& one : std::vector<Case>{
           {"CREATE TABLE a.t (x int)", "relation a.t"},
           {"CREATE TABLE \"A\".\"b.c\" ()", "relation A.b.c"},
           {"ALTER TABLE t ADD y int, DROP x", "relation t"},
           {"ALTER TABLE p ATTACH PARTITION a.x DEFAULT", "relation p, relation a.x"},
           {"ALTER TABLE a.t RENAME TO u", "relation a.t, relation a.u"},
           {"ALTER TABLE t RENAME x TO y", "relation t"},
           {"ALTER TABLE t RENAME CONSTRAINT x TO y", "relation t"},
           {"ALTER TABLE t SET SCHEMA b", "relation t, relation b.t"},
           {"ALTER TABLE t OWNER TO x", "relation t"},
           {"DROP TABLE a.t, u", "relation a.t, relation u"},
           {"CREATE INDEX CONCURRENTLY i ON a.t (x)", "relation a.t, relation a.i"},
           {"CREATE INDEX ON t (x)", "relation t"},
           {"ALTER INDEX a.i RENAME TO j", "relation a.i, relation a.j"},
           {"DROP INDEX a.i", "relation a.i"},
           {"CREATE VIEW v AS SELECT * FROM t", "relation v"},
           {"CREATE MATERIALIZED VIEW a.m AS SELECT 1", "relation a.m"},
           {"REFRESH MATERIALIZED VIEW m", "relation m"},
           {"CREATE TABLE c AS SELECT * FROM t", "relation c"},
           {"SELECT 1 AS x INTO c", "relation c"},
           {"CREATE TRIGGER g BEFORE INSERT ON a.t EXECUTE FUNCTION f()", "relation a.t"},
           {"DROP TRIGGER g ON a.t", "relation a.t"},
           {"ALTER TRIGGER g ON t RENAME TO h", "relation t"},
           {"CREATE POLICY p ON a.t", "relation a.t"},
           {"ALTER POLICY p ON a.t RENAME TO q", "relation a.t"},
           {"DROP POLICY p ON t", "relation t"},
           {"CREATE RULE r AS ON INSERT TO a.t DO NOTHING", "relation a.t"},
           {"CREATE SEQUENCE s", "relation s"},
           {"ALTER SEQUENCE a.s CYCLE", "relation a.s"},
           {"CREATE TYPE a.e AS ENUM ('x')", "relation a.e"},
           {"ALTER TYPE e ADD VALUE 'y'", "relation e"},
           {"ALTER TYPE e RENAME TO f", "relation e, relation f"},
           {"CREATE TYPE a.c AS (x int)", "relation a.c"},
           {"ALTER TYPE a.c ADD ATTRIBUTE y int", "relation a.c"},
           {"CREATE TYPE r AS RANGE (subtype = int)", "relation r"},
           {"CREATE DOMAIN a.d AS int", "relation a.d"},
           {"ALTER DOMAIN d SET NOT NULL", "relation d"},
           {"ALTER DOMAIN d RENAME CONSTRAINT x TO y", "relation d"},
           {"DROP TYPE a.e", "relation a.e"},
           {"CREATE FUNCTION a.f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "routine a.f"},
           {"ALTER FUNCTION f(int) STABLE", "routine f"},
           {"ALTER FUNCTION f(int) RENAME TO g", "routine f, routine g"},
           {"DROP FUNCTION a.f(int), g", "routine a.f, routine g"},
           {"CREATE AGGREGATE a.g(int) (sfunc = x, stype = int)", "routine a.g"},
           {"CREATE SCHEMA s CREATE TABLE t ()", "schema s, relation t"},
           {"ALTER SCHEMA s RENAME TO q", "schema s, schema q"},
           {"DROP SCHEMA s", "schema s"},
           {"GRANT SELECT ON a.t, u TO x", "relation a.t, relation u"},
           {"REVOKE ALL ON ALL TABLES IN SCHEMA a, b FROM x", "relation a.*, relation b.*"},
           {"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA a TO x", "routine a.*"},
           {"GRANT USAGE ON SCHEMA s TO x", "schema s"},
           {"GRANT USAGE ON TYPE a.e TO x", "relation a.e"},
           {"GRANT EXECUTE ON FUNCTION a.f(int) TO x", "routine a.f"},
           {"COMMENT ON TABLE a.t IS 'x'", "relation a.t"},
           {"COMMENT ON COLUMN a.t.x IS 'x'", "relation a.t"},
           {"COMMENT ON CONSTRAINT c ON a.t IS 'x'", "relation a.t"},
           {"COMMENT ON CONSTRAINT c ON DOMAIN a.d IS 'x'", "relation a.d"},
           {"COMMENT ON FUNCTION f(int) IS 'x'", "routine f"},
           {"CREATE EXTENSION e", "other e"},
           {"ALTER EXTENSION e UPDATE", "other e"},
           {"DROP EXTENSION e", "other e"},
           {"CREATE PUBLICATION p FOR TABLE t", "other p"},
           {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x", "other default privileges"},
           {"CREATE STATISTICS s ON x, y FROM a.t", "other s, relation a.t"},
           {"DO $$ BEGIN CREATE TYPE a.e AS ENUM (); EXECUTE 'ALTER TABLE t ADD x int'; END $$",
            "relation a.e, relation t"},
       }) {
    CAPTURE(one.sql);
    CHECK(touched(one.sql) == one.touched);
  }
}

TEST_CASE("a script that only reads and writes rows touches nothing, nor one that is not understood") {
  for (const char* sql : {"SELECT * FROM t", "INSERT INTO t VALUES (1); UPDATE t SET x = 1; DELETE FROM t; TRUNCATE t",
                          "LOCK t; COPY t FROM STDIN; VACUUM t; ANALYZE t; SET x = 1", "", "no such thing"}) {
    CAPTURE(sql);
    CHECK(touched(sql).empty());
  }
}

TEST_CASE("the last migration that touched an object is found, with or without a schema's name") {
  TouchedObjects touched;
  touched.add("1",
              parse_script("CREATE SCHEMA a; CREATE TABLE a.t (); CREATE TABLE b.t (); CREATE INDEX i ON b.t ((1))"));
  touched.add("2", parse_script("ALTER TABLE a.t ADD x int; ALTER TABLE a.old RENAME TO new"));
  touched.add("3", parse_script("ALTER TABLE plain ADD x int; GRANT SELECT ON ALL TABLES IN SCHEMA c TO x"));
  const auto last = [&](ObjectGroup group, const char* schema, const char* name) {
    return touched.last_to_touch({{group, schema, name}}).value_or("-");
  };
  CHECK(last(ObjectGroup::relation, "a", "t") == "2");
  CHECK(last(ObjectGroup::relation, "b", "t") == "1");
  CHECK(last(ObjectGroup::relation, "a", "new") == "2");
  CHECK(last(ObjectGroup::relation, "any", "plain") == "3");
  CHECK(last(ObjectGroup::relation, "c", "whatever") == "3");
  CHECK(last(ObjectGroup::relation, "a", "nothing") == "-");
  CHECK(last(ObjectGroup::routine, "a", "t") == "-");
  CHECK(last(ObjectGroup::schema, "", "a") == "1");
  CHECK(touched.last_to_touch({{ObjectGroup::relation, "a", "none"}, {ObjectGroup::relation, "b", "i"}}) == "1");
}

}  // namespace
}  // namespace belay::test
