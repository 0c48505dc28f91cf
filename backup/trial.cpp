#include "backup/trial.hpp"

#include <fmt/format.h>

#include "common/side_database.hpp"

namespace belay {

void drop_dead_trials(Connection& maintenance, const std::string& database, Tool& tool) {
  // On a standby they are the primary's, and perhaps at work: locks are not replicated.
  if (maintenance.value("SELECT pg_is_in_recovery()") == "t") return;
  for (const SideDatabase& side : find_side_databases(maintenance, database)) {
    if ((side.marker && side.marker->tool != "backup-db") || !is_abandoned(maintenance, side)) continue;
    drop_side_database(maintenance, side.name);
    tool.out.note(fmt::format("Dropped \"{}\", which an interrupted trial restore had left.", side.name));
  }
}

}  // namespace belay
