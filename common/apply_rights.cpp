// "permission denied" turned into the line that would have prevented it. The message holds the object's bare name; its
// schema is known only if the statement names the same object with one.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "common/apply_failure.hpp"
#include "common/ascii.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

bool starts(const std::string& text, std::string_view with) { return std::string_view{text}.starts_with(with); }

/// Quoted only where it has to be, so that the line reads as people write it. Whether a word is reserved, the server's
/// parser knows.
std::string name_as_written(const std::string& name) {
  const bool plain = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
                     });
  return plain && parse_script("TABLE " + name).parsed ? name : quote_identifier(name);
}

/// With the schema that the statement writes, if it speaks of the same object.
std::string with_schema(const std::string& name, const Statement& statement) {
  const std::string& object = statement.object;
  const std::string tail = "." + name;
  if (object.size() <= tail.size() || object.compare(object.size() - tail.size(), tail.size(), tail) != 0)
    return name_as_written(name);
  return name_as_written(object.substr(0, object.size() - tail.size())) + "." + name_as_written(name);
}

std::string table_privileges(const std::string& kind) {
  if (kind == "SELECT" || kind == "INSERT" || kind == "TRUNCATE") return kind;
  if (kind == "UPDATE" || kind == "DELETE") return "SELECT, " + kind;
  if (kind == "CREATE TABLE" || kind == "ALTER TABLE") return "REFERENCES";
  if (kind == "CREATE TRIGGER") return "TRIGGER";
  return "ALL PRIVILEGES";
}

struct ObjectKind {
  std::string_view in_message;
  const char* in_grant;
  const char* privileges;  ///< nullptr = by statement
};
constexpr std::array<ObjectKind, 15> object_kinds{{{"table ", "TABLE", nullptr},
                                                   {"view ", "TABLE", nullptr},
                                                   {"materialized view ", "TABLE", nullptr},
                                                   {"foreign table ", "TABLE", nullptr},
                                                   {"sequence ", "SEQUENCE", "USAGE, SELECT, UPDATE"},
                                                   {"schema ", "SCHEMA", nullptr},
                                                   {"database ", "DATABASE", "CREATE"},
                                                   {"function ", "FUNCTION", "EXECUTE"},
                                                   {"procedure ", "PROCEDURE", "EXECUTE"},
                                                   {"type ", "TYPE", "USAGE"},
                                                   {"domain ", "DOMAIN", "USAGE"},
                                                   {"language ", "LANGUAGE", "USAGE"},
                                                   {"tablespace ", "TABLESPACE", "CREATE"},
                                                   {"foreign-data wrapper ", "FOREIGN DATA WRAPPER", "USAGE"},
                                                   {"foreign server ", "FOREIGN SERVER", "USAGE"}}};

std::string grant_line(const std::string& object, const Statement& statement, const std::string& role) {
  for (const ObjectKind& kind : object_kinds) {
    if (!starts(object, kind.in_message)) continue;
    const std::string name = object.substr(kind.in_message.size());
    const bool schema = kind.in_message == "schema ";
    const bool creates =
        starts(statement.kind, "CREATE") || starts(statement.kind, "ALTER") || starts(statement.kind, "SELECT INTO");
    const std::string privileges = kind.privileges != nullptr ? kind.privileges
                                   : schema                   ? (creates ? "USAGE, CREATE" : "USAGE")
                                                              : table_privileges(statement.kind);
    const std::string shown = schema ? name_as_written(name) : with_schema(name, statement);
    return fmt::format("GRANT {} ON {} {} TO {};", privileges, kind.in_grant, shown, role);
  }
  return {};
}

std::string owner_line(const std::string& object, const Statement& statement, const std::string& role) {
  constexpr std::array kinds{"table",     "view",     "materialized view", "foreign table", "sequence",   "schema",
                             "database",  "function", "procedure",         "type",          "domain",     "relation",
                             "aggregate", "language", "tablespace",        "collation",     "publication"};
  for (const std::string kind : kinds) {
    if (!starts(object, kind + " ")) continue;
    const std::string name = object.substr(kind.size() + 1);
    return fmt::format("ALTER {} {} OWNER TO {};", kind == "relation" ? "TABLE" : upper(kind),
                       with_schema(name, statement), role);
  }
  return {};
}

/// The text between the first two double quotes.
std::string quoted_in(const std::string& message) {
  const std::size_t from = message.find('"');
  const std::size_t to = message.rfind('"');
  return from == std::string::npos || to <= from ? "" : message.substr(from + 1, to - from - 1);
}

}  // namespace

std::string missing_right(const std::string& server_message, const Statement& statement, const std::string& role_name) {
  const std::string role = name_as_written(role_name);
  const auto after = [&](std::string_view words) { return server_message.substr(words.size()); };
  if (starts(server_message, "permission denied for "))
    return grant_line(after("permission denied for "), statement, role);
  if (starts(server_message, "must be owner of ")) return owner_line(after("must be owner of "), statement, role);
  if (starts(server_message, "permission denied to create database"))
    return fmt::format("ALTER ROLE {} CREATEDB;", role);
  if (starts(server_message, "permission denied to create role")) return fmt::format("ALTER ROLE {} CREATEROLE;", role);
  if (starts(server_message, "permission denied to create extension")) {
    return fmt::format("CREATE EXTENSION {};", name_as_written(quoted_in(server_message)));
  }
  if (starts(server_message, "must be member of role ") || starts(server_message, "must be able to SET ROLE ")) {
    return fmt::format("GRANT {} TO {};", name_as_written(quoted_in(server_message)), role);
  }
  return {};
}

}  // namespace belay
