#include "backup/trial.hpp"

#include <fmt/format.h>

#include "common/side_database.hpp"

namespace belay {

namespace {

/// Without a marker it may be any tool's that died between CREATE DATABASE and COMMENT; or another target's, whose long
/// name begins alike and whose run has just created it. Nothing that holds anything is taken for ours.
bool is_abandoned(const DatabaseUrl& url, Connection& maintenance, const SideDatabase& side, const Tool& tool) {
  const bool run_lives = maintenance
                             .maybe("SELECT 1 FROM pg_stat_activity WHERE application_name = 'belay/' || $1 LIMIT 1",
                                    {run_in_name(side.name)})
                             .has_value();
  if (run_lives) return false;
  if (maintenance.value("SELECT datconnlimit = -2 FROM pg_database WHERE datname = $1", {side.name}) == "t")
    return true;
  Connection inside{url, side.name, tool.session()};
  return holds_nothing(inside);
}

}  // namespace

void drop_dead_trials(const DatabaseUrl& url, Connection& maintenance, const std::string& database, Tool& tool) {
  // On a standby they are the primary's, and perhaps at work: locks are not replicated.
  if (maintenance.value("SELECT pg_is_in_recovery()") == "t") return;
  for (const SideDatabase& side : find_side_databases(maintenance, database)) {
    if (side.kept() || (side.marker && side.marker->tool != "backup-db")) continue;
    if (!side.marker && !is_abandoned(url, maintenance, side, tool)) continue;
    drop_side_database(maintenance, side.name);
    tool.out.note(fmt::format("Dropped \"{}\", which an interrupted trial restore had left.", side.name));
  }
}

}  // namespace belay
