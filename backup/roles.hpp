// The roles that a dump refers to: whoever owns something in the database, may do something with it, granted it, or is
// named in a policy or by the database's own properties. A dump names them and never makes them.
#pragma once
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"

namespace belay {

struct ReferredRoles {
  std::vector<std::string> names;  ///< sorted, without the server's own pg_* roles
  /// Numbers of roles that privileges name and that do not exist: pg_dump writes the number, and a restore fails there.
  std::vector<std::string> gone;
};

/// Of the database that `db` is connected to, whose properties are `database`.
[[nodiscard]] ReferredRoles list_roles(Connection& db, const DatabaseProperties& database);

/// Statements that make `roles`, and whatever they are members of, again: attributes, memberships, settings, but no
/// passwords, which only a superuser may read. The server's own pg_* roles are left out. From catalogs that everybody
/// may read.
[[nodiscard]] std::vector<RoleDefinition> define_roles(Connection& db, const std::vector<std::string>& roles);

}  // namespace belay
