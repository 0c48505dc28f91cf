// The restored history beside the migrations folder: what the next deploy will do, and what would stop it.
#pragma once
#include "common/history.hpp"
#include "common/run_context.hpp"

namespace belay {

struct HistoryState {
  std::vector<std::string> pending;          ///< the next deploy applies them
  std::vector<std::string> failed;           ///< the next deploy stops at them (P3009)
  std::vector<std::string> missing_locally;  ///< applied, and not in the folder
  std::vector<std::string> edited;           ///< applied, and changed in the folder since
};
/// Pure.
[[nodiscard]] HistoryState judge_history(const std::vector<JoinedMigration>& migrations);

/// Throws usage or refused where resync_history could not find the folder: before anything is done.
void require_folder(const CommonOptions& options);

/// Reads the history of the context's database as it is now and the migrations folder, adds what they say to `result`,
/// and offers to mark failed migrations as rolled back, as `prisma migrate resolve --rolled-back` does: with --force it
/// is done, on a terminal it is asked, otherwise the command is printed. The restore is done by now: what cannot be
/// looked at is a warning.
void resync_history(RunContext& context, const CommonOptions& options, Tool& tool, Result& result);

}  // namespace belay
