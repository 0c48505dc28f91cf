// The migrations that are taken back together, each with what is known of its reversal, and how all of it reads. Pure
// but for LostData, which holds a session.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rollback/data_trial.hpp"
#include "rollback/lost_data.hpp"
#include "rollback/plan.hpp"
#include "rollback/verdict.hpp"
#include "rollback/written.hpp"

namespace belay {

/// One of the migrations on their way back.
struct ReversalStep {
  explicit ReversalStep(RollbackPlan what_it_is) : plan(std::move(what_it_is)) {}
  RollbackPlan plan;
  std::optional<WrittenReversal> written;
  std::optional<ProofResult> proof;
  std::vector<Counted> counts;
  std::vector<MeasuredStatement> measured;
  std::unique_ptr<LostData> lost;  ///< none where it cannot be run anyway
  [[nodiscard]] const std::string& name() const { return plan.migration.name; }
  [[nodiscard]] std::string source() const { return written ? written->file.string() : "derived"; }
};

struct ReversalChain {
  std::vector<ReversalStep> steps;  ///< in the order in which they are run: what was applied last comes first
  bool already = false;             ///< the live schema is so already: only the history is written
  std::optional<DataTrial> trial;   ///< of all of them, one after the other
  [[nodiscard]] std::vector<std::string> names() const;
};

/// Only of a step that has its proof.
[[nodiscard]] Judged judged(const ReversalStep& step, bool accept_drift);
/// Why they are not run, the first reason; none if the proofs let them.
[[nodiscard]] std::optional<Error> refusal(const ReversalChain& chain, bool accept_drift);
/// All that was found out.
[[nodiscard]] Result describe(const ReversalChain& chain, bool accept_drift);
/// For --dry-run.
[[nodiscard]] Result show_planned(const ReversalChain& chain, Result shown);
/// For --write-down.
[[nodiscard]] Result show_written(Result shown, const std::vector<std::filesystem::path>& files);

struct TakenBack {
  std::optional<std::filesystem::path> backup;
  std::vector<std::filesystem::path> moved;  ///< where folders are now
  bool history_deleted = false;
};
[[nodiscard]] Result show_taken_back(const ReversalChain& chain, Result shown, const TakenBack& done);

}  // namespace belay
