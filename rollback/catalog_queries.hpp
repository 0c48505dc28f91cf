// The queries behind a catalog state: one per kind of object.
#pragma once
#include <string>
#include <vector>

#include "rollback/catalog_state.hpp"

namespace belay {

struct CatalogQuery {
  ObjectKind kind;
  std::string sql;  ///< columns: catalog, oid, sub, schema, name, parent_oid (of pg_class; NULL = none), facts (JSON)
};

/// All of them need schema_prelude in front.
[[nodiscard]] std::vector<CatalogQuery> catalog_queries(int server_version);
/// Columns role, schema (NULL = in all of them), objects, rights, usual, as in DefaultPrivileges.
[[nodiscard]] std::string default_privileges_query();
/// Columns dc, dn, ds (dependent: catalog, OID, column) and rc, rn, rs (referenced), in terms of what a state holds:
/// a view's rule is the view, a column's default the column, a constraint's index the constraint, an array its element.
[[nodiscard]] std::string dependency_query();

}  // namespace belay
