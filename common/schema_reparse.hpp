// Parsing recorded SQL once more: deparsed text is not a fixed point of dump and restore (`code IN ('a', 'b')` on a
// varchar column comes back with other casts), but what the server makes of it in a second pass is stable.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"

namespace belay {

struct ReparseRequest {
  const SchemaFact* fact;          ///< whose value is to be parsed
  const SchemaFingerprint* facts;  ///< where its neighbours (a column's type, a trigger's events) are looked up
};

/// What `db` prints after parsing each text, in order; none where it cannot be parsed there. Each is built on an empty
/// temporary stand-in, so that no table is locked or scanned, and everything is rolled back; an open transaction is
/// only lent, by a savepoint. Throws bug if the open transaction may not write.
[[nodiscard]] std::vector<std::optional<std::string>> reparse(Connection& db,
                                                              const std::vector<ReparseRequest>& requests);

/// How to build one expression on a stand-in and read it back.
struct Rebuild {
  std::string stand_in;  ///< statement that creates the stand-in; may be empty
  std::string create;    ///< one statement with the recorded text in it
  std::string read;      ///< query for the new text
};
/// None where there is nothing to build it on.
[[nodiscard]] std::optional<Rebuild> rebuild_of(const ReparseRequest& request);

/// The value of a fact, if it is there. `facts` is sorted.
[[nodiscard]] std::optional<std::string> fact_value(const SchemaFingerprint& facts, const std::string& kind,
                                                    const std::string& object, const std::string& attribute);
/// The quoted names that `path` begins with: `"a"."b"(integer)` has two.
[[nodiscard]] std::vector<std::string> path_names(const std::string& path);

}  // namespace belay
