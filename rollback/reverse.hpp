// A reversal: where its SQL comes from, and what it says.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "rollback/derive.hpp"

namespace belay {

struct DerivedReversal {
  std::vector<ReversalStatement> statements;
  std::vector<std::string> not_derivable;  ///< a line each; empty = the statements are all there is to it
};

/// Derives it in `db`, a side database that stands right after the migration, by trying: everything is rolled back.
/// Throws ServerError only where the connection is lost.
[[nodiscard]] DerivedReversal derive_reversal(Connection& db, const CatalogState& before, const CatalogState& after,
                                              const std::string& history_schema);

/// The statements as a script, each with what it is for in a comment above.
[[nodiscard]] std::string script_of(const std::vector<ReversalStatement>& statements);

}  // namespace belay
