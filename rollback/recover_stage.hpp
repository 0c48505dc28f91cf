// Rows of a backup, as text, in temporary tables of a session on the target. They are gone with the session.
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"
#include "common/pg_tools.hpp"
#include "common/run_tool.hpp"
#include "rollback/recover_plan.hpp"

namespace belay {

struct StageRequest {
  const std::filesystem::path& archive;  ///< in custom format
  const Manifest& manifest;
  const PgTool& pg_restore;
  std::size_t place;  ///< part of the tables' names
};

/// Makes a table for every item (and names it there), and fills it. `db`: idle. Throws storage for a damaged archive,
/// or one that does not hold what its manifest says; ServerError.
void stage_rows(Connection& db, const StageRequest& request, std::vector<RecoverItem>& items, Tool& tool);

}  // namespace belay
