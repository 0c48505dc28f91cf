// From a backup to a proven database in the target's place: create (or take over) a side database, load, prove, swap.
// restore-database, the put-back of migrate-production and rollback-migration --restore-backup all go this way.
#pragma once
#include <functional>

#include "common/journal.hpp"
#include "common/run_context.hpp"
#include "restore/compare.hpp"
#include "restore/guarded_swap.hpp"
#include "restore/swap.hpp"

namespace belay {

struct RebuildRequest {
  LoadRequest load;
  std::string target;
  Marker marker;                    ///< of the side database; its step is set as things go on
  std::optional<std::string> kept;  ///< name for the old target; none = there is no target
  SideKind kept_kind = SideKind::before;
  DatabaseProperties properties;  ///< what the new target gets
  bool side_exists = false;       ///< an empty one, made before by this run
  GuardedSwap* guard = nullptr;   ///< what would be lost was counted and agreed to; null = the swap asks nobody
  std::string kept_clause = {};   ///< of ALTER DATABASE, for the kept one; empty = nothing is changed
  std::optional<SwapWitness> witness = {};  ///< where there is no guard: the swap looks whether others wrote since
};

struct RebuildReport {
  Proof proof;
  SwapReport swap;
  std::optional<std::string> kept;  ///< the old target under its new name; none = there is none (any more)
  std::string lsn;                  ///< of the WAL, once the swap was in it; empty = could not be read
  int replicas = 0;  ///< physical ones: their sessions go on reading the old database, and this was not verified there
  std::vector<std::string> property_differences;  ///< after the swap, against what was asked for; empty is right
};

/// Runs `look`, and runs it again if its session breaks, until the server answers (30 s): what was committed before
/// does not depend on it.
void look_until_answered(const std::function<void()>& look);

/// Tries owner, privileges and every setting on the empty side database and rolls back. Throws refused: found out at
/// the swap it would be too late.
void require_properties_settable(Connection& maintenance, const std::string& side,
                                 const DatabaseProperties& properties);

/// A side database while it is being built. Its steps, "restoring" and "verified", are marked on the server before each
/// begins, so whoever finds it after a kill knows how far it had come. Unless proven it is dropped at the end, if this
/// run made it.
class SideBuild {
 public:
  /// Makes it, or takes over the one that is there, and finds out whether it can be reached and given the target's
  /// properties. Throws refused: nothing was changed.
  SideBuild(Connection& maintenance, const RebuildRequest& request, Tool& tool, Journal& journal);
  ~SideBuild();
  SideBuild(const SideBuild&) = delete;
  SideBuild& operator=(const SideBuild&) = delete;
  /// Throws failed or storage with the target untouched.
  void load();
  /// The same. From here on the side database is the caller's.
  [[nodiscard]] Proof prove();

 private:
  void create(const Marker& marker);
  void require_reachable() const;
  Connection& maintenance_;
  const RebuildRequest& request_;
  Tool& tool_;
  Journal& journal_;
  bool ours_ = false;
};

/// All of it. Throws failed or storage with the target untouched and the side database dropped.
[[nodiscard]] Proof build_side(Connection& maintenance, const RebuildRequest& request, Tool& tool, Journal& journal);
/// After the swap nothing throws but a lost connection. Not swapped, because others wrote: report.swap.done is false.
[[nodiscard]] RebuildReport swap_in(Connection& maintenance, const RebuildRequest& request, const Proof& proof,
                                    Tool& tool, Journal& journal);

}  // namespace belay
