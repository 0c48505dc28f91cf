// restore-database from its options to its result.
#pragma once
#include "backup/take.hpp"
#include "restore/guarded_swap.hpp"
#include "restore/options.hpp"
#include "restore/plan.hpp"

namespace belay {

int run_restore(const RestoreOptions& options, Tool& tool);

/// Builds, proves and swaps in what `facts` names: Steps 2 to 5, without any question. The caller holds the run lock.
/// `hold`, the session with Prisma's lock (none where the target does not exist), is closed right before the swap.
/// `guard`: what guard_swap gave.
[[nodiscard]] RebuildReport restore_backup(const RestoreFacts& facts, const RestorePlan& plan, RunContext& context,
                                           const CommonOptions& options, std::optional<Connection>& hold,
                                           std::optional<GuardedSwap>& guard, Tool& tool, Journal& journal);

/// A session on the target that holds Prisma's lock, so that nobody deploys into a database that is about to be swapped
/// away. None where there is no target.
[[nodiscard]] std::optional<Connection> hold_off_deploys(const RunContext& context, const Tool& tool);

/// Without the replicas, which only the caller knows of.
[[nodiscard]] Result show_restored(const RestorePlan& plan, const RestoreFacts& facts, const RebuildReport& report,
                                   const std::optional<GuardedSwap>& guard,
                                   const std::optional<std::filesystem::path>& pre_restore);

/// The backup of the present state that a restore begins with.
[[nodiscard]] BackupReport back_up_before_restore(const std::filesystem::path& folder, const std::string& purpose,
                                                  RunContext& context, const CommonOptions& options, Tool& tool);
/// Counts what the restore would take away; none where the target does not exist, or holds nothing. `present`: the
/// backup just taken.
[[nodiscard]] std::optional<GuardedSwap> guard_swap(RunContext& context, const RestoreFacts& facts,
                                                    const RestorePlan& plan, const std::optional<BackupReport>& present,
                                                    const CommonOptions& options, Tool& tool);
/// What will be replaced, and what would be lost by it.
[[nodiscard]] std::string restore_question(const RunContext& context, const RestoreFacts& facts,
                                           const RestorePlan& plan, const std::optional<GuardedSwap>& guard,
                                           const Tool& tool);
/// Asks before a restore: `RESTORE` in production, else yes. Throws cancelled for no, refused where nobody can be asked
/// and --force is missing.
void confirm_restore(Tool& tool, const CommonOptions& options, const std::string& question);
/// Throws refused at once, before any work, where a question will come and nobody could answer it.
void require_answerable(const CommonOptions& options);

}  // namespace belay
