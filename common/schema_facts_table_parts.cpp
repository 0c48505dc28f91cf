// What hangs on a table: constraints, indexes, triggers, rules, policies, extended statistics. Their definitions are
// kept without the CREATE … ON table in front, so that they can be compared under another name and parsed again on a
// stand-in.
#include <fmt/format.h>

#include "common/schema_queries.hpp"

namespace belay {

using namespace schema_sql;

namespace {

std::string inherited(const std::string& count, const std::string& local) {
  return fmt::format("CASE WHEN {0} > 0 THEN 'from ' || {0} || CASE WHEN {1} THEN ', and its own' ELSE '' END END",
                     count, local);
}

SchemaQuery constraints() {
  const std::string key_columns =
      "(SELECT string_agg(ka.attname, '_' ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY AS k(attnum, place) "
      "JOIN pg_attribute "
      "AS ka ON ka.attrelid = c.conrelid AND ka.attnum = k.attnum)";
  const std::string middle = fmt::format(
      "CASE WHEN c.contype = 'p' THEN '' WHEN c.contype IN ('u', 'x') THEN {} WHEN c.contype = 'c' AND "
      "cardinality(c.conkey) <> 1 "
      "THEN '' ELSE {} END",
      index_columns("c.conindid"), key_columns);
  return {"'constraint'",
          "r.path || '.' || " + quoted("c.conname"),
          // A foreign key's copies for partitions follow from the key and the partitions, and their names are made up.
          "r JOIN pg_constraint AS c ON c.conrelid = r.oid WHERE c.contype <> 't' AND NOT (c.contype = 'f' AND "
          "c.conparentid <> 0)",
          {{"definition", "CASE WHEN c.contype IN ('c', 'x') THEN pg_get_constraintdef(c.oid) END", true},
           {"definition", "CASE WHEN c.contype NOT IN ('c', 'x') THEN pg_get_constraintdef(c.oid) END"},
           {"inherited", inherited("c.coninhcount", "c.conislocal")},
           comment("pg_constraint", "c.oid"),
           {generated_name_parts,
            fmt::format("json_build_array(c.conname, r.relname, {}, CASE c.contype WHEN 'p' THEN 'pkey' WHEN 'u' THEN "
                        "'key' WHEN 'x' THEN "
                        "'excl' WHEN 'f' THEN 'fkey' WHEN 'n' THEN 'not_null' ELSE 'check' END)::text",
                        middle)}}};
}

SchemaQuery indexes() {
  const std::string prefix =
      "'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(x.relname) || ' ON ' "
      "|| CASE x.relkind "
      "WHEN 'I' THEN 'ONLY ' ELSE '' END || r.plain || ' USING '";
  const std::string parent = fmt::format(
      "(SELECT {} || '.' || {} FROM pg_inherits AS h JOIN pg_class AS pc ON pc.oid = h.inhparent JOIN pg_namespace AS "
      "pn ON pn.oid = "
      "pc.relnamespace WHERE h.inhrelid = x.oid)",
      quoted("pn.nspname"), quoted("pc.relname"));
  const std::string targets =
      "(SELECT string_agg(ia.attnum || ': ' || ia.attstattarget, ', ' ORDER BY ia.attnum) FROM pg_attribute AS ia "
      "WHERE ia.attrelid = "
      "x.oid AND ia.attstattarget >= 0)";
  const std::string label =
      "coalesce((SELECT CASE c.contype WHEN 'p' THEN 'pkey' WHEN 'u' THEN 'key' ELSE 'excl' END FROM pg_constraint AS "
      "c WHERE c.conindid = "
      "x.oid AND c.conrelid = r.oid AND c.contype IN ('p', 'u', 'x') LIMIT 1), 'idx')";
  return {"'index'",
          "r.path || '.' || " + quoted("x.relname"),
          "pg_index AS i JOIN r ON r.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid",
          {{"definition", after_prefix("pg_get_indexdef(x.oid)", prefix), true},
           {"unique", yes_where("i.indisunique")},
           {"immediate", no_where("NOT i.indimmediate")},
           {"valid", no_where("NOT i.indisvalid")},
           {"ready", no_where("NOT i.indisready")},
           {"live", no_where("NOT i.indislive")},
           {"clustered", yes_where("i.indisclustered")},
           {"part of", parent},
           {"statistics targets", targets},
           tablespace("x.reltablespace"),
           comment("pg_class", "x.oid"),
           {generated_name_parts, fmt::format("(SELECT json_build_array(x.relname, r.relname, CASE l.label WHEN 'pkey' "
                                              "THEN '' ELSE {} END, l.label)::text FROM "
                                              "(SELECT {} AS label) AS l)",
                                              index_columns("x.oid"), label)}}};
}

/// "BEFORE INSERT OR UPDATE OF a, b", exactly as pg_get_triggerdef writes it.
std::string trigger_events() {
  return "(CASE WHEN t.tgtype & 2 <> 0 THEN 'BEFORE ' WHEN t.tgtype & 64 <> 0 THEN 'INSTEAD OF ' ELSE 'AFTER ' END || "
         "array_to_string(ARRAY["
         "CASE WHEN t.tgtype & 4 <> 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 8 <> 0 THEN 'DELETE' END, CASE WHEN "
         "t.tgtype & 16 <> 0 THEN "
         "'UPDATE' || coalesce((SELECT ' OF ' || string_agg(quote_ident(ta.attname), ', ' ORDER BY u.place) FROM "
         "unnest(t.tgattr::int2[]) "
         "WITH ORDINALITY AS u(attnum, place) JOIN pg_attribute AS ta ON ta.attrelid = t.tgrelid AND ta.attnum = "
         "u.attnum), '') END, "
         "CASE WHEN t.tgtype & 32 <> 0 THEN 'TRUNCATE' END], ' OR '))";
}

SchemaQuery triggers(int server_version) {
  const std::string prefix =
      "'CREATE ' || CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END || 'TRIGGER ' || "
      "quote_ident(t.tgname) || ' ' || " +
      trigger_events() + " || ' ON ' || r.plain || ' '";
  return {"'trigger'",
          "r.path || '.' || " + quoted("t.tgname"),
          std::string("r JOIN pg_trigger AS t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal") +
              (server_version >= 130000 ? " AND t.tgparentid = 0" : ""),
          {{"events", trigger_events()},
           {"constraint", yes_where("t.tgconstraint <> 0")},
           {"definition", after_prefix("pg_get_triggerdef(t.oid)", prefix), true},
           enabled_state("t.tgenabled"),
           comment("pg_trigger", "t.oid")}};
}

/// A partition's copy of a trigger is a fact only where it was switched on or off by itself.
SchemaQuery partition_triggers() {
  return {
      "'trigger'",
      "r.path || '.' || " + quoted("t.tgname"),
      "r JOIN pg_trigger AS t ON t.tgrelid = r.oid JOIN pg_trigger AS p ON p.oid = t.tgparentid WHERE t.tgenabled <> "
      "p.tgenabled AND NOT "
      "EXISTS (SELECT FROM pg_constraint AS k WHERE k.oid = t.tgconstraint AND k.contype <> 't')",
      {{"enabled on the partition",
        "CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'yes' END"}}};
}

/// Constraints are kept by internal triggers, whose names hold OIDs: they are facts only where somebody disabled one.
SchemaQuery constraint_triggers() {
  return {"'constraint trigger'",
          fmt::format("r.path || '.' || {} || ' of ' || {} || '.' || {}", quoted("f.proname"),
                      path_of("pg_class", "rel", "k.conrelid"), quoted("k.conname")),
          "r JOIN pg_trigger AS t ON t.tgrelid = r.oid JOIN pg_constraint AS k ON k.oid = t.tgconstraint JOIN pg_proc "
          "AS f ON f.oid = "
          "t.tgfoid WHERE t.tgisinternal AND t.tgenabled <> 'O' AND k.contype <> 't'",
          {enabled_state("t.tgenabled")}};
}

SchemaQuery rules() {
  const std::string event =
      "CASE w.ev_type WHEN '1' THEN 'SELECT' WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END";
  const std::string prefix =
      "'CREATE RULE ' || quote_ident(w.rulename) || E' AS\\n    ON ' || " + event + " || ' TO ' || r.plain";
  return {"'rule'",
          "r.path || '.' || " + quoted("w.rulename"),
          "r JOIN pg_rewrite AS w ON w.ev_class = r.oid WHERE NOT (w.rulename = '_RETURN' AND r.relkind IN ('v', 'm'))",
          {{"event", event},
           {"definition", after_prefix("pg_get_ruledef(w.oid)", prefix), true},
           enabled_state("w.ev_enabled"),
           comment("pg_rewrite", "w.oid")}};
}

SchemaQuery policies() {
  const std::string roles = fmt::format(
      "(SELECT string_agg(CASE ro WHEN 0 THEN 'PUBLIC' ELSE {0} END, ', ' ORDER BY CASE ro WHEN 0 THEN 'PUBLIC' ELSE "
      "{0} END COLLATE \"C\") "
      "FROM unnest(p.polroles) AS ro)",
      quoted("pg_get_userbyid(ro)"));
  return {"'policy'",
          "r.path || '.' || " + quoted("p.polname"),
          "r JOIN pg_policy AS p ON p.polrelid = r.oid",
          {{"command",
            "CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' "
            "ELSE "
            "'ALL' END"},
           {"permissive", no_where("NOT p.polpermissive")},
           {"roles", roles},
           {"using", "pg_get_expr(p.polqual, p.polrelid)", true},
           {"with check", "pg_get_expr(p.polwithcheck, p.polrelid)", true},
           comment("pg_policy", "p.oid")}};
}

SchemaQuery statistics_objects(int server_version) {
  const std::string prefix = "'CREATE STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname) || ' '";
  const std::string body = fmt::format(
      "(SELECT CASE WHEN right(y.d, length(y.s)) = y.s THEN left(y.d, -length(y.s)) ELSE y.d END FROM (SELECT {} AS d, "
      "' FROM ' || r.plain "
      "AS s) AS y)",
      after_prefix("pg_get_statisticsobjdef(s.oid)", prefix));
  std::vector<SchemaAttribute> attributes = {
      {"table", "r.path"}, {"definition", body, true}, owner("s.stxowner"), comment("pg_statistic_ext", "s.oid")};
  if (server_version >= 130000) {
    attributes.push_back({"statistics target", "CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END"});
  }
  return {"'statistics object'", "n.path || '.' || " + quoted("s.stxname"),
          "pg_statistic_ext AS s JOIN n ON n.oid = s.stxnamespace JOIN r ON r.oid = s.stxrelid WHERE " +
              not_member("pg_statistic_ext", "s.oid"),
          std::move(attributes)};
}

}  // namespace

std::vector<SchemaQuery> table_part_queries(int server_version) {
  std::vector<SchemaQuery> all = {constraints(), indexes(),  triggers(server_version),          constraint_triggers(),
                                  rules(),       policies(), statistics_objects(server_version)};
  if (server_version >= 130000) all.push_back(partition_triggers());
  return all;
}

}  // namespace belay
