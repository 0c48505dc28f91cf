// A swap that takes nothing away unsaid: what would be lost is counted and shown before it, and the swap happens only
// if nobody wrote since. A witness tells (restore/writes): it is read with the count, and again when nobody is
// connected any more.
//
// What is true if the process dies: the swap's own header says it; counting changes nothing.
#pragma once
#include "common/options.hpp"
#include "common/run_context.hpp"
#include "restore/swap.hpp"
#include "restore/writes.hpp"

namespace belay {

class GuardedSwap {
 public:
  /// Counts, in a target that exists. Everything given by reference has to outlive it.
  GuardedSwap(const RunContext& context, EarlierState then, const CommonOptions& options, Tool& tool);

  /// As last counted and shown.
  [[nodiscard]] const Loss& loss() const { return count_.loss; }
  /// Others wrote meanwhile: counted again; if it is more, shown and asked again. At most three times; then it throws
  /// failed with nothing swapped, or under --force swaps all the same, and counts in the kept database what had not
  /// been shown. Throws as swap_databases, or cancelled.
  SwapReport swap(Connection& maintenance, SwapRequest request);
  /// After a swap: what was written between the last count and the swap.
  [[nodiscard]] const Loss& unannounced() const { return unannounced_; }

  /// What a result says of all this.
  void add_to(Result& result) const;

 private:
  void count_again();
  void count_unannounced(const std::string& kept);
  [[noreturn]] void give_up() const;

  const RunContext& context_;
  const EarlierState then_;
  const CommonOptions& options_;
  Tool& tool_;
  Count count_;
  Loss unannounced_;
  std::string kept_;         ///< the old database's name, after the swap
  std::string not_counted_;  ///< why what was not shown could not be counted
};

/// The backup that `facts` names, as what the present target is compared with. `present`: a backup of the target taken
/// a moment ago.
struct RestoreFacts;
[[nodiscard]] EarlierState state_of_backup(const RestoreFacts& facts, const std::string& target_oid,
                                           const std::optional<Manifest>& present);

/// A line each, for people.
[[nodiscard]] std::string indented(const std::vector<std::string>& lines);
/// Lines with their heading, or one that says that nothing would be lost.
[[nodiscard]] std::string describe_question(const Loss& loss);

}  // namespace belay
