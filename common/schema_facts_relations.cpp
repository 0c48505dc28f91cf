// Schemas, and everything in pg_class that has columns or numbers: tables, views, foreign tables, their columns,
// sequences.
#include <fmt/format.h>

#include "common/schema_queries.hpp"

namespace belay {

using namespace schema_sql;

namespace {

SchemaQuery schemas() {
  return {"'schema'",
          "n.path",
          "n WHERE " + not_member("pg_namespace", "n.oid"),
          {owner("n.nspowner"), privileges("n.nspacl", "n", "n.nspowner"), comment("pg_namespace", "n.oid")}};
}

std::string parents() {
  return fmt::format(
      "(SELECT string_agg({} || '.' || {}, ', ' ORDER BY h.inhseqno) FROM pg_inherits AS h JOIN pg_class AS pc ON "
      "pc.oid = "
      "h.inhparent JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace WHERE h.inhrelid = r.oid)",
      quoted("pn.nspname"), quoted("pc.relname"));
}

std::string replica_identity() {
  return fmt::format(
      "CASE CASE WHEN r.relkind IN ('r', 'p', 'm') THEN r.relreplident END WHEN 'n' THEN 'nothing' WHEN 'f' THEN "
      "'full' WHEN 'i' THEN 'index ' || coalesce((SELECT {} "
      "FROM "
      "pg_index AS ri JOIN pg_class AS rc ON rc.oid = ri.indexrelid WHERE ri.indrelid = r.oid AND ri.indisreplident), "
      "'(dropped)') END",
      quoted("rc.relname"));
}

std::string column_order() {
  return fmt::format(
      "CASE WHEN r.relkind <> 'v' THEN (SELECT string_agg({}, ', ' ORDER BY oa.attnum) FROM pg_attribute AS oa WHERE "
      "oa.attrelid = "
      "r.oid AND oa.attnum > 0 AND NOT oa.attisdropped) END",
      quoted("oa.attname"));
}

SchemaQuery tables(int server_version) {
  std::vector<SchemaAttribute> attributes = {
      owner("r.relowner"),
      privileges("r.relacl", "r", "r.relowner"),
      comment("pg_class", "r.oid"),
      {"definition", "CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END", true},
      {"populated", no_where("r.relkind = 'm' AND NOT r.relispopulated")},
      {"partitioned by", "CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid) END", true},
      {"parents", "CASE WHEN r.relkind IN ('r', 'p', 'f') THEN " + parents() + " END"},
      {"partition bound", "CASE WHEN r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END"},
      {"persistence", "CASE r.relpersistence WHEN 'u' THEN 'unlogged' END"},
      {"access method",
       "(SELECT " + quoted("am.amname") + " FROM pg_am AS am WHERE am.oid = r.relam AND am.amname <> 'heap')"},
      tablespace("r.reltablespace"),
      {"options", sorted_list("r.reloptions")},
      {"toast options",
       "(SELECT " + sorted_list("tc.reloptions") + " FROM pg_class AS tc WHERE tc.oid = r.reltoastrelid)"},
      {"row security", yes_where("r.relrowsecurity")},
      {"row security forced", yes_where("r.relforcerowsecurity")},
      {"replica identity", replica_identity()},
      {"of type", "CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END"},
      {"server", "(SELECT " + quoted("fs.srvname") +
                     " FROM pg_foreign_table AS ft JOIN pg_foreign_server AS fs ON fs.oid = ft.ftserver WHERE "
                     "ft.ftrelid = r.oid)"},
      {"column order", column_order()},
  };
  if (server_version >= 140000) {
    attributes.push_back(
        {"detach pending",
         yes_where("EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = r.oid AND h.inhdetachpending)")});
  }
  return {
      "CASE r.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE "
      "'table' END",
      "r.path", "r WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f')", std::move(attributes)};
}

SchemaQuery columns(int server_version) {
  std::vector<SchemaAttribute> attributes = {
      {"type", "format_type(a.atttypid, a.atttypmod)"},
      {"not null", yes_where("a.attnotnull")},
      {"default", "CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END", true},
      {"generated", "CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END", true},
      {"generated kind", "CASE WHEN a.attgenerated = 'v' THEN 'virtual' END"},
      {"identity", "CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END"},
      {"collation",
       "CASE WHEN a.attcollation <> t.typcollation THEN " + path_of("pg_collation", "coll", "a.attcollation") + " END"},
      {"storage",
       "CASE WHEN a.attstorage <> t.typstorage AND r.relkind IN ('r', 'p', 'm', 'f') THEN CASE a.attstorage WHEN 'p' "
       "THEN "
       "'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END"},
      {"statistics target", "CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END"},
      // pg_attver is the server's own mark, where such servers set it: the WAL position at which the column was
      // defined. Nobody can set it, pg_dump leaves it out, and it is another one after every restore.
      {"options", sorted_list("ARRAY(SELECT ao FROM unnest(a.attoptions) AS ao WHERE ao NOT LIKE 'pg\\_attver=%')")},
      // Options of foreign data wrappers may hold secrets: only their digest is kept.
      {"foreign options", "CASE WHEN a.attfdwoptions IS NOT NULL THEN 'sha256:' || encode(sha256(convert_to(" +
                              sorted_list("a.attfdwoptions") + ", 'UTF8')), 'hex') END"},
      {"inherited",
       "CASE WHEN a.attinhcount > 0 THEN 'from ' || a.attinhcount || CASE WHEN a.attislocal THEN ', and its own' ELSE "
       "'' "
       "END END"},
      privileges("a.attacl", "c", "r.relowner"),
      comment("pg_class", "r.oid", "a.attnum"),
  };
  if (server_version >= 140000) {
    attributes.push_back({"compression", "CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END"});
  }
  return {"CASE r.relkind WHEN 'c' THEN 'attribute' ELSE 'column' END", "r.path || '.' || " + quoted("a.attname"),
          "r JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type AS t ON "
          "t.oid = a.atttypid "
          "LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE r.relkind IN ('r', 'p', "
          "'v', 'm', 'f', 'c')",
          std::move(attributes)};
}

/// A sequence's parameters; its position is content, not schema.
SchemaQuery sequences() {
  const std::string owned_by =
      fmt::format("CASE o.deptype WHEN 'i' THEN 'identity of ' WHEN 'a' THEN '' END || {} || '.' || {} || '.' || {}",
                  quoted("os.nspname"), quoted("oc.relname"), quoted("oa.attname"));
  return {
      "'sequence'",
      "r.path",
      "r JOIN pg_sequence AS q ON q.seqrelid = r.oid LEFT JOIN (pg_depend AS o JOIN pg_class AS oc ON oc.oid = "
      "o.refobjid JOIN "
      "pg_namespace AS os ON os.oid = oc.relnamespace JOIN pg_attribute AS oa ON oa.attrelid = oc.oid AND oa.attnum = "
      "o.refobjsubid) ON o.classid = 'pg_catalog.pg_class'::regclass AND o.objid = r.oid AND o.objsubid = 0 AND "
      "o.refclassid = "
      "'pg_catalog.pg_class'::regclass AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')",
      {owner("r.relowner"),
       privileges("r.relacl", "s", "r.relowner"),
       comment("pg_class", "r.oid"),
       {"type", "format_type(q.seqtypid, NULL)"},
       {"start", "q.seqstart::text"},
       {"increment", "nullif(q.seqincrement, 1)::text"},
       {"minimum", "q.seqmin::text"},
       {"maximum", "q.seqmax::text"},
       {"cache", "nullif(q.seqcache, 1)::text"},
       {"cycle", yes_where("q.seqcycle")},
       {"persistence", "CASE r.relpersistence WHEN 'u' THEN 'unlogged' END"},
       {"owned by", owned_by},
       {generated_name_parts,
        "CASE WHEN o.deptype IS NOT NULL THEN json_build_array(r.relname, oc.relname, oa.attname, 'seq')::text END"}}};
}

SchemaQuery foreign_table_options() {
  return {
      "'foreign table option'",
      "r.path || '.' || " + quoted("o.option_name"),
      "r JOIN pg_foreign_table AS ft ON ft.ftrelid = r.oid CROSS JOIN LATERAL pg_options_to_table(ft.ftoptions) AS o",
      {{"value",
        "'sha256:' || encode(sha256(convert_to(r.path || o.option_name || '=' || o.option_value, 'UTF8')), 'hex')"}}};
}

}  // namespace

std::vector<SchemaQuery> relation_queries(int server_version) {
  return {schemas(), tables(server_version), columns(server_version), sequences(), foreign_table_options()};
}

}  // namespace belay
