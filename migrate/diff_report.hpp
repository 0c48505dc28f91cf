// The differences between folder and live schema, object by object, and how they read.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "common/output.hpp"
#include "migrate/diff_plan.hpp"
#include "migrate/touched.hpp"

namespace belay {

/// One object that differs; a table together with its columns, constraints, indexes, triggers, rules and policies.
struct ChangedObject {
  std::string kind;    ///< "table", "function", …
  std::string object;  ///< `"public"."orders"`; empty where only the number of objects of the kind is known
  std::optional<std::string> migration;  ///< the last one that touched it; none if none did
  std::vector<SchemaDifference> differences;
  [[nodiscard]] bool counts() const;  ///< not all of them are soft
};

struct DriftReport {
  std::vector<ChangedObject> objects;     ///< those that count first
  std::vector<std::string> not_compared;  ///< a line each
  std::vector<std::string> unfinished;    ///< invalid indexes, disabled triggers, … that no difference tells of
  [[nodiscard]] std::size_t counting() const;
};

/// Both sides: `expected` is what the folder makes, `found` the live schema.
struct SchemaPair {
  const SchemaFingerprint& expected;
  const SchemaFingerprint& found;
};

/// Groups what compare_schema found. Owner, rights and comment of the schema that is there before any migration
/// (public, or the URL's) are soft unless a migration touched it: whoever made the database gave it those.
[[nodiscard]] DriftReport report_drift(const SchemaPair& schemas, std::vector<SchemaDifference> differences,
                                       const TouchedObjects& touched, const std::string& history_schema);

/// "hard", "soft", or "danger": what the database has is not in force, and looks as if it were: an invalid index, a
/// disabled trigger, a constraint that was never validated, row security that is off.
[[nodiscard]] std::string weight_of(const SchemaDifference& difference);

/// Takes owners and privileges out of both, where the replayed objects could not be given to the live ones' owner.
void leave_out_roles(SchemaFingerprint& fingerprint);

[[nodiscard]] Result describe_drift(const DiffPlan& plan, const DriftReport& report);

}  // namespace belay
