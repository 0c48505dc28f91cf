// Pairs of texts as PostgreSQL 15 printed them before and after a dump and restore, and pairs that mean different
// things.
#include "common/expression_equal.hpp"

#include <vector>

#include "tests/support/catch.hpp"

namespace belay {
namespace {

struct Pair {
  std::string a, b;
};

const std::string varchars = "(ARRAY['a'::character varying, 'b'::character varying])::text[]";
const std::string texts = "ARRAY[('a'::character varying)::text, ('b'::character varying)::text]";

/// The same text around both forms of a list.
Pair around(const std::string& before, const std::string& after) {
  return {before + varchars + after, before + texts + after};
}

TEST_CASE("a list of varchars is the same however its casts are printed, wherever it stands") {
  const std::vector<Pair> same{
      around("CHECK (((v)::text = ANY (", ")))"),
      around("CHECK (((VALUE)::text <> ALL (", "))) NOT VALID"),
      around("EXCLUDE USING gist (k WITH =) WHERE (((v)::text = ANY (", "))) DEFERRABLE INITIALLY DEFERRED"),
      around("\nCASE\n    WHEN ((CURRENT_USER)::text = ANY (", ")) THEN 'x'::text\n    ELSE NULL::text\nEND"),
      around("((v)::text = ANY (", "))"),
      around("btree (lower((v)::text) text_pattern_ops DESC) INCLUDE (b) WHERE ((v)::text = ANY (", "))"),
      around("btree ((((v)::text = ANY (", "))), k)"),
      around(" SELECT t.id,\n    ((t.v)::text = ANY (", ")) AS x\n   FROM t;"),
      around(" WITH x AS (\n SELECT v FROM t WHERE ((v)::text <> ALL (", "))\n )\n SELECT x.v FROM x;"),
      around("\n   WHERE ((new.v)::text = ANY (", ")) DO INSTEAD NOTHING;"),
      around(" DO ( UPDATE t SET v = 'x' WHERE ((t.v)::text = ANY (", "));\n DELETE FROM t;\n);"),
      around("FOR EACH ROW WHEN (((new.v)::text = ANY (", "))) EXECUTE FUNCTION tf('a', 'it''s')"),
      around("DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.v)::text = ANY (", "))) EXECUTE FUNCTION tf()"),
      around("(t character varying)\n RETURNS boolean\n LANGUAGE sql\nBEGIN ATOMIC\n SELECT ((t)::text = ANY (",
             "));\nEND\n"),
      around("(t text DEFAULT CASE WHEN ('p'::text = ANY (",
             ")) THEN 'x'::text ELSE 'y'::text END)\n RETURNS text\n"
             " LANGUAGE sql\nAS $function$SELECT t$function$\n"),
      around(
          "(IN a character varying)\n LANGUAGE sql\nBEGIN ATOMIC\n UPDATE t SET v = p.a\n   WHERE ((t.v)::text = ANY (",
          "));\nEND\n"),
      around("ON (v::text = ANY (", ")), lower(note)"),
      around("LIST ((((v)::text = ANY (", "))))"),
  };
  for (const Pair& pair : same) {
    CAPTURE(pair.a, pair.b);
    CHECK(same_expression(pair.a, pair.b));
    CHECK(same_expression(pair.b, pair.a));
  }
}

TEST_CASE("what else a restore prints differently is the same too") {
  const std::vector<Pair> same{
      {"(((id = ANY (ARRAY[1, 2])) OR (id = b)) OR (id = s))", "((id = ANY (ARRAY[1, 2])) OR (id = b) OR (id = s))"},
      {"CHECK ((((a >= 1) AND (a <= 5)) AND (b > 3)))", "CHECK (((a >= 1) AND (a <= 5) AND (b > 3)))"},
      {"((v)::text = ANY ((ARRAY['a'::character varying, NULL::character varying])::text[]))",
       "((v)::text = ANY (ARRAY[('a'::character varying)::text, (NULL::character varying)::text]))"},
      {"((v)::text = ANY ((ARRAY['a'::character varying(2), x])::text[]))",
       "((v)::text = ANY (ARRAY[('a'::character varying(2))::text, (x)::text]))"},
      {"((ARRAY[ARRAY['a'::character varying], ARRAY['b'::character varying]])::text[])",
       "ARRAY[ARRAY[('a'::character varying)::text], ARRAY[('b'::character varying)::text]]"},
      {"((dv)::text = ANY ((ARRAY[('a'::character varying)::public.dv])::text[]))",
       "((dv)::text = ANY (ARRAY[(('a'::character varying)::public.dv)::text]))"},
      {" DO  UPDATE t SET (v, x) = ( SELECT 'a'::text,\n            'b'::text);",
       " DO  UPDATE t SET (v, x) = ( SELECT 'a'::text AS text,\n            'b'::text AS text);"},
  };
  for (const Pair& pair : same) {
    CAPTURE(pair.a, pair.b);
    CHECK(same_expression(pair.a, pair.b));
  }
}

TEST_CASE("expressions that mean different things are never the same") {
  const std::vector<Pair> different{
      {"'a'::text", "'b'::text"},
      {"'a'::text", "'a'::character varying"},
      {"(a OR (b AND c))", "((a OR b) AND c)"},
      {"((v)::text = ANY (" + varchars + "))", "((v)::text <> ALL (" + texts + "))"},
      {"((v)::text = ANY (" + varchars + "))",
       "((v)::text = ANY (ARRAY[('b'::character varying)::text, ('a'::character varying)::text]))"},
      {"((ARRAY['a'::character varying])::text[])", "ARRAY[('a'::character varying)::character(1)]"},
      {"((ARRAY['a'::character varying])::character varying(1)[])",
       "ARRAY[('a'::character varying)::character varying(2)]"},
      {"ARRAY[]::text[]", "ARRAY[]::integer[]"},
      {"('abc'::character(2))::text", "'abc'::text"},
      {"(a - (b - c))", "((a - b) - c)"},
      {"(-5)", "(-6)"},  // the parser's own output shows both as 0
      {"(-5)", "0"},
      {"(x)::numeric(3,-2)", "(x)::numeric(3,-3)"},
      {"CHECK ((a > 0))", "CHECK ((a > 0)) NOT VALID"},
      {"CHECK ((a > 0))", "CHECK ((a > 0)) NO INHERIT"},
      {"btree (a)", "btree (a DESC)"},
      {"btree (a)", "hash (a)"},
      {"btree (a) WHERE (b > 1)", "btree (a)"},
      {" SELECT 'a'::text AS text;", " SELECT 'a'::text AS other;"},
      {" SELECT t.a FROM t;", " SELECT t.a FROM ONLY t;"},
      {" SELECT t.a FROM t;", " SELECT DISTINCT t.a FROM t;"},
      {" DO  UPDATE t SET v = 'a'::text;", " DO  UPDATE t SET w = 'a'::text;"},
      {"FOR EACH ROW EXECUTE FUNCTION f('a')", "FOR EACH ROW EXECUTE FUNCTION f('b')"},
      {"FOR EACH ROW EXECUTE FUNCTION f()", "FOR EACH STATEMENT EXECUTE FUNCTION f()"},
      {"()\n RETURNS integer\n LANGUAGE plpgsql\nAS $function$BEGIN RETURN 1; END$function$",
       "()\n RETURNS integer\n LANGUAGE plpgsql\nAS $function$BEGIN RETURN  1; END$function$"},
      {"()\n RETURNS integer\n LANGUAGE sql\n STABLE\nRETURN 1", "()\n RETURNS integer\n LANGUAGE sql\nRETURN 1"},
      {"LIST (a)", "RANGE (a)"},
  };
  for (const Pair& pair : different) {
    CAPTURE(pair.a, pair.b);
    CHECK_FALSE(same_expression(pair.a, pair.b));
    CHECK(same_expression(pair.a, pair.a));
    CHECK(same_expression(pair.b, pair.b));
  }
}

TEST_CASE("text that is no SQL, or is more than one expression, is the same only as itself") {
  const std::string nested(50000, '(');
  const std::vector<Pair> different{
      {"not SQL at all", "not  SQL at all"},
      {"1); DROP TABLE t; SELECT (1", "1); DROP TABLE t; SELECT  (1"},
      {std::string("a\0b", 3), std::string("a\0c", 3)},
      {"", "1"},
      {nested + "1" + std::string(50000, ')'), "1"},
      {"\xff\xfe", "\xff"},
  };
  for (const Pair& pair : different) {
    CHECK_FALSE(same_expression(pair.a, pair.b));
    CHECK(same_expression(pair.a, pair.a));
  }
}

}  // namespace
}  // namespace belay
