// What of a script that failed half-way took effect: as many of its units, from the first, as are committed together.
#pragma once
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "common/script.hpp"

namespace belay {

/// Statements that are there all or not at all: one of its own, or a BEGIN with everything up to its COMMIT.
struct ScriptUnit {
  std::string text;
  std::size_t statements = 0;
};
/// In the order of the script. A script that the parser does not understand, or that is one transaction, is one unit.
[[nodiscard]] std::vector<ScriptUnit> units_of(const Script& script);

/// If all that `differences` say is that `live` has indexes more, and these are not valid: their names, ready for SQL.
/// A CREATE INDEX CONCURRENTLY that failed leaves such a one. Empty if they say anything else.
[[nodiscard]] std::vector<std::string> only_invalid_indexes(const std::vector<SchemaDifference>& differences,
                                                            const SchemaFingerprint& live);

}  // namespace belay
