// Functions, procedures, aggregates, operators.
#include <fmt/format.h>

#include "common/schema_queries.hpp"

namespace belay {

using namespace schema_sql;

namespace {

const char* const routine_path = "|| '(' || oidvectortypes(p.proargtypes) || ')'";

SchemaQuery functions() {
  const std::string prefix =
      "'CREATE OR REPLACE ' || CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || "
      "quote_ident(n.nspname) || '.' || "
      "quote_ident(p.proname)";
  return {"CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END",
          "n.path || '.' || " + quoted("p.proname") + routine_path,
          // A range type's own constructors hang on it with deptype 'i'.
          "pg_proc AS p JOIN n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p', 'w') AND " +
              not_member("pg_proc", "p.oid") +
              " AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND "
              "d.objid = p.oid AND "
              "d.deptype = 'i')",
          {{"definition", after_prefix("pg_get_functiondef(p.oid)", prefix), true},
           owner("p.proowner"),
           privileges("p.proacl", "f", "p.proowner"),
           comment("pg_proc", "p.oid")}};
}

std::string final_modify(const std::string& column) {
  return fmt::format("CASE {} WHEN 's' THEN 'shareable' WHEN 'w' THEN 'read write' END", column);
}

SchemaQuery aggregates() {
  return {"'aggregate'",
          "n.path || '.' || " + quoted("p.proname") + routine_path,
          "pg_proc AS p JOIN n ON n.oid = p.pronamespace JOIN pg_aggregate AS a ON a.aggfnoid = p.oid WHERE " +
              not_member("pg_proc", "p.oid"),
          {{"arguments", "pg_get_function_arguments(p.oid)"},
           {"returns", "pg_get_function_result(p.oid)"},
           {"aggregate kind", "CASE a.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical' END"},
           {"direct arguments", "nullif(a.aggnumdirectargs, 0)::text"},
           {"transition", function_path("a.aggtransfn")},
           {"transition type", "format_type(a.aggtranstype, NULL)"},
           {"transition space", "nullif(a.aggtransspace, 0)::text"},
           {"initial value", "a.agginitval"},
           {"final", function_path("a.aggfinalfn")},
           {"final extra arguments", yes_where("a.aggfinalextra")},
           {"final modifies", final_modify("a.aggfinalmodify")},
           {"combine", function_path("a.aggcombinefn")},
           {"serialize", function_path("a.aggserialfn")},
           {"deserialize", function_path("a.aggdeserialfn")},
           {"moving transition", function_path("a.aggmtransfn")},
           {"moving inverse", function_path("a.aggminvtransfn")},
           {"moving final", function_path("a.aggmfinalfn")},
           {"moving transition type", "format_type(nullif(a.aggmtranstype, 0), NULL)"},
           {"moving transition space", "nullif(a.aggmtransspace, 0)::text"},
           {"moving initial value", "a.aggminitval"},
           {"moving final extra arguments", yes_where("a.aggmfinalextra")},
           {"moving final modifies", final_modify("nullif(a.aggmfinalmodify, 'r')")},
           {"sort operator", "CASE WHEN a.aggsortop <> 0 THEN a.aggsortop::regoperator::text END"},
           {"parallel", "CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END"},
           {"volatility", "CASE p.provolatile WHEN 's' THEN 'stable' WHEN 'v' THEN 'volatile' END"},
           owner("p.proowner"),
           privileges("p.proacl", "f", "p.proowner"),
           comment("pg_proc", "p.oid")}};
}

SchemaQuery operators() {
  return {"'operator'",
          "n.path || '.' || " + quoted("o.oprname") +
              " || '(' || coalesce(format_type(nullif(o.oprleft, 0), NULL), 'none') || ', ' || "
              "coalesce(format_type(nullif(o.oprright, 0), "
              "NULL), 'none') || ')'",
          // Without a function it is a shell, made by naming it as another's commutator.
          "pg_operator AS o JOIN n ON n.oid = o.oprnamespace WHERE " + not_member("pg_operator", "o.oid"),
          {{"function", "CASE WHEN o.oprcode = 0 THEN 'none' ELSE " + function_path("o.oprcode") + " END"},
           {"commutator", "CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END"},
           {"negator", "CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END"},
           {"restriction estimator", function_path("o.oprrest")},
           {"join estimator", function_path("o.oprjoin")},
           {"merges", yes_where("o.oprcanmerge")},
           {"hashes", yes_where("o.oprcanhash")},
           owner("o.oprowner"),
           comment("pg_operator", "o.oid")}};
}

}  // namespace

std::vector<SchemaQuery> routine_queries(int /*server_version*/) { return {functions(), aggregates(), operators()}; }

}  // namespace belay
