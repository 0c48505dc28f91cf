// What a database has besides its objects: owner, privileges, settings, comment, connection limit, encoding and locale.
// They stay with the old database when names are swapped, so they are read, put on the side database, and compared.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/output.hpp"

namespace belay {

struct DatabaseSetting {
  std::optional<std::string> role;  ///< none = ALTER DATABASE … SET, else ALTER ROLE … IN DATABASE … SET
  std::string name;
  std::string value;  ///< as pg_db_role_setting holds it
  auto operator<=>(const DatabaseSetting&) const = default;
};

struct DatabaseGrant {
  std::string grantor;
  std::optional<std::string> grantee;  ///< none = PUBLIC
  std::string privilege;               ///< CREATE, CONNECT, TEMPORARY
  bool grantable = false;
  auto operator<=>(const DatabaseGrant&) const = default;
};

struct DatabaseProperties {
  std::string name;
  std::string owner;
  std::string encoding;
  std::string locale_provider;  ///< "libc", "icu" or "builtin"; empty before PostgreSQL 15, where there is only libc
  std::string collate, ctype;
  std::optional<std::string> icu_locale;
  std::optional<std::string> collation_version;
  std::string tablespace;
  int connection_limit = -1;
  bool is_template = false;
  std::optional<std::string> comment;
  bool default_privileges = true;         ///< datacl is NULL
  std::vector<DatabaseGrant> grants;      ///< sorted; empty where default_privileges
  std::vector<DatabaseSetting> settings;  ///< sorted
  std::uint64_t size_bytes = 0;           ///< pg_database_size; not a property to compare
  std::string lc_monetary;                ///< as a session of this database has it
};

/// Reads them through any session of the same server. std::nullopt if there is no such database.
[[nodiscard]] std::optional<DatabaseProperties> read_properties(Connection& db, const std::string& name);

/// CREATE DATABASE name TEMPLATE template0 with encoding and locale of `like`. Cannot run in a transaction.
[[nodiscard]] std::string create_statement(const std::string& name, const DatabaseProperties& like);

/// Puts owner, privileges, settings, connection limit and comment of `properties` on the database `name`, inside the
/// caller's transaction. `name` must be fresh (nothing of these set yet).
void apply_properties(Connection& db, const std::string& name, const DatabaseProperties& properties);

/// "SET name TO value" for ALTER DATABASE or ALTER ROLE, from what pg_db_role_setting holds.
[[nodiscard]] std::string set_clause(const std::string& name, const std::string& value);

struct PropertyDifference {
  std::string name;
  std::string expected, found;  ///< as JSON
};
/// What differs; name, size, lc_monetary and collation version are no properties to compare.
[[nodiscard]] std::vector<PropertyDifference> differing_properties(const DatabaseProperties& expected,
                                                                   const DatabaseProperties& found);
/// The same, a line each.
[[nodiscard]] std::vector<std::string> compare_properties(const DatabaseProperties& expected,
                                                          const DatabaseProperties& found);

[[nodiscard]] Json to_json(const DatabaseProperties& properties);
/// Throws storage if a field is missing or of the wrong type.
[[nodiscard]] DatabaseProperties properties_from_json(const Json& json);

}  // namespace belay
