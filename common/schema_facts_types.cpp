// Types (enum, domain, composite, range), collations, casts.
#include <fmt/format.h>

#include "common/schema_queries.hpp"

namespace belay {

using namespace schema_sql;

namespace {

SchemaQuery types(int server_version) {
  // Labels by rank: the numbers behind them depend on the order in which they were added.
  const std::string labels = fmt::format(
      "CASE WHEN t.typtype = 'e' THEN coalesce((SELECT string_agg({}, ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e "
      "WHERE e.enumtypid = "
      "t.oid), '') END",
      quoted("e.enumlabel"));
  const std::string attributes_in_order = fmt::format(
      "CASE WHEN t.typtype = 'c' THEN coalesce((SELECT string_agg({}, ', ' ORDER BY a.attnum) FROM pg_attribute AS a "
      "WHERE a.attrelid = "
      "t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') END",
      quoted("a.attname"));
  std::vector<SchemaAttribute> attributes = {
      owner("t.typowner"),
      privileges("t.typacl", "T", "t.typowner"),
      comment("pg_type", "t.oid"),
      {"labels", labels},
      {"attribute order", attributes_in_order},
      {"type", "CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END"},
      {"not null", yes_where("t.typtype = 'd' AND t.typnotnull")},
      {"default", "CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END", true},
      {"collation",
       "CASE WHEN t.typtype = 'd' AND t.typcollation <> (SELECT b.typcollation FROM pg_type AS b WHERE b.oid = "
       "t.typbasetype) THEN " +
           path_of("pg_collation", "coll", "t.typcollation") + " END"},
      {"subtype", "format_type(g.rngsubtype, NULL)"},
      {"subtype collation", path_of("pg_collation", "coll", "g.rngcollation")},
      {"subtype operator class", path_of("pg_opclass", "opc", "g.rngsubopc")},
      {"canonical", function_path("g.rngcanonical")},
      {"subtype difference", function_path("g.rngsubdiff")},
  };
  if (server_version >= 140000) attributes.push_back({"multirange", "format_type(nullif(g.rngmultitypid, 0), NULL)"});
  return {"CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'composite type' END",
          "n.path || '.' || " + quoted("t.typname"),
          "pg_type AS t JOIN n ON n.oid = t.typnamespace LEFT JOIN pg_range AS g ON g.rngtypid = t.oid WHERE "
          "(t.typtype IN ('e', 'd', 'r') "
          "OR (t.typtype = 'c' AND EXISTS (SELECT FROM r WHERE r.oid = t.typrelid AND r.relkind = 'c'))) AND " +
              not_member("pg_type", "t.oid"),
          std::move(attributes)};
}

SchemaQuery domain_constraints() {
  return {"'domain constraint'",
          "n.path || '.' || " + quoted("t.typname") + " || '.' || " + quoted("c.conname"),
          "pg_constraint AS c JOIN pg_type AS t ON t.oid = c.contypid JOIN n ON n.oid = t.typnamespace WHERE c.contype "
          "= 'c' AND " +
              not_member("pg_type", "t.oid"),
          {{"definition", "pg_get_constraintdef(c.oid)", true},
           comment("pg_constraint", "c.oid"),
           {generated_name_parts, "json_build_array(c.conname, t.typname, '', 'check')::text"}}};
}

SchemaQuery collations(int server_version) {
  std::vector<SchemaAttribute> attributes = {
      owner("c.collowner"),
      comment("pg_collation", "c.oid"),
      {"provider",
       "CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE c.collprovider::text "
       "END"},
      // Not its encoding: a copy of "C" is made for every encoding, and restored for the database's own.
      {"deterministic", no_where("NOT c.collisdeterministic")},
      {"collate", "c.collcollate::text"},
      {"ctype", "c.collctype::text"},
      {"version", "c.collversion"},
  };
  if (server_version >= 170000) {
    attributes.push_back({"locale", "c.colllocale"});
  } else if (server_version >= 150000) {
    attributes.push_back({"locale", "c.colliculocale"});
  }
  if (server_version >= 160000) attributes.push_back({"rules", "c.collicurules"});
  return {"'collation'", "n.path || '.' || " + quoted("c.collname"),
          "pg_collation AS c JOIN n ON n.oid = c.collnamespace WHERE " + not_member("pg_collation", "c.oid"),
          std::move(attributes)};
}

SchemaQuery casts() {
  return {"'cast'",
          "format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL)",
          "pg_cast AS c WHERE c.oid >= 16384 AND " + not_member("pg_cast", "c.oid"),
          {{"method", "CASE c.castmethod WHEN 'f' THEN 'function ' || " + function_path("c.castfunc") +
                          " WHEN 'i' THEN 'inout' ELSE 'binary' END"},
           {"context", "CASE c.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END"},
           comment("pg_cast", "c.oid")}};
}

}  // namespace

std::vector<SchemaQuery> type_queries(int server_version) {
  return {types(server_version), domain_constraints(), collations(server_version), casts()};
}

}  // namespace belay
