// For each kind of expression: the statement that has the server parse it again, on a temporary stand-in that has the
// real table's name (texts may refer to it) and columns, and the query that reads the result in the form in which it
// was recorded.
#include <fmt/format.h>

#include <algorithm>

#include "common/schema_queries.hpp"
#include "common/schema_reparse.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

/// The stand-in of a table, as an identifier and as the OID within a query.
struct StandIn {
  std::string create, name, oid, plain;
};

StandIn stand_in_for(const std::string& path) {
  const std::vector<std::string> names = path_names(path);
  const std::string name = "pg_temp." + names.at(1);
  // Its name as the server prints it: quoted only where needed.
  const std::string plain =
      fmt::format("(SELECT quote_ident(c.relname) FROM pg_class AS c WHERE c.oid = {}::regclass)", quote_literal(name));
  return {fmt::format("CREATE TEMPORARY TABLE {} (LIKE {}.{})", name, names.at(0), names.at(1)), name,
          quote_literal(name) + "::regclass", plain};
}

/// `definition` behind the first `.table` + `then`. What stands before it holds only names of ours, so the first one is
/// the right one.
std::string behind_table(const std::string& definition, const StandIn& table, const std::string& then) {
  return fmt::format(
      "SELECT substr(x.d, strpos(x.d, x.m) + length(x.m)) FROM (SELECT {} AS d, '.' || {} || {} AS m) AS x", definition,
      table.plain, quote_literal(then));
}

std::string text_of(const ReparseRequest& request, const std::string& attribute) {
  return fact_value(*request.facts, request.fact->kind, request.fact->object, attribute).value_or("");
}

std::string with_collation(const ReparseRequest& request) {
  const std::string collation = text_of(request, "collation");
  return collation.empty() ? "" : " COLLATE " + collation;
}

Rebuild of_column(const ReparseRequest& request) {
  const StandIn table = stand_in_for(request.fact->object);
  const std::string column = path_names(request.fact->object).at(2);
  const std::string& text = request.fact->value;
  const std::string create =
      request.fact->attribute == "default"
          ? fmt::format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}", table.name, column, text)
          : fmt::format("ALTER TABLE {0} DROP COLUMN {1}, ADD COLUMN {1} {2}{3} GENERATED ALWAYS AS ({4}) STORED",
                        table.name, column, text_of(request, "type"), with_collation(request), text);
  return {table.create, create,
          fmt::format("SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d JOIN pg_attribute AS a ON "
                      "a.attrelid = d.adrelid AND "
                      "a.attnum = d.adnum WHERE d.adrelid = {} AND {} = {}",
                      table.oid, schema_sql::quoted("a.attname"), quote_literal(column))};
}

Rebuild of_constraint(const ReparseRequest& request) {
  const StandIn table = stand_in_for(request.fact->object);
  return {
      table.create, fmt::format("ALTER TABLE {} ADD CONSTRAINT belay_c {}", table.name, request.fact->value),
      fmt::format(
          "SELECT pg_get_constraintdef(c.oid) FROM pg_constraint AS c WHERE c.conrelid = {} AND c.conname = 'belay_c'",
          table.oid)};
}

/// The stand-in of a domain stands on the same type: on the domain itself, VALUE would have another type.
std::optional<Rebuild> of_domain(const ReparseRequest& request) {
  const std::vector<std::string> names = path_names(request.fact->object);
  const std::string domain = names.at(0) + "." + names.at(1);
  const auto type = fact_value(*request.facts, "domain", domain, "type");
  if (!type) return std::nullopt;
  const auto collation = fact_value(*request.facts, "domain", domain, "collation");
  const std::string name = "pg_temp." + names.at(1);
  const std::string stand_in =
      fmt::format("CREATE DOMAIN {} AS {}{}", name, *type, collation ? " COLLATE " + *collation : "");
  if (request.fact->attribute == "default") {
    return Rebuild{stand_in, fmt::format("ALTER DOMAIN {} SET DEFAULT {}", name, request.fact->value),
                   fmt::format("SELECT pg_get_expr(t.typdefaultbin, 0) FROM pg_type AS t WHERE t.oid = {}::regtype",
                               quote_literal(name))};
  }
  return Rebuild{stand_in, fmt::format("ALTER DOMAIN {} ADD CONSTRAINT belay_c {}", name, request.fact->value),
                 fmt::format("SELECT pg_get_constraintdef(c.oid) FROM pg_constraint AS c WHERE c.contypid = "
                             "{}::regtype AND c.conname = 'belay_c'",
                             quote_literal(name))};
}

Rebuild of_index(const ReparseRequest& request) {
  const StandIn table = stand_in_for(request.fact->object);
  return {table.create,
          fmt::format("CREATE {}INDEX belay_i ON {} USING {}", text_of(request, "unique") == "yes" ? "UNIQUE " : "",
                      table.name, request.fact->value),
          behind_table("pg_get_indexdef('pg_temp.belay_i'::regclass)", table, " USING ")};
}

Rebuild of_trigger(const ReparseRequest& request) {
  const StandIn table = stand_in_for(request.fact->object);
  const std::string head =
      fmt::format("CREATE {}TRIGGER belay_t {} ON ", text_of(request, "constraint") == "yes" ? "CONSTRAINT " : "",
                  text_of(request, "events"));
  const std::string definition = fmt::format(
      "(SELECT substr(pg_get_triggerdef(t.oid), {}) FROM pg_trigger AS t WHERE t.tgrelid = {} AND t.tgname = "
      "'belay_t')",
      fmt::format("length({}) + 1", quote_literal(head)), table.oid);
  return {table.create, head + table.name + " " + request.fact->value, behind_table(definition, table, " ")};
}

Rebuild of_rule(const ReparseRequest& request) {
  const StandIn table = stand_in_for(request.fact->object);
  return {
      table.create,
      fmt::format("CREATE RULE belay_r AS ON {} TO {}{}", text_of(request, "event"), table.name, request.fact->value),
      behind_table(
          fmt::format(
              "(SELECT pg_get_ruledef(w.oid) FROM pg_rewrite AS w WHERE w.ev_class = {} AND w.rulename = 'belay_r')",
              table.oid),
          table, "")};
}

/// A condition on rows, parsed as a policy's: also what a publication's row filter is parsed as.
Rebuild of_condition(const std::string& table_path, const std::string& text, bool check) {
  const StandIn table = stand_in_for(table_path);
  return {table.create,
          fmt::format("CREATE POLICY belay_p ON {} {} ({})", table.name, check ? "WITH CHECK" : "USING", text),
          fmt::format("SELECT pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid) FROM pg_policy AS p WHERE "
                      "p.polrelid = {} AND "
                      "p.polname = 'belay_p'",
                      table.oid)};
}

Rebuild of_view(const ReparseRequest& request) {
  const std::string name = "pg_temp." + path_names(request.fact->object).at(1);
  return {"", fmt::format("CREATE VIEW {} AS {}", name, request.fact->value),
          fmt::format("SELECT pg_get_viewdef({}::regclass)", quote_literal(name))};
}

Rebuild of_partition_key(const ReparseRequest& request) {
  const StandIn table = stand_in_for(request.fact->object);
  return {"", fmt::format("{} PARTITION BY {}", table.create, request.fact->value),
          fmt::format("SELECT pg_get_partkeydef({})", table.oid)};
}

Rebuild of_routine(const ReparseRequest& request) {
  const std::string name = path_names(request.fact->object).at(1);
  const std::string word = request.fact->kind == "procedure" ? "PROCEDURE" : "FUNCTION";
  const std::string prefix = fmt::format("'CREATE OR REPLACE {} ' || x.schema || '.' || quote_ident(x.proname)", word);
  // The newest of that name in the temporary schema: a table function of ours is older.
  return {"", fmt::format("CREATE {} pg_temp.{}{}", word, name, request.fact->value),
          fmt::format("SELECT substr(y.d, strpos(y.d, y.m) + length(y.m)) FROM (SELECT pg_get_functiondef(p.oid) AS d, "
                      "'.' || quote_ident(p.proname) "
                      "AS m FROM pg_proc AS p WHERE p.pronamespace = pg_my_temp_schema() AND {} = {} ORDER BY p.oid "
                      "DESC LIMIT 1) AS y",
                      schema_sql::quoted("p.proname"), quote_literal(name))};
}

std::optional<Rebuild> of_statistics(const ReparseRequest& request) {
  const std::string path = text_of(request, "table");
  if (path.empty()) return std::nullopt;
  const StandIn table = stand_in_for(path);
  return Rebuild{table.create,
                 fmt::format("CREATE STATISTICS pg_temp.belay_s {} FROM {}", request.fact->value, table.name),
                 fmt::format("SELECT regexp_replace(left(x.d, -length(x.t)), ' FROM [^ ]*$', '') FROM (SELECT "
                             "substr(d, strpos(d, '.belay_s ') + 9) AS d, {} AS t FROM (SELECT "
                             "pg_get_statisticsobjdef(s.oid) AS d FROM pg_statistic_ext AS s WHERE s.stxrelid = {} AND "
                             "s.stxname = 'belay_s') AS y) AS x",
                             table.plain, table.oid)};
}

}  // namespace

std::optional<Rebuild> rebuild_of(const ReparseRequest& request) {
  const std::string& kind = request.fact->kind;
  const std::string& attribute = request.fact->attribute;
  if (kind == "column") return of_column(request);
  if (kind == "constraint") return of_constraint(request);
  if (kind == "domain" || kind == "domain constraint") return of_domain(request);
  if (kind == "index") return of_index(request);
  if (kind == "trigger") return of_trigger(request);
  if (kind == "rule") return of_rule(request);
  if (kind == "policy") return of_condition(request.fact->object, request.fact->value, attribute == "with check");
  if (kind == "view" || kind == "materialized view") return of_view(request);
  if (kind == "table" && attribute == "partitioned by") return of_partition_key(request);
  if (kind == "function" || kind == "procedure") return of_routine(request);
  if (kind == "statistics object") return of_statistics(request);
  if (kind == "publication table") {
    // Its path begins with the publication's name.
    const std::vector<std::string> names = path_names(request.fact->object);
    return of_condition(names.at(1) + "." + names.at(2), request.fact->value, false);
  }
  return std::nullopt;
}

std::optional<std::string> fact_value(const SchemaFingerprint& facts, const std::string& kind,
                                      const std::string& object, const std::string& attribute) {
  const auto key = [](const SchemaFact& fact) { return std::tie(fact.kind, fact.object, fact.attribute); };
  const auto wanted = std::tie(kind, object, attribute);
  const auto at = std::lower_bound(facts.facts.begin(), facts.facts.end(), wanted,
                                   [&](const SchemaFact& fact, const auto& w) { return key(fact) < w; });
  if (at == facts.facts.end() || key(*at) != wanted) return std::nullopt;
  return at->value;
}

std::vector<std::string> path_names(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < path.size() && path[at] == '"';) {
    std::size_t end = at + 1;
    while (end < path.size() && !(path[end] == '"' && (end + 1 == path.size() || path[end + 1] != '"')))
      end += path[end] == '"' ? 2 : 1;
    names.push_back(path.substr(at, end + 1 - at));
    at = end + 1;
    if (at < path.size() && path[at] == '.') ++at;
  }
  return names;
}

}  // namespace belay
