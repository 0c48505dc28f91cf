#include "backup/definitions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace belay {

namespace {

/// A catalog and what of it matters. SQL expressions speak of its row as `o`.
struct Source {
  std::string kind;  ///< for people
  std::string catalog;
  std::string name;                 ///< text
  std::string schema = "0::oid";    ///< OID of the schema it is in; 0 = none
  std::string relation = "0::oid";  ///< OID of the relation it belongs to; 0 = none
  std::string condition = "true";
  std::string id = "o.oid";
  std::string key = "o.oid::text";
  std::string version = "o.xmin::text";
};

/// Every catalog that the server makes definitions from, and those whose names stand in them.
std::vector<Source> sources() {
  return {
      {"function", "pg_proc", "o.proname", "o.pronamespace"},
      {"view or rule", "pg_rewrite", "o.rulename", "0::oid", "o.ev_class"},
      {"trigger", "pg_trigger", "o.tgname", "0::oid", "o.tgrelid", "NOT o.tgisinternal"},
      {"constraint", "pg_constraint", "o.conname", "o.connamespace", "o.conrelid"},
      {.kind = "index",
       .catalog = "pg_index",
       .name = "(SELECT i.relname FROM pg_class i WHERE i.oid = o.indexrelid)",
       .relation = "o.indrelid",
       .id = "o.indexrelid",
       .key = "o.indexrelid::text"},
      {"policy", "pg_policy", "o.polname", "0::oid", "o.polrelid"},
      {"default of column number", "pg_attrdef", "o.adnum::text", "0::oid", "o.adrelid"},
      {"statistics object", "pg_statistic_ext", "o.stxname", "o.stxnamespace"},
      {"type", "pg_type", "o.typname", "o.typnamespace"},
      {"operator", "pg_operator", "o.oprname", "o.oprnamespace"},
      {"operator class", "pg_opclass", "o.opcname", "o.opcnamespace"},
      {"collation", "pg_collation", "o.collname", "o.collnamespace"},
      {"text search configuration", "pg_ts_config", "o.cfgname", "o.cfgnamespace"},
      {"text search dictionary", "pg_ts_dict", "o.dictname", "o.dictnamespace"},
      {"enum label", "pg_enum", "o.enumlabel"},
      {"language", "pg_language", "o.lanname"},
      {"schema", "pg_namespace", "o.nspname"},
      // The others are written by VACUUM, GRANT and REFRESH too, so of these only the names count.
      {.kind = "relation",
       .catalog = "pg_class",
       .name = "o.relname",
       .schema = "o.relnamespace",
       .version = "hashtext(o.relnamespace || ' ' || o.relname)::text"},
      {.kind = "column",
       .catalog = "pg_attribute",
       .name = "o.attname",
       .relation = "o.attrelid",
       .condition = "o.attnum > 0 AND NOT o.attisdropped AND c.relkind IN ('v', 'm', 'c')",
       .id = "o.attrelid",
       .key = "o.attrelid || '.' || o.attnum",
       .version = "hashtext(o.attname)::text"},
  };
}

std::string rows_query(const Source& source, const std::string& columns) {
  return fmt::format(
      "SELECT {} FROM {} AS o LEFT JOIN pg_class AS c ON c.oid = {} LEFT JOIN pg_namespace AS n ON n.oid = "
      "coalesce(c.relnamespace, {}) WHERE {} >= 16384 AND {} AND coalesce(n.nspname !~ '^pg_', true)",
      columns, source.catalog, source.relation, source.schema, source.id, source.condition);
}

std::string key_of(const Source& source) { return fmt::format("'{} ' || {}", source.catalog, source.key); }

std::string name_of(const Source& source) {
  return fmt::format(
      "'{} ' || coalesce(quote_ident(n.nspname) || '.', '') || coalesce(quote_ident(c.relname) || '.', "
      "'') || quote_ident({})",
      source.kind, source.name);
}

}  // namespace

DefinitionRows read_definition_rows(Connection& db) {
  std::string sql;
  for (const Source& source : sources()) {
    const std::string columns = fmt::format("{} AS key, {} AS version", key_of(source), source.version);
    sql += (sql.empty() ? "" : " UNION ALL ") + rows_query(source, columns);
  }
  DefinitionRows rows;
  for (const Row& row : db.rows(sql)) rows.emplace(row.text(0), row.text(1));
  return rows;
}

std::vector<std::string> changed_rows(const DefinitionRows& then, const DefinitionRows& now) {
  std::vector<std::string> changed;
  for (const auto& [key, version] : then) {
    const auto found = now.find(key);
    if (found == now.end() || found->second != version) changed.push_back(key);
  }
  return changed;
}

std::vector<std::string> describe_rows(Connection& db, const std::vector<std::string>& rows, std::size_t most) {
  if (rows.empty()) return {};
  std::string list;
  for (const std::string& key : rows) list += (list.empty() ? "" : ",") + ("\"" + key + "\"");
  std::string sql;
  for (const Source& source : sources()) {
    const std::string columns = fmt::format("{} AS key, {} AS name", key_of(source), name_of(source));
    sql += (sql.empty() ? "" : " UNION ALL ") + rows_query(source, columns);
  }
  std::vector<std::string> names;
  for (const Row& row :
       db.rows(fmt::format("SELECT name FROM ({}) AS named WHERE key = ANY ($1::text[]) ORDER BY name", sql),
               {"{" + list + "}"})) {
    if (names.size() < most) names.push_back(row.text(0));
  }
  if (rows.size() > names.size()) names.push_back(fmt::format("and {} more", rows.size() - names.size()));
  return names;
}

}  // namespace belay
