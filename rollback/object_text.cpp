#include "rollback/object_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/sql_text.hpp"

namespace belay {

namespace {

std::string with_options(const CatalogObject& object) {
  return object.has("options") ? " WITH (" + object.fact("options") + ")" : "";
}

std::string create_enum(const CatalogObject& type) {
  std::string labels;
  for (const std::vector<std::string>& label : listed(type.fact("labels")))
    labels += (labels.empty() ? "" : ", ") + quote_literal(label.at(1));
  return fmt::format("CREATE TYPE {} AS ENUM ({})", qualified(type), labels);
}

std::string create_domain(const CatalogObject& domain) {
  std::string sql = fmt::format("CREATE DOMAIN {} AS {}", qualified(domain), domain.fact("type"));
  if (domain.has("collation")) sql += " COLLATE " + domain.fact("collation");
  if (domain.has("default")) sql += " DEFAULT " + domain.fact("default");
  if (domain.has("not null")) sql += " NOT NULL";
  for (const std::vector<std::string>& constraint : listed(domain.fact("constraints"))) {
    if (constraint.at(1).ends_with(not_valid)) continue;
    sql += fmt::format(" CONSTRAINT {} {}", quote_identifier(constraint.at(0)), constraint.at(1));
  }
  return sql;
}

std::string create_composite(const CatalogObject& type) {
  std::string attributes;
  for (const std::vector<std::string>& attribute : listed(type.fact("attributes")))
    attributes +=
        fmt::format("{}{} {}", attributes.empty() ? "" : ", ", quote_identifier(attribute.at(0)), attribute.at(1));
  return fmt::format("CREATE TYPE {} AS ({})", qualified(type), attributes);
}

std::string create_sequence(const CatalogObject& sequence) {
  return fmt::format("CREATE {}SEQUENCE {} AS {} {}", sequence.has("persistence") ? "UNLOGGED " : "",
                     qualified(sequence), sequence.fact("type"), sequence.fact("options"));
}

std::optional<std::string> create_table(const CatalogObject& table, const CatalogState& state) {
  const bool inherits = table.has("parents") && !table.has("bound");
  if (table.has("foreign") || table.has("of type") || inherits) return std::nullopt;
  std::string columns;
  for (const CatalogObject* column : state.parts(table.id, ObjectKind::column))
    columns += (columns.empty() ? "\n  " : ",\n  ") + column_definition(*column);
  std::string sql =
      fmt::format("CREATE {}TABLE {} ({}\n)", table.has("unlogged") ? "UNLOGGED " : "", qualified(table), columns);
  if (table.has("partitioned by")) sql += " PARTITION BY " + table.fact("partitioned by");
  if (table.has("access method")) sql += " USING " + table.fact("access method");
  sql += with_options(table);
  if (table.has("tablespace")) sql += " TABLESPACE " + table.fact("tablespace");
  return sql;
}

std::string without_semicolon(std::string text) {
  while (!text.empty() && (text.back() == ';' || text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string create_view(const CatalogObject& view) {
  const bool materialized = view.kind == ObjectKind::materialized_view;
  return fmt::format("CREATE {}VIEW {}{} AS\n{}{}", materialized ? "MATERIALIZED " : "", qualified(view),
                     with_options(view), without_semicolon(view.fact("definition")),
                     view.has("unpopulated") && materialized ? "\nWITH NO DATA" : "");
}

std::string create_extension(const CatalogObject& extension) {
  return fmt::format("CREATE EXTENSION {} WITH SCHEMA {} VERSION {}", quote_identifier(extension.name),
                     extension.fact("in schema"), quote_literal(extension.fact("version")));
}

std::string create_policy(const CatalogObject& policy, const CatalogState& state) {
  return fmt::format("CREATE POLICY {} ON {} {}", quote_identifier(policy.name), parent_name(policy, state),
                     policy.fact("definition"));
}

std::optional<std::string> function_definition(const CatalogObject& function) {
  if (!function.has("definition")) return std::nullopt;
  return without_semicolon(function.fact("definition"));
}

/// The word before the name in ALTER, DROP and COMMENT ON.
std::string word_of(const CatalogObject& object) {
  switch (object.kind) {
    case ObjectKind::schema:
      return "SCHEMA";
    case ObjectKind::extension:
      return "EXTENSION";
    case ObjectKind::enum_type:
    case ObjectKind::composite_type:
      return "TYPE";
    case ObjectKind::domain:
      return "DOMAIN";
    case ObjectKind::sequence:
      return "SEQUENCE";
    case ObjectKind::function:
      return object.fact("word");
    case ObjectKind::table:
      return object.has("foreign") ? "FOREIGN TABLE" : "TABLE";
    case ObjectKind::column:
      return "COLUMN";
    case ObjectKind::constraint:
      return "CONSTRAINT";
    case ObjectKind::index:
      return "INDEX";
    case ObjectKind::view:
      return "VIEW";
    case ObjectKind::materialized_view:
      return "MATERIALIZED VIEW";
    case ObjectKind::rule:
      return "RULE";
    case ObjectKind::trigger:
      return "TRIGGER";
    case ObjectKind::policy:
      return "POLICY";
    case ObjectKind::statistics:
      return "STATISTICS";
  }
  return {};
}

/// Everything after the word.
std::string address_of(const CatalogObject& object, const CatalogState& state) {
  switch (object.kind) {
    case ObjectKind::schema:
    case ObjectKind::extension:
      return quote_identifier(object.name);
    case ObjectKind::function:
      return fmt::format("{}({})", qualified(object), object.fact("arguments"));
    case ObjectKind::column:
      return parent_name(object, state) + "." + quote_identifier(object.name);
    case ObjectKind::constraint:
    case ObjectKind::rule:
    case ObjectKind::trigger:
    case ObjectKind::policy:
      return quote_identifier(object.name) + " ON " + parent_name(object, state);
    default:
      return qualified(object);
  }
}

}  // namespace

std::string qualified(const CatalogObject& object) {
  return quote_identifier(object.schema) + "." + quote_identifier(object.name);
}

std::string parent_name(const CatalogObject& object, const CatalogState& state) {
  const CatalogObject* parent = object.parent ? state.find(*object.parent) : nullptr;
  if (!parent) throw Error{Failure::bug, fmt::format("the catalog state lacks the table of \"{}\"", object.name)};
  return qualified(*parent);
}

std::string address(const CatalogObject& object, const CatalogState& state) {
  return word_of(object) + " " + address_of(object, state);
}

std::string describe(const CatalogObject& object, const CatalogState& state) {
  return to_string(object.kind) + " " + address_of(object, state);
}

std::string drop_statement(const CatalogObject& object, const CatalogState& state) {
  const bool part = object.kind == ObjectKind::column || object.kind == ObjectKind::constraint;
  if (!part) return "DROP " + address(object, state);
  return fmt::format("ALTER TABLE {} DROP {} {}", parent_name(object, state), word_of(object),
                     quote_identifier(object.name));
}

std::optional<std::string> create_statement(const CatalogObject& object, const CatalogState& state) {
  switch (object.kind) {
    case ObjectKind::schema:
      return "CREATE SCHEMA " + quote_identifier(object.name);
    case ObjectKind::extension:
      return create_extension(object);
    case ObjectKind::enum_type:
      return create_enum(object);
    case ObjectKind::domain:
      return create_domain(object);
    case ObjectKind::composite_type:
      return create_composite(object);
    case ObjectKind::sequence:
      return create_sequence(object);
    case ObjectKind::function:
      return function_definition(object);
    case ObjectKind::table:
      return create_table(object, state);
    case ObjectKind::column:
      return std::nullopt;
    case ObjectKind::constraint:
      return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", parent_name(object, state),
                         quote_identifier(object.name), object.fact("definition"));
    case ObjectKind::view:
    case ObjectKind::materialized_view:
      return create_view(object);
    case ObjectKind::policy:
      return create_policy(object, state);
    default:
      return without_semicolon(object.fact("definition"));
  }
}

std::string switch_statement(const CatalogObject& object, const CatalogState& state) {
  const std::string& how = object.fact("enabled");
  const char* verb = how == "D" ? "DISABLE" : how == "R" ? "ENABLE REPLICA" : how == "A" ? "ENABLE ALWAYS" : "ENABLE";
  return fmt::format("ALTER TABLE {} {} {} {}", parent_name(object, state), verb,
                     object.kind == ObjectKind::trigger ? "TRIGGER" : "RULE", quote_identifier(object.name));
}

std::string identity_clause(const CatalogObject& column) {
  return fmt::format("GENERATED {} AS IDENTITY (SEQUENCE NAME {}.{} {})", column.fact("identity"),
                     quote_identifier(column.fact("identity schema")), quote_identifier(column.fact("identity name")),
                     column.fact("identity options"));
}

std::string column_definition(const CatalogObject& column) {
  std::string sql = quote_identifier(column.name) + " " + column.fact("type");
  if (column.has("collation")) sql += " COLLATE " + column.fact("collation");
  if (column.has("default")) sql += " DEFAULT " + column.fact("default");
  if (column.has("generated")) sql += " GENERATED ALWAYS AS (" + column.fact("generated") + ") STORED";
  if (column.has("identity")) sql += " " + identity_clause(column);
  if (column.has("not null")) sql += " NOT NULL";
  return sql;
}

bool is_recreatable(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::function:
    case ObjectKind::constraint:
    case ObjectKind::index:
    case ObjectKind::view:
    case ObjectKind::materialized_view:
    case ObjectKind::rule:
    case ObjectKind::trigger:
    case ObjectKind::policy:
    case ObjectKind::statistics:
      return true;
    default:
      return false;
  }
}

std::vector<std::vector<std::string>> listed(const std::string& json) {
  std::vector<std::vector<std::string>> lists;
  if (json.empty()) return lists;
  for (const nlohmann::json& item : nlohmann::json::parse(json)) {
    std::vector<std::string> list;
    for (const nlohmann::json& part : item) list.push_back(part.is_string() ? part.get<std::string>() : part.dump());
    lists.push_back(std::move(list));
  }
  return lists;
}

bool lists_number(const std::string& list, int number) {
  return ("," + list + ",").find("," + std::to_string(number) + ",") != std::string::npos;
}

}  // namespace belay
