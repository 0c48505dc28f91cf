// What stands in a database's catalog at one moment, keyed by what PostgreSQL itself calls an object: catalog, OID and
// column number. Two such states of one database tell a rename from a drop and a create, which no comparison by name
// can.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay {

enum class ObjectKind {
  schema,
  extension,
  enum_type,
  domain,
  composite_type,
  sequence,
  function,
  table,
  column,
  constraint,
  index,
  view,
  materialized_view,
  rule,
  trigger,
  policy,
  statistics
};
/// "table", "materialized view", … as an operator would say it.
[[nodiscard]] std::string to_string(ObjectKind kind);

/// pg_depend's identity of an object.
struct ObjectId {
  std::string catalog;  ///< "pg_class", "pg_type", …
  std::uint32_t oid = 0;
  int sub = 0;  ///< attnum of a column, else 0
  auto operator<=>(const ObjectId&) const = default;
};

/// One object with all that is needed to make it again. Texts are printed under an empty search_path, so that every
/// name in them carries its schema.
struct CatalogObject {
  ObjectId id;
  ObjectKind kind = ObjectKind::table;
  std::string schema;  ///< as it is, without quotes; empty where the kind has none
  std::string name;
  std::optional<ObjectId> parent;            ///< the table of a column, constraint, index, trigger, …
  std::map<std::string, std::string> facts;  ///< by name; a fact that is not there is the default
  [[nodiscard]] bool has(const std::string& fact) const { return facts.contains(fact); }
  /// The fact, or an empty text.
  [[nodiscard]] const std::string& fact(const std::string& name) const;
};

/// `dependent` cannot be without `referenced`.
struct Dependency {
  ObjectId dependent, referenced;
};

/// What new objects of a role will be granted (ALTER DEFAULT PRIVILEGES).
struct DefaultPrivileges {
  std::string role;     ///< whose new objects, quoted where needed
  std::string schema;   ///< where, without quotes; empty = in all of them
  std::string objects;  ///< "TABLES", "FUNCTIONS", …
  std::string rights;   ///< JSON: a list of [grantee, privilege, grantable]
  std::string usual;    ///< the same, as it is where nothing was said
};

struct CatalogState {
  std::string role;  ///< whose new objects become, quoted where needed
  std::map<ObjectId, CatalogObject> objects;
  std::vector<DefaultPrivileges> default_privileges;
  std::set<std::string> extension_functions;  ///< names of functions that belong to extensions
  std::vector<Dependency> dependencies;       ///< between objects of this state, and not on itself
  [[nodiscard]] const CatalogObject* find(const ObjectId& id) const;
  /// The parts of `parent` that are of `kind`, in the order of their numbers.
  [[nodiscard]] std::vector<const CatalogObject*> parts(const ObjectId& parent, ObjectKind kind) const;
};

/// Reads the state of the connected database without what belongs to extensions, system schemas and the history table
/// in `history_schema`. In a transaction of its own unless one is open. Throws ServerError.
[[nodiscard]] CatalogState read_catalog_state(Connection& db, const std::string& history_schema);

}  // namespace belay
