// What others wrote since the backup: exactly before the deploy begins, "about" (by the server's statistics, the run's
// own writes included) after it. Before anything that would lose rows written since the backup, the tool says which
// tables and how many.
#pragma once
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"

namespace belay {

/// Counted row by row, but only in tables whose statistics moved since the snapshot: rows that the snapshot does not
/// see, and rows that it saw and are gone. A line per table that changed. _prisma_migrations in `history_schema` is
/// left out.
[[nodiscard]] std::vector<std::string> count_writes_since(Connection& db, const Manifest& manifest);

/// By statistics alone: a line per table whose counters moved since the snapshot.
[[nodiscard]] std::vector<std::string> estimate_writes_since(Connection& db, const Manifest& manifest);

}  // namespace belay
