// The live catalog, in a handful of queries whatever the number of tables is. Lists come as JSON arrays.
#include <nlohmann/json.hpp>

#include "migrate/lint_catalog.hpp"

namespace belay {

namespace {

using Texts = std::vector<std::string>;
/// Tables by OID while they are put together.
using ByOid = std::map<std::string, CatalogTable>;

Texts texts(const Row& row, const char* column) {
  const auto list = nlohmann::json::parse(row.text_or(column, "[]"));
  Texts all;
  for (const auto& item : list) all.push_back(item.is_null() ? std::string{} : item.get<std::string>());
  return all;
}

// Everything but the server's own schemas and the temporary tables of sessions.
constexpr const char* user_schemas = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

void read_tables(Connection& db, ByOid& tables) {
  for (const Row& row : db.rows(
           std::string{
               "SELECT c.oid::text AS oid, n.nspname, c.relname, c.relkind::text AS kind, c.reltuples::bigint AS rows, "
               "CASE WHEN c.relkind IN ('r', 'm') THEN coalesce(pg_catalog.pg_table_size(c.oid), 0) ELSE 0 END AS "
               "bytes, CASE WHEN c.relkind IN ('r', 'm') THEN coalesce(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 "
               "END AS main, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned, "
               "pg_catalog.pg_get_userbyid(c.relowner) AS owner, c.relpersistence = 'u' AS unlogged, c.relispartition, "
               "c.relreplident = 'i' AS by_index, coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', "
               "false) AS is_default FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
               "c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND "} +
           user_schemas)) {
    CatalogTable& table = tables[row.text("oid")];
    table.name = {row.text("nspname"), row.text("relname")};
    table.kind = row.text("kind").front();
    table.bytes = static_cast<Bytes>(row.number("bytes"));
    table.rows = row.number("rows");
    table.filled = row.number("main") > 0 || table.kind == 'f';
    table.owned = row.flag("owned");
    table.owner = row.text("owner");
    table.unlogged = row.flag("unlogged");
    table.partition = row.flag("relispartition");
    table.default_partition = row.flag("is_default");
    table.replica_identity_index = row.flag("by_index");
    table.columns_known = true;
  }
}

void read_columns(Connection& db, ByOid& tables) {
  for (const Row& row : db.rows(
           "SELECT a.attrelid::text AS oid, a.attname, tn.nspname AS type_schema, t.typname, a.atttypmod AS typmod, "
           "a.attnotnull, a.atthasdef OR a.attidentity <> '' AS has_default FROM pg_catalog.pg_attribute a JOIN "
           "pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN "
           "pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace WHERE a.attnum > 0 AND NOT a.attisdropped AND "
           "a.attrelid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY a.attrelid, a.attnum")) {
    const auto table = tables.find(row.text("oid"));
    if (table == tables.end()) continue;
    table->second.columns.push_back(
        {row.text("attname"),
         column_type(row.text("type_schema"), row.text("typname"), static_cast<int>(row.number("typmod"))),
         row.flag("attnotnull"), row.flag("has_default")});
  }
}

void read_indexes(Connection& db, ByOid& tables) {
  for (const Row& row : db.rows(
           "SELECT i.indrelid::text AS oid, n.nspname, c.relname, i.indisunique, i.indisvalid, i.indisreplident, "
           "i.indpred IS NOT NULL AS partial, coalesce(k.conname, '') AS con, (SELECT pg_catalog.json_agg(a.attname "
           "ORDER BY x.n) FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY x(num, n) LEFT JOIN "
           "pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = x.num AND x.num > 0 WHERE x.n <= "
           "i.indnkeyatts)::text AS keys, (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a WHERE "
           "a.attrelid = i.indrelid AND a.attnum > 0 AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (SELECT FROM "
           "pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid AND "
           "d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = "
           "a.attnum)))::text AS columns FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
           "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_constraint k ON "
           "k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') AND k.conrelid = i.indrelid WHERE i.indexrelid "
           ">= 16384")) {
    const auto table = tables.find(row.text("oid"));
    if (table == tables.end()) continue;
    table->second.indexes.push_back({.name = {row.text("nspname"), row.text("relname")},
                                     .keys = texts(row, "keys"),
                                     .columns = texts(row, "columns"),
                                     .unique = row.flag("indisunique"),
                                     .valid = row.flag("indisvalid"),
                                     .partial = row.flag("partial"),
                                     .replica_identity = row.flag("indisreplident"),
                                     .constraint = row.text("con")});
  }
}

Texts kept_not_null(const std::string& expression) {
  const auto parsed = parse_statement("SELECT 1 WHERE " + expression);
  return parsed ? columns_kept_not_null(member(member(*parsed, "SelectStmt"), "whereClause")) : Texts{};
}

void read_constraints(Connection& db, ByOid& tables) {
  const std::string names =
      "(SELECT pg_catalog.json_agg(a.attname ORDER BY x.n) FROM pg_catalog.unnest(k.{}) WITH ORDINALITY x(num, n) JOIN "
      "pg_catalog.pg_attribute a ON a.attrelid = k.{} AND a.attnum = x.num)::text";
  const auto list = [&](const char* key, const char* relation) {
    std::string sql = names;
    sql.replace(sql.find("{}"), 2, key);
    sql.replace(sql.find("{}"), 2, relation);
    return sql;
  };
  for (const Row& row : db.rows(
           "SELECT k.conrelid::text AS oid, k.conname, k.contype::text AS kind, k.convalidated, k.conparentid <> 0 AS "
           "inherited, k.confrelid::text "
           "AS other, CASE k.contype WHEN 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) END AS expression, " +
           list("conkey", "conrelid") + " AS columns, " + list("confkey", "confrelid") +
           " AS others FROM pg_catalog.pg_constraint k WHERE k.conrelid >= 16384 AND k.contype IN ('p', 'u', 'c', "
           "'f', 'x') ORDER BY k.conrelid, k.conname")) {
    const auto table = tables.find(row.text("oid"));
    if (table == tables.end()) continue;
    CatalogConstraint constraint{.name = row.text("conname"),
                                 .kind = row.text("kind").front(),
                                 .columns = texts(row, "columns"),
                                 .validated = row.flag("convalidated"),
                                 .inherited = row.flag("inherited"),
                                 .references = {},
                                 .referenced_columns = texts(row, "others"),
                                 .not_null = {}};
    if (const auto other = tables.find(row.text("other")); other != tables.end())
      constraint.references = other->second.name;
    const std::string expression = row.text_or("expression", "");
    if (expression.find("IS NOT NULL") != std::string::npos) constraint.not_null = kept_not_null(expression);
    table->second.constraints.push_back(std::move(constraint));
  }
}

using Kind = CatalogDependent::Kind;

std::optional<Kind> dependent_kind(const std::string& word) {
  static const std::map<std::string, Kind> kinds{{"view", Kind::view},
                                                 {"rule", Kind::rule},
                                                 {"policy", Kind::policy},
                                                 {"trigger", Kind::trigger},
                                                 {"default", Kind::generated_column},
                                                 {"function", Kind::function},
                                                 {"publication", Kind::publication},
                                                 {"statistics", Kind::statistics},
                                                 {"sequence", Kind::sequence}};
  const auto found = kinds.find(word);
  return found == kinds.end() ? std::nullopt : std::optional{found->second};
}

void read_dependents(Connection& db, ByOid& tables) {
  for (const Row& row : db.rows(
           "SELECT d.refobjid::text AS oid, coalesce(a.attname, '') AS column, CASE d.classid WHEN "
           "'pg_catalog.pg_rewrite'::regclass THEN CASE WHEN r.ev_class <> d.refobjid AND r.rulename = '_RETURN' THEN "
           "'view' WHEN r.rulename = '_RETURN' THEN '' ELSE 'rule' END WHEN 'pg_catalog.pg_policy'::regclass THEN "
           "'policy' WHEN 'pg_catalog.pg_trigger'::regclass THEN 'trigger' WHEN 'pg_catalog.pg_attrdef'::regclass THEN "
           "'default' WHEN 'pg_catalog.pg_proc'::regclass THEN 'function' WHEN "
           "'pg_catalog.pg_publication_rel'::regclass THEN 'publication' WHEN 'pg_catalog.pg_statistic_ext'::regclass "
           "THEN 'statistics' WHEN 'pg_catalog.pg_class'::regclass THEN 'sequence' ELSE '' END AS kind, CASE WHEN "
           "r.oid IS NOT NULL AND r.rulename = '_RETURN' THEN pg_catalog.pg_describe_object('pg_class'::regclass, "
           "r.ev_class, 0) ELSE pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) END AS words, "
           "coalesce(r.ev_class, 0)::text AS view, coalesce(o.attname, '') AS generated FROM pg_catalog.pg_depend d "
           "LEFT JOIN pg_catalog.pg_rewrite r ON "
           "d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid LEFT JOIN pg_catalog.pg_attrdef f ON "
           "d.classid = 'pg_catalog.pg_attrdef'::regclass AND f.oid = d.objid LEFT JOIN "
           "pg_catalog.pg_attribute o ON o.attrelid = f.adrelid AND o.attnum = f.adnum LEFT JOIN pg_catalog.pg_trigger "
           "g ON "
           "d.classid = 'pg_catalog.pg_trigger'::regclass AND g.oid = d.objid LEFT JOIN pg_catalog.pg_class s ON "
           "d.classid = 'pg_catalog.pg_class'::regclass AND s.oid = d.objid LEFT JOIN pg_catalog.pg_attribute a ON "
           "a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0 WHERE d.refclassid = "
           "'pg_catalog.pg_class'::regclass AND d.refobjid >= 16384 AND d.objid >= 16384 AND (f.oid IS NULL OR "
           "f.adrelid <> d.refobjid OR f.adnum <> d.refobjsubid) AND (g.oid IS NULL OR NOT g.tgisinternal) AND (s.oid "
           "IS NULL OR s.relkind = 'S') ORDER BY 1, 2, 4")) {
    const auto table = tables.find(row.text("oid"));
    const std::optional<Kind> kind = dependent_kind(row.text("kind"));
    if (table == tables.end() || !kind) continue;
    CatalogDependent dependent{*kind, row.text("column"), row.text_or("words", ""), {}, row.text("generated")};
    if (*kind == Kind::generated_column) dependent.words = "generated column " + dependent.generated;
    if (const auto view = tables.find(row.text("view")); view != tables.end()) dependent.relation = view->second.name;
    table->second.dependents.push_back(std::move(dependent));
  }
}

void read_family(Connection& db, ByOid& tables) {
  for (const Row& row :
       db.rows("SELECT inhrelid::text AS child, inhparent::text AS parent FROM pg_catalog.pg_inherits ORDER BY 1, 2")) {
    const auto child = tables.find(row.text("child")), parent = tables.find(row.text("parent"));
    if (child == tables.end() || parent == tables.end()) continue;
    child->second.parents.push_back(parent->second.name);
    parent->second.children.push_back(child->second.name);
  }
}

void read_routines_and_types(Connection& db, LintCatalog& catalog) {
  for (const Row& row :
       db.rows(std::string{"SELECT n.nspname, p.proname, (SELECT pg_catalog.json_agg(t.typname ORDER BY "
                           "x.n) FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY x(id, n) "
                           "JOIN pg_catalog.pg_type t ON t.oid = x.id)::text AS arguments FROM "
                           "pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = "
                           "p.pronamespace WHERE "} +
               user_schemas))
    catalog.functions.push_back({{row.text("nspname"), row.text("proname")}, texts(row, "arguments")});
  for (const Row& row :
       db.rows("SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE provolatile = 'v' AND prokind = 'f'"))
    catalog.volatile_functions.insert(row.text("proname"));
  for (const Row& row : db.rows(
           std::string{"SELECT n.nspname, t.typname, t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k "
                       "WHERE k.contypid = t.oid) AS constrained, bn.nspname AS base_schema, b.typname AS base, "
                       "t.typtypmod AS typmod FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = "
                       "t.typnamespace JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype JOIN "
                       "pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace WHERE t.typtype = 'd' AND "} +
           user_schemas))
    catalog.domains[{row.text("nspname"), row.text("typname")}] = {
        row.flag("constrained"),
        column_type(row.text("base_schema"), row.text("base"), static_cast<int>(row.number("typmod")))};
  for (const Row& row : db.rows(std::string{"SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE NOT "
                                            "pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND "} +
                                user_schemas))
    catalog.no_create.insert(row.text("nspname"));
}

void read_session_facts(Connection& db, const std::optional<std::string>& schema, LintCatalog& catalog) {
  const Row row = db.one(
      "SELECT current_user::text AS role, current_setting('TimeZone') IN ('UTC', 'Etc/UTC', 'GMT', 'Etc/GMT') AS "
      "utc, pg_catalog.to_json(pg_catalog.current_schemas(false)::text[])::text AS path");
  catalog.role = row.text("role");
  catalog.utc = row.flag("utc");
  catalog.search_path = schema ? Texts{*schema} : texts(row, "path");
  catalog.server_version = db.server_version();
}

void add_up_partitions(LintCatalog& catalog) {
  for (auto& [name, table] : catalog.tables) {
    if (table.children.empty()) continue;
    Bytes bytes = 0;
    std::int64_t rows = 0;
    for (const CatalogTable* part : catalog.with_children(table)) {
      if (part->kind == 'p') continue;
      bytes += part->bytes.value_or(0);
      rows += std::max<std::int64_t>(part->rows.value_or(0), 0);
      table.filled = table.filled || part->filled;
    }
    if (table.kind != 'p') continue;
    table.bytes = bytes;
    table.rows = rows;
  }
}

}  // namespace

LintCatalog read_lint_catalog(Connection& db, const std::optional<std::string>& schema) {
  LintCatalog catalog;
  catalog.live = true;
  Transaction reads{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  // The sizes are asked of the tables themselves, and somebody may be altering one.
  db.run("SET LOCAL lock_timeout = '5s'");
  read_session_facts(db, schema, catalog);
  // Names in what the server describes come out the same whatever the role's search_path is.
  db.run("SET LOCAL search_path = ''");
  ByOid tables;
  read_tables(db, tables);
  read_columns(db, tables);
  read_indexes(db, tables);
  read_constraints(db, tables);
  read_dependents(db, tables);
  read_family(db, tables);
  read_routines_and_types(db, catalog);
  std::set<QualifiedName> published;
  for (const Row& row : db.rows("SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables"))
    published.insert({row.text("schemaname"), row.text("tablename")});
  reads.rollback();
  for (auto& [oid, table] : tables) {
    table.published = published.contains(table.name);
    for (const CatalogIndex& index : table.indexes) catalog.index_tables[index.name] = table.name;
    const QualifiedName name = table.name;
    catalog.tables.emplace(name, std::move(table));
  }
  add_up_partitions(catalog);
  return catalog;
}

}  // namespace belay
