// The way back that keeps what others write: a reversal of each migration, tried in the rehearsal right after the
// migration, in a transaction that is rolled back.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/fingerprint.hpp"
#include "common/output.hpp"
#include "common/script.hpp"
#include "rollback/catalog_state.hpp"
#include "rollback/reverse.hpp"

namespace belay {

/// A table or column that the run has made. Taking the migrations back discards what others wrote there since.
struct NewPlace {
  std::string table;   ///< quoted, with its schema
  std::string column;  ///< quoted; empty = the whole table
  std::string usual;   ///< the expression of the column's default; empty = NULL
};
/// What is in `after` and was not in `before`: two states of one database. Columns that are computed are left out.
[[nodiscard]] std::vector<NewPlace> new_places(const CatalogState& before, const CatalogState& after);

struct ProvenReversal {
  std::string migration;
  std::string script;
  std::vector<NewPlace> places;  ///< of the whole run, as they are called when this migration is the last
};
[[nodiscard]] Json to_json(const std::vector<ProvenReversal>& reversals);
/// Throws Json::exception.
[[nodiscard]] std::vector<ProvenReversal> reversals_from_json(const Json& json);

/// Why the reversal might lose something although it comes back to the schema; empty if it loses nothing but what is in
/// new places.
[[nodiscard]] std::string what_it_loses(const std::vector<ReversalStatement>& statements);
/// The same of one that somebody wrote: rows or types that it changes.
[[nodiscard]] std::string what_it_loses(const Script& written, const CatalogState& before, const CatalogState& after);

/// Runs it in a transaction of `db` and leaves that open. Throws ServerError.
void run_reversal(Connection& db, const std::string& script, const ApplySettings& settings);
/// Runs it, compares the schema with `before`, and rolls back. Returns why it is not proven; empty = it is.
[[nodiscard]] std::string try_reversal(Connection& db, const std::string& script, const SchemaFingerprint& before,
                                       const ApplySettings& settings);

}  // namespace belay
