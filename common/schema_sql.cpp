#include <fmt/format.h>

#include "common/schema_queries.hpp"
#include "common/sql_text.hpp"

namespace belay::schema_sql {

std::string quoted(const std::string& name) {
  return fmt::format(R"(('"' || replace({}::text, '"', '""') || '"'))", name);
}

std::string yes_where(const std::string& condition) { return fmt::format("CASE WHEN {} THEN 'yes' END", condition); }
std::string no_where(const std::string& condition) { return fmt::format("CASE WHEN {} THEN 'no' END", condition); }

std::string sorted_list(const std::string& text_array) {
  return fmt::format(R"((SELECT nullif(array_agg(el ORDER BY el COLLATE "C")::text, '{{}}') FROM unnest({}) AS el))",
                     text_array);
}

std::string after_prefix(const std::string& definition, const std::string& prefix) {
  return fmt::format(
      "(SELECT CASE WHEN left(x.d, length(x.p)) = x.p THEN substr(x.d, length(x.p) + 1) ELSE x.d END "
      "FROM (SELECT {} AS d, {} AS p OFFSET 0) AS x)",
      definition, prefix);
}

// The aliases in here must not be those of the queries around.
std::string path_of(const std::string& catalog, const std::string& letters, const std::string& oid) {
  return fmt::format(
      "(SELECT {2} || '.' || {3} FROM {0} AS path_o JOIN pg_namespace AS path_s ON path_s.oid = path_o.{1}namespace "
      "WHERE "
      "path_o.oid = {4})",
      catalog, letters, quoted("path_s.nspname"), quoted("path_o." + letters + "name"), oid);
}

std::string function_path(const std::string& oid) {
  return fmt::format(
      "(SELECT {} || '.' || {} || '(' || oidvectortypes(path_f.proargtypes) || ')' FROM pg_proc AS path_f JOIN "
      "pg_namespace "
      "AS path_s ON path_s.oid = path_f.pronamespace WHERE path_f.oid = {})",
      quoted("path_s.nspname"), quoted("path_f.proname"), oid);
}

std::string index_columns(const std::string& index_oid) {
  return fmt::format(
      "(SELECT string_agg(ia.attname, '_' ORDER BY ia.attnum) FROM pg_attribute AS ia WHERE ia.attrelid = {} AND "
      "ia.attnum > 0)",
      index_oid);
}

SchemaAttribute owner(const std::string& role_oid) { return {"owner", quoted("pg_get_userbyid(" + role_oid + ")")}; }

std::string privilege_list(const std::string& acl) {
  return fmt::format(
      R"(SELECT string_agg(g.who || ': ' || g.what, '; ' ORDER BY g.who COLLATE "C") AS list FROM (
        SELECT e.who, string_agg(e.right_to || CASE WHEN e.grantable THEN ' with grant option' ELSE '' END, ', '
                                 ORDER BY e.right_to COLLATE "C") AS what FROM (
          SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE {} END AS who, x.privilege_type AS right_to,
                 bool_or(x.is_grantable) AS grantable
          FROM aclexplode({}) AS x GROUP BY 1, 2) AS e GROUP BY e.who) AS g)",
      quoted("pg_get_userbyid(x.grantee)"), acl);
}

SchemaAttribute privileges(const std::string& acl, const std::string& letter, const std::string& role_oid) {
  // NULL means the default, and so does a list that says the same: a GRANT taken back leaves the latter.
  return {"privileges",
          fmt::format("CASE WHEN {0} IS NOT NULL THEN (SELECT CASE WHEN has.list IS DISTINCT FROM usual.list THEN "
                      "coalesce(has.list, 'nobody') END FROM ({1}) AS has, ({2}) AS usual) END",
                      acl, privilege_list(acl), privilege_list(fmt::format("acldefault('{}', {})", letter, role_oid)))};
}

SchemaAttribute comment(const std::string& catalog, const std::string& oid, const std::string& column) {
  return {"comment",
          fmt::format("(SELECT cm.description FROM pg_description AS cm WHERE cm.objoid = {} AND cm.classoid = "
                      "'pg_catalog.{}'::regclass AND cm.objsubid = {})",
                      oid, catalog, column)};
}

SchemaAttribute tablespace(const std::string& oid) {
  return {"tablespace",
          fmt::format("(SELECT {} FROM pg_tablespace AS ts WHERE ts.oid = {})", quoted("ts.spcname"), oid)};
}

std::string not_member(const std::string& catalog, const std::string& oid) {
  return fmt::format(
      "NOT EXISTS (SELECT FROM members AS mb WHERE mb.classid = 'pg_catalog.{}'::regclass AND mb.objid = {})", catalog,
      oid);
}

SchemaAttribute enabled_state(const std::string& state) {
  return {"enabled",
          fmt::format("CASE {} WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END", state)};
}

}  // namespace belay::schema_sql

namespace belay {

std::vector<SchemaQuery> schema_queries(int server_version) {
  std::vector<SchemaQuery> all;
  for (auto* part : {relation_queries, table_part_queries, type_queries, routine_queries, database_queries}) {
    for (SchemaQuery& query : part(server_version)) all.push_back(std::move(query));
  }
  return all;
}

std::string schema_prelude(const std::string& history_schema) {
  return fmt::format(
      R"(WITH members AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
n AS MATERIALIZED (SELECT s.*, {0} AS path FROM pg_namespace AS s WHERE s.nspname !~ '^pg_' AND s.nspname <> 'information_schema'),
r AS MATERIALIZED (SELECT c.*, n.nspname, n.path || '.' || {1} AS path, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS plain
  FROM pg_class AS c JOIN n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND {2}
  AND NOT (c.relname = '_prisma_migrations' AND n.nspname = {3}))
)",
      schema_sql::quoted("s.nspname"), schema_sql::quoted("c.relname"), schema_sql::not_member("pg_class", "c.oid"),
      quote_literal(history_schema));
}

}  // namespace belay
