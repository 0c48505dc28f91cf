#include "rollback/data_changes.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

CatalogObject column(const std::string& type, const std::string& plain = "", bool is_enum = false) {
  CatalogObject object;
  object.kind = ObjectKind::column;
  object.facts = {{"type", type}, {"plain type", plain.empty() ? type.substr(0, type.find('(')) : plain}};
  if (is_enum) object.facts["enum"] = "1";
  return object;
}

bool keeps(const std::string& from, const std::string& to) { return keeps_every_value(column(from), column(to)); }

std::string changes_of(const std::string& script) {
  std::string text;
  for (const DataChange& change : data_changes(parse_script(script), {}, {}))
    text += change.what + (change.unknown ? "?" : "") + ";";
  return text;
}

TEST_CASE("a type that holds every value of another is told from one that may not") {
  CHECK(keeps("smallint", "integer"));
  CHECK(keeps("integer", "bigint"));
  CHECK(keeps("bigint", "numeric(20,0)"));
  CHECK(keeps("numeric(10,2)", "numeric(12,4)"));
  CHECK(keeps("character varying(20)", "character varying(40)"));
  CHECK(keeps("character varying(20)", "text"));
  CHECK(keeps("character(5)", "text"));
  CHECK(keeps("text", "public.citext"));
  CHECK(keeps("uuid", "text"));
  CHECK(keeps("date", "timestamp without time zone"));
  CHECK(keeps_every_value(column("text"), column("public.kind", "public.kind", true)));
  CHECK_FALSE(keeps("bigint", "integer"));
  CHECK_FALSE(keeps("numeric(12,4)", "numeric(10,2)"));
  CHECK_FALSE(keeps("numeric", "integer"));
  CHECK_FALSE(keeps("text", "character varying(20)"));
  CHECK_FALSE(keeps("text", "jsonb"));
  CHECK_FALSE(keeps("character(5)", "character varying(4)"));
  CHECK_FALSE(keeps_every_value(column("bpchar", "character"), column("text")));
  CHECK_FALSE(keeps("timestamp(3) without time zone", "timestamp(3) with time zone"));
  CHECK_FALSE(keeps("timestamp without time zone", "date"));
  CHECK_FALSE(keeps("bigint", "double precision"));
}

TEST_CASE("statements that change rows are found wherever they stand") {
  CHECK(changes_of("CREATE TABLE t (id integer); CREATE INDEX ON t (lower(a)); COMMENT ON TABLE t IS 'x'").empty());
  CHECK(changes_of("CREATE VIEW v AS SELECT count(*) FROM t; GRANT SELECT ON v TO PUBLIC").empty());
  CHECK(changes_of("CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM u").empty());
  CHECK(changes_of("UPDATE a.t SET x = 1") == "UPDATE a.t;");
  CHECK(changes_of("DO $$ BEGIN INSERT INTO t VALUES (1); END $$") == "INSERT t;");
  CHECK(changes_of("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x") == "DELETE t;");
  CHECK(changes_of("TRUNCATE t") == "TRUNCATE;");
  CHECK(changes_of("CALL p()") == "CALL of a procedure?;");
  CHECK(changes_of("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING 1'; SELECT f()") ==
        "calls f?;");
  CHECK(changes_of("SELECT lo_unlink(1)") == "calls lo_unlink;");
  CHECK(changes_of("ALTER TABLE t ALTER a TYPE text USING upper(a)") == "computes t.a anew (USING);");
  CHECK(changes_of("ALTER TABLE t ALTER a TYPE kind USING (a::text::kind)").empty());
  CHECK(changes_of("ALTER TABLE t ALTER a TYPE timestamptz USING a AT TIME ZONE 'UTC'").empty());
  CHECK(changes_of("ALTER TABLE t ALTER a TYPE timestamptz USING a AT TIME ZONE 'Europe/Berlin'") ==
        "computes t.a anew (USING);");
  CHECK(changes_of("not sql") == "a script that the parser does not understand?;");
}

TEST_CASE("SQL that a block puts together of constants and quoted names is read as what it is") {
  const auto executing = [](const std::string& expression) {
    return changes_of("DO $$ DECLARE t text; BEGIN EXECUTE " + expression + "; END $$");
  };
  const std::string unknown = "EXECUTE of SQL that is known only when it runs?;";
  CHECK(executing("format('ALTER TABLE %I ADD COLUMN x text DEFAULT %L', t, 'a')").empty());
  CHECK(executing("'CREATE INDEX ON ' || quote_ident(t) || ' (id)'").empty());
  CHECK(executing("format('UPDATE %I.%I SET a = 1', t, t)") == "UPDATE %I.%I;");
  CHECK(executing("'DELETE FROM ' || quote_ident(t)") == "DELETE %I;");
  CHECK(executing("format('ALTER TABLE %s ADD x text', t)") == unknown);
  CHECK(executing("format('ALTER TABLE t_%I ADD x text', t)") == unknown);
  CHECK(executing("'ALTER TABLE ' || t || ' ADD x text'") == unknown);
  CHECK(executing("'ALTER TABLE t_' || quote_ident(t) || ' ADD x text'") == unknown);
}

TEST_CASE("rows of a table that the script itself made do not count, whatever was called so before") {
  CatalogState before, after;
  CatalogObject table;
  table.kind = ObjectKind::table;
  table.schema = "public";
  table.name = "t";
  table.facts = {{"row triggers", "0"}};
  table.id = {"pg_class", 1, 0};
  before.objects.emplace(table.id, table);
  table.id.oid = 2;
  after.objects.emplace(table.id, table);
  const auto changes = [&](const std::string& script) {
    return data_changes(parse_script(script), before, after).size();
  };
  CHECK(changes("DROP TABLE t; CREATE TABLE t (id integer); INSERT INTO t VALUES (1)") == 0);
  CHECK(changes("INSERT INTO t VALUES (1); DROP TABLE t; CREATE TABLE t (id integer)") == 1);
  CHECK(changes("DROP TABLE t; CREATE TABLE IF NOT EXISTS t (id integer); INSERT INTO t VALUES (1)") == 1);
  CHECK(changes("CREATE TABLE t (id integer); SET search_path = x; INSERT INTO t VALUES (1)") == 1);
  CHECK(changes("CREATE TABLE s.t (id integer); INSERT INTO t VALUES (1)") == 1);
}

}  // namespace
}  // namespace belay
