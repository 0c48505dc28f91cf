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
  CHECK(keeps("uuid", "text"));
  CHECK(keeps("date", "timestamp without time zone"));
  CHECK(keeps_every_value(column("text"), column("public.kind", "public.kind", true)));
  CHECK_FALSE(keeps("bigint", "integer"));
  CHECK_FALSE(keeps("numeric(12,4)", "numeric(10,2)"));
  CHECK_FALSE(keeps("numeric", "integer"));
  CHECK_FALSE(keeps("text", "character varying(20)"));
  CHECK_FALSE(keeps("text", "jsonb"));
  CHECK_FALSE(keeps("character(5)", "text"));
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
  CHECK(changes_of("not sql") == "a script that the parser does not understand?;");
}

}  // namespace
}  // namespace belay
