// A migration's reversal, derived from what the catalog held before it and after it. Pure: nothing here asks a server.
//
// It is done in rounds, on a side database. "Clearing" drops what the migration made and gives what it renamed its old
// name; then the catalog is read again, and by then an expression that differs does so in more than the names in it.
// "Rebuilding" makes again what the migration dropped, and changes back what it changed. What comes out is only ever a
// proposal: whether it is right is for the proof to say.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rollback/catalog_state.hpp"

namespace belay {

/// What a statement of a reversal does to rows.
enum class RowLoss {
  none,           ///< the catalog only, or something that is built again from what is there
  down_loses,     ///< discards what was written since the migration
  down_may_fail,  ///< rows written since may not let it run
  up_lost,        ///< the migration destroyed rows or values; only the structure comes back
  conversion      ///< values are converted back, which may fail or not be exact
};
[[nodiscard]] std::string to_string(RowLoss loss);

struct ReversalStatement {
  std::string sql;      ///< one statement without its semicolon
  std::string purpose;  ///< in words for people
  RowLoss loss = RowLoss::none;
  std::string count = {};    ///< a query for one number, to be asked before the reversal; empty = nothing to count
  std::string counted = {};  ///< what that number is, e.g. "rows"
  /// The dropped column whose new rows have to have a value by then; none for every other statement.
  std::optional<ObjectId> requires_values = {};
};

struct Derivation {
  std::vector<ReversalStatement> statements;
  std::vector<std::string> not_derivable;  ///< kind and name of what no statement could be derived for, and why
};

/// Objects that the migration made anew without their being other ones: ALTER COLUMN TYPE gives a table's indexes and
/// constraints new OIDs. From the new identity to the old.
using SameObjects = std::map<ObjectId, ObjectId>;
[[nodiscard]] SameObjects same_objects(const CatalogState& before, const CatalogState& after);
/// `state` with those under their old identity.
[[nodiscard]] CatalogState renumbered(CatalogState state, const SameObjects& same);

/// Drops what is in `now` and was not in `before`, and renames back. Nothing is left to do where no statement comes
/// out; else it is to be asked again after they ran.
[[nodiscard]] Derivation derive_clearing(const CatalogState& before, const CatalogState& now);
/// After clearing. `after`: the state right after the migration, in whose names the numbers are asked for.
[[nodiscard]] Derivation derive_rebuilding(const CatalogState& before, const CatalogState& now,
                                           const CatalogState& after);

}  // namespace belay
