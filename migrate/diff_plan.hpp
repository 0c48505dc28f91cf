// What `migrate-production diff` replays, decided from folder and history alone.
#pragma once
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct DiffPlan {
  std::filesystem::path folder;
  std::vector<PendingMigration> replay;  ///< the applied ones, in the folder's order
  // Names, in the order of the folder. All but the pending ones may explain a difference.
  std::vector<std::string> pending;      ///< not replayed
  std::vector<std::string> failed;       ///< not replayed; what of it took effect is a difference
  std::vector<std::string> rolled_back;  ///< not replayed
  std::vector<std::string> edited;       ///< replayed as the file is now
  std::vector<std::string> missing;      ///< applied, and no readable file: compared without it
};

/// What is to be done about migrations that would change something outside the side database.
enum class OutsideEffects {
  refused,  ///< the side database is on a server that matters
  allowed   ///< --side-server was given
};

/// Throws refused: P3019; P3005, where objects are there and no history; a migration that reaches, or may reach, beyond
/// its database, with line and reason.
[[nodiscard]] DiffPlan plan_diff(const MigrationFacts& facts, OutsideEffects policy);

/// Extensions that a migration makes only where they are not there yet, and that `live` has in a schema that every new
/// database has: an administrator may have made them before the first migration.
[[nodiscard]] std::vector<std::string> extensions_made_before(const DiffPlan& plan, const SchemaFingerprint& live);

/// A sentence for each thing that the comparison does without.
[[nodiscard]] std::vector<std::string> reservations(const DiffPlan& plan);

}  // namespace belay
