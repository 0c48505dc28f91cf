#include "rollback/catalog_queries.hpp"

#include <fmt/format.h>

#include "common/schema_queries.hpp"

namespace belay {

using schema_sql::not_member;

namespace {

/// Facts that owned objects share. `letter` as for acldefault.
std::string rights(const std::string& letter, const std::string& owner, const std::string& acl) {
  return fmt::format(
      "'owner', quote_ident(pg_get_userbyid({1})), 'privileges', (SELECT json_agg(json_build_array(CASE g.grantee WHEN "
      "0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, g.privilege_type, g.is_grantable) ORDER BY "
      "g.grantee, g.privilege_type, g.is_grantable)::text FROM aclexplode(coalesce({2}, acldefault('{0}', {1}))) AS "
      "g), 'own privileges', CASE WHEN {2} IS NOT NULL THEN 'yes' END",
      letter, owner, acl);
}

std::string comment_fact(const std::string& catalog, const std::string& oid, const std::string& sub = "0") {
  return fmt::format(
      "'comment', (SELECT cm.description FROM pg_description AS cm WHERE cm.objoid = {} AND cm.classoid = "
      "'pg_catalog.{}'::regclass AND cm.objsubid = {})",
      oid, catalog, sub);
}

struct Shape {
  std::string catalog, oid, sub, schema, name, parent, facts, from;
};

std::string select(const Shape& s) {
  return fmt::format(
      "SELECT '{}' AS catalog, {} AS oid, {} AS sub, {} AS schema, {} AS name, {} AS parent_oid, "
      "json_strip_nulls(json_build_object({}))::text AS facts FROM {}",
      s.catalog, s.oid, s.sub, s.schema, s.name, s.parent, s.facts, s.from);
}

std::string schemas() {
  return select({"pg_namespace", "n.oid", "0", "NULL::text", "n.nspname", "NULL::oid",
                 rights("n", "n.nspowner", "n.nspacl") + ", " + comment_fact("pg_namespace", "n.oid"),
                 "n WHERE " + not_member("pg_namespace", "n.oid")});
}

std::string extensions() {
  return select({"pg_extension", "e.oid", "0", "NULL::text", "e.extname", "NULL::oid",
                 "'version', e.extversion, 'in schema', (SELECT quote_ident(s.nspname) FROM pg_namespace AS s WHERE "
                 "s.oid = e.extnamespace), " +
                     comment_fact("pg_extension", "e.oid"),
                 "pg_extension AS e WHERE e.extname <> 'plpgsql'"});
}

std::string type_shape(const std::string& facts, const std::string& condition) {
  return select(
      {"pg_type", "t.oid", "0", "n.nspname", "t.typname", "NULL::oid",
       facts + ", " + rights("T", "t.typowner", "t.typacl") + ", " + comment_fact("pg_type", "t.oid"),
       "pg_type AS t JOIN n ON n.oid = t.typnamespace WHERE " + condition + " AND " + not_member("pg_type", "t.oid")});
}

std::string enums() {
  return type_shape(
      "'labels', (SELECT json_agg(json_build_array(e.oid::text, e.enumlabel) ORDER BY e.enumsortorder)::text FROM "
      "pg_enum AS e WHERE e.enumtypid = t.oid)",
      "t.typtype = 'e'");
}

std::string domains() {
  return type_shape(
      "'type', format_type(t.typbasetype, t.typtypmod), 'not null', CASE WHEN t.typnotnull THEN 'yes' END, 'default', "
      "pg_get_expr(t.typdefaultbin, 0), 'collation', (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.collname) "
      "FROM pg_collation AS c JOIN pg_namespace AS cn ON cn.oid = c.collnamespace WHERE c.oid = t.typcollation AND "
      "t.typcollation <> (SELECT b.typcollation FROM pg_type AS b WHERE b.oid = t.typbasetype)), 'constraints', "
      "(SELECT json_agg(json_build_array(c.conname, pg_get_constraintdef(c.oid)) ORDER BY c.conname)::text FROM "
      "pg_constraint AS c WHERE c.contypid = t.oid AND c.contype = 'c')",
      "t.typtype = 'd'");
}

std::string composites() {
  return type_shape(
      "'attributes', (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), "
      "a.attnum) ORDER BY a.attnum)::text FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND "
      "NOT a.attisdropped)",
      "t.typtype = 'c' AND EXISTS (SELECT FROM r WHERE r.oid = t.typrelid AND r.relkind = 'c')");
}

/// The parameters of a sequence as CREATE SEQUENCE and GENERATED … AS IDENTITY take them.
std::string sequence_options() {
  return "'START WITH ' || q.seqstart || ' INCREMENT BY ' || q.seqincrement || ' MINVALUE ' || q.seqmin || ' MAXVALUE "
         "' || q.seqmax || ' CACHE ' || q.seqcache || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END";
}

/// An identity column's sequence is part of its column.
std::string sequences() {
  return select(
      {"pg_class", "r.oid", "0", "r.nspname", "r.relname", "NULL::oid",
       "'type', format_type(q.seqtypid, NULL), 'options', " + sequence_options() +
           ", 'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END, 'owned by', (SELECT d.refobjid::text "
           "|| '.' || d.refobjsubid FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND "
           "d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0), " +
           rights("s", "r.relowner", "r.relacl") + ", " + comment_fact("pg_class", "r.oid"),
       "r JOIN pg_sequence AS q ON q.seqrelid = r.oid WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = "
       "'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i')"});
}

std::string functions() {
  return select(
      {"pg_proc", "p.oid", "0", "n.nspname", "p.proname", "NULL::oid",
       "'arguments', pg_get_function_identity_arguments(p.oid), 'types', oidvectortypes(p.proargtypes), 'definition', "
       "CASE WHEN p.prokind <> 'a' THEN "
       "pg_get_functiondef(p.oid) END, 'word', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE "
       "'FUNCTION' END, 'signature', concat_ws(' ', pg_get_function_arguments(p.oid), "
       "pg_get_function_result(p.oid)), " +
           rights("f", "p.proowner", "p.proacl") + ", " + comment_fact("pg_proc", "p.oid"),
       "pg_proc AS p JOIN n ON n.oid = p.pronamespace WHERE " + not_member("pg_proc", "p.oid")});
}

std::string option_list(const std::string& array) {
  return fmt::format(
      "(SELECT string_agg(quote_ident(o.option_name) || '=' || quote_literal(o.option_value), ', ' ORDER BY "
      "o.option_name) FROM pg_options_to_table({}) AS o)",
      array);
}

std::string tables() {
  return select(
      {"pg_class", "r.oid", "0", "r.nspname", "r.relname", "NULL::oid",
       "'foreign', CASE WHEN r.relkind = 'f' THEN 'yes' END, 'partitioned by', CASE WHEN r.relkind = 'p' THEN "
       "pg_get_partkeydef(r.oid) END, 'parents', (SELECT string_agg(h.inhparent::text, ',' ORDER BY h.inhseqno) FROM "
       "pg_inherits AS h WHERE h.inhrelid = r.oid), 'bound', CASE WHEN r.relispartition THEN "
       "pg_get_expr(r.relpartbound, r.oid) END, 'unlogged', CASE r.relpersistence WHEN 'u' THEN 'yes' END, "
       "'options', " +
           option_list("r.reloptions") +
           ", 'row security', CASE WHEN r.relrowsecurity THEN 'yes' END, 'forced row security', CASE WHEN "
           "r.relforcerowsecurity THEN 'yes' END, 'replica identity', CASE r.relreplident WHEN 'n' THEN 'NOTHING' WHEN "
           "'f' THEN 'FULL' WHEN 'i' THEN 'USING INDEX ' || (SELECT quote_ident(x.relname) FROM pg_index AS i JOIN "
           "pg_class AS x ON x.oid = i.indexrelid WHERE i.indrelid = r.oid AND i.indisreplident) END, 'tablespace', "
           "(SELECT quote_ident(ts.spcname) FROM pg_tablespace AS ts WHERE ts.oid = r.reltablespace), 'access method', "
           "(SELECT quote_ident(am.amname) FROM pg_am AS am WHERE am.oid = r.relam AND am.amname <> 'heap'), 'of "
           "type', "
           "CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END, 'row triggers', (SELECT count(*) FROM "
           "pg_trigger AS t WHERE t.tgrelid = r.oid AND NOT t.tgisinternal)::text, " +
           rights("r", "r.relowner", "r.relacl") + ", " + comment_fact("pg_class", "r.oid"),
       "r WHERE r.relkind IN ('r', 'p', 'f')"});
}

/// A fact about the sequence of an identity column; `fact` over q, sc and sn.
std::string of_identity(const std::string& fact) {
  return fmt::format(
      "(SELECT {} FROM pg_depend AS d JOIN pg_sequence AS q ON q.seqrelid = d.objid JOIN pg_class AS sc ON sc.oid = "
      "d.objid JOIN pg_namespace AS sn ON sn.oid = sc.relnamespace WHERE d.classid = 'pg_class'::regclass AND "
      "d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.refobjsubid = a.attnum AND d.deptype = 'i')",
      fact);
}

std::string identity() {
  return "CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END, 'identity schema', " +
         of_identity("sn.nspname::text") + ", 'identity name', " + of_identity("sc.relname::text") +
         ", 'identity options', " + of_identity(sequence_options());
}

std::string columns(int server_version) {
  const std::string compression =
      server_version >= 140000 ? "CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END" : "NULL";
  return select(
      {"pg_class", "r.oid", "a.attnum", "r.nspname", "a.attname", "r.oid",
       "'type', format_type(a.atttypid, a.atttypmod), 'plain type', format_type(a.atttypid, NULL), 'type oid', "
       "a.atttypid::text, 'composite', CASE t.typtype WHEN 'c' THEN t.oid::text END, 'category', t.typcategory, "
       "'enum', (SELECT e.oid::text FROM pg_type AS e WHERE e.oid IN (t.oid, t.typelem) AND e.typtype = "
       "'e'), 'array', CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'yes' END, 'not null', CASE WHEN a.attnotnull "
       "THEN 'yes' END, 'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END, "
       "'generated', "
       "CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, 'identity', " +
           identity() +
           ", 'collation', (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.collname) FROM pg_collation AS c "
           "JOIN pg_namespace AS cn ON cn.oid = c.collnamespace WHERE c.oid = a.attcollation AND a.attcollation <> "
           "t.typcollation), 'storage', CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN "
           "'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END, 'type storage', CASE "
           "t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END, "
           "'compression', " +
           compression + ", 'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END, 'options', " +
           option_list(
               // pg_attver is the mark of a server that keeps the WAL position of a column's last change there.
               "ARRAY(SELECT ao FROM unnest(a.attoptions) AS ao WHERE ao NOT LIKE 'pg\\_attver=%')") +
           ", 'inherited', CASE WHEN a.attinhcount > 0 THEN 'yes' END, 'local', CASE WHEN a.attislocal THEN 'yes' "
           "END, " +
           rights("c", "r.relowner", "a.attacl") + ", " + comment_fact("pg_class", "r.oid", "a.attnum"),
       "r JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type AS t ON "
       "t.oid = a.atttypid LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE r.relkind IN "
       "('r', 'p', 'f')"});
}

std::string constraints() {
  return select(
      {"pg_constraint", "c.oid", "0", "r.nspname", "c.conname", "r.oid",
       "'definition', pg_get_constraintdef(c.oid), 'type', c.contype, 'columns', array_to_string(c.conkey, ','), "
       "'references', nullif(c.confrelid, 0)::text, 'referenced columns', array_to_string(c.confkey, ','), 'check', "
       "pg_get_expr(c.conbin, c.conrelid), 'inherited', CASE WHEN c.coninhcount > 0 OR c.conparentid <> 0 "
       "THEN "
       "'yes' END, 'clustered', (SELECT 'yes' FROM pg_index AS i WHERE i.indexrelid = c.conindid AND i.indisclustered "
       "AND c.contype IN ('p', 'u', 'x')), 'index name', CASE WHEN c.contype IN ('p', 'u', 'x') THEN (SELECT x.relname "
       "FROM pg_class AS x WHERE x.oid = c.conindid) END, " +
           comment_fact("pg_constraint", "c.oid"),
       "r JOIN pg_constraint AS c ON c.conrelid = r.oid WHERE c.contype IN ('c', 'f', 'p', 'u', 'x')"});
}

std::string indexes() {
  // Of a partitioned table's index the definition says ONLY, which would leave it without its parts, and invalid.
  const std::string definition =
      "CASE x.relkind WHEN 'I' THEN regexp_replace(pg_get_indexdef(x.oid), ' ON ONLY ', ' ON ') ELSE "
      "pg_get_indexdef(x.oid) END";
  return select(
      {"pg_class", "x.oid", "0", "r.nspname", "x.relname", "r.oid",
       "'definition', " + definition +
           ", 'columns', array_to_string(i.indkey::int2[], ','), 'of columns', CASE WHEN i.indexprs IS NULL AND "
           "i.indpred IS NULL THEN 'yes' END, 'unique', CASE WHEN i.indisunique THEN 'yes' END, 'inherited', CASE WHEN "
           "x.relispartition THEN 'yes' "
           "END, 'clustered', CASE WHEN i.indisclustered THEN 'yes' END, 'tablespace', (SELECT "
           "quote_ident(ts.spcname) FROM pg_tablespace AS ts WHERE ts.oid = x.reltablespace), " +
           comment_fact("pg_class", "x.oid"),
       "pg_index AS i JOIN r ON r.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid WHERE NOT EXISTS (SELECT "
       "FROM pg_constraint AS c WHERE c.conindid = x.oid AND c.conrelid = r.oid AND c.contype IN ('p', 'u', 'x'))"});
}

std::string views(const std::string& relkind) {
  return select(
      {"pg_class", "r.oid", "0", "r.nspname", "r.relname", "NULL::oid",
       "'definition', pg_get_viewdef(r.oid), 'columns', (SELECT json_agg(json_build_array(a.attname, "
       "format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)::text FROM pg_attribute AS a WHERE a.attrelid = r.oid "
       "AND a.attnum > 0), 'options', " +
           option_list("r.reloptions") + ", 'unpopulated', CASE WHEN NOT r.relispopulated THEN 'yes' END, " +
           rights("r", "r.relowner", "r.relacl") + ", " + comment_fact("pg_class", "r.oid"),
       "r WHERE r.relkind = '" + relkind + "'"});
}

std::string rules() {
  return select({"pg_rewrite", "w.oid", "0", "r.nspname", "w.rulename", "r.oid",
                 "'definition', pg_get_ruledef(w.oid), 'enabled', nullif(w.ev_enabled, 'O'), " +
                     comment_fact("pg_rewrite", "w.oid"),
                 "r JOIN pg_rewrite AS w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'"});
}

std::string triggers(int server_version) {
  return select({"pg_trigger", "t.oid", "0", "r.nspname", "t.tgname", "r.oid",
                 "'definition', pg_get_triggerdef(t.oid), 'enabled', nullif(t.tgenabled, 'O'), " +
                     comment_fact("pg_trigger", "t.oid"),
                 std::string("r JOIN pg_trigger AS t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal") +
                     (server_version >= 130000 ? " AND t.tgparentid = 0" : "")});
}

std::string policies() {
  return select(
      {"pg_policy", "p.oid", "0", "r.nspname", "p.polname", "r.oid",
       "'definition', 'AS ' || CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END || ' FOR ' || CASE "
       "p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE "
       "'ALL' END || ' TO ' || (SELECT string_agg(CASE ro WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(ro)) "
       "END, ', ' ORDER BY ro) FROM unnest(p.polroles) AS ro) || coalesce(' USING (' || pg_get_expr(p.polqual, "
       "p.polrelid) || ')', '') || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''), " +
           comment_fact("pg_policy", "p.oid"),
       "r JOIN pg_policy AS p ON p.polrelid = r.oid"});
}

std::string statistics() {
  return select(
      {"pg_statistic_ext", "s.oid", "0", "n.nspname", "s.stxname", "NULL::oid",
       "'definition', pg_get_statisticsobjdef(s.oid), 'owner', quote_ident(pg_get_userbyid(s.stxowner)), "
       "'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END, " +
           comment_fact("pg_statistic_ext", "s.oid"),
       "pg_statistic_ext AS s JOIN n ON n.oid = s.stxnamespace WHERE " + not_member("pg_statistic_ext", "s.oid")});
}

/// One side of pg_depend in terms of a state's objects.
std::string side(const std::string& p) {
  return fmt::format(
      "CASE WHEN {0}w.oid IS NOT NULL AND {0}w.rulename = '_RETURN' THEN 'pg_class' WHEN {0}d.oid IS NOT NULL THEN "
      "'pg_class' WHEN {0}k.oid IS NOT NULL THEN 'pg_constraint' WHEN {0}t.typrelid <> 0 AND {0}tc.relkind <> 'c' THEN "
      "'pg_class' WHEN {0}c.relkind = 'c' THEN 'pg_type' ELSE d.{1}::regclass::text END AS {0}c, CASE WHEN {0}w.oid IS "
      "NOT NULL AND {0}w.rulename = '_RETURN' THEN {0}w.ev_class WHEN {0}d.oid IS NOT NULL THEN {0}d.adrelid WHEN "
      "{0}k.oid IS NOT NULL THEN {0}k.oid WHEN {0}t.typrelid <> 0 AND {0}tc.relkind <> 'c' THEN {0}t.typrelid WHEN "
      "{0}c.relkind = 'c' THEN {0}c.reltype WHEN {0}t.typelem <> 0 AND {0}t.typlen = -1 THEN {0}t.typelem ELSE d.{2} "
      "END AS {0}n, CASE WHEN {0}d.oid IS NOT NULL THEN {0}d.adnum::int WHEN {0}c.relkind IN ('r', 'p', 'f') THEN "
      "d.{3} ELSE 0 END AS {0}s",
      p, p == "d" ? "classid" : "refclassid", p == "d" ? "objid" : "refobjid", p == "d" ? "objsubid" : "refobjsubid");
}

std::string joins(const std::string& p) {
  const std::string in = p == "d" ? "d.classid = 'pg_catalog.{0}'::regclass AND {1}.oid = d.objid"
                                  : "d.refclassid = 'pg_catalog.{0}'::regclass AND {1}.oid = d.refobjid";
  const auto on = [&](const char* catalog, const std::string& alias) {
    return fmt::format(" LEFT JOIN {} AS {} ON ", catalog, alias) + fmt::format(fmt::runtime(in), catalog, alias);
  };
  return on("pg_rewrite", p + "w") + on("pg_attrdef", p + "d") + on("pg_type", p + "t") + on("pg_class", p + "c") +
         fmt::format(
             " LEFT JOIN pg_class AS {0}tc ON {0}tc.oid = {0}t.typrelid LEFT JOIN pg_constraint AS {0}k ON "
             "{0}k.conindid "
             "= {0}c.oid AND {0}k.contype IN ('p', 'u', 'x')",
             p);
}

std::string right_list(const std::string& acl) {
  return fmt::format(
      "(SELECT coalesce(json_agg(json_build_array(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident("
      "pg_get_userbyid(g.grantee)) END, g.privilege_type, g.is_grantable)), '[]')::text FROM aclexplode({}) AS g)",
      acl);
}

}  // namespace

std::string default_privileges_query() {
  // Those of one schema are added to the usual ones; the others take their place.
  return fmt::format(
      "SELECT quote_ident(pg_get_userbyid(d.defaclrole)) AS role, n.nspname AS schema, CASE d.defaclobjtype WHEN 'r' "
      "THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS "
      "objects, {} AS rights, CASE WHEN d.defaclnamespace = 0 THEN {} ELSE '[]' END AS usual FROM pg_default_acl AS d "
      "LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace",
      right_list("d.defaclacl"),
      right_list("acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)"));
}

std::vector<CatalogQuery> catalog_queries(int server_version) {
  return {{ObjectKind::schema, schemas()},
          {ObjectKind::extension, extensions()},
          {ObjectKind::enum_type, enums()},
          {ObjectKind::domain, domains()},
          {ObjectKind::composite_type, composites()},
          {ObjectKind::sequence, sequences()},
          {ObjectKind::function, functions()},
          {ObjectKind::table, tables()},
          {ObjectKind::column, columns(server_version)},
          {ObjectKind::constraint, constraints()},
          {ObjectKind::index, indexes()},
          {ObjectKind::view, views("v")},
          {ObjectKind::materialized_view, views("m")},
          {ObjectKind::rule, rules()},
          {ObjectKind::trigger, triggers(server_version)},
          {ObjectKind::policy, policies()},
          {ObjectKind::statistics, statistics()}};
}

std::string dependency_query() {
  // What an object is made of itself ('i': a row type, an identity's sequence) says nothing about an order.
  return fmt::format(
      "SELECT DISTINCT {}, {} FROM pg_depend AS d{}{} WHERE d.deptype IN ('n', 'a', 'P', 'S') AND d.refobjid >= 2200 "
      "AND d.objid >= 16384 AND NOT (d.classid = 'pg_class'::regclass AND dc.relkind = 'S')",
      side("d"), side("r"), joins("d"), joins("r"));
}

}  // namespace belay
