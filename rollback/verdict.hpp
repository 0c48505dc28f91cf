// What a proof means: how it reads, and whether the reversal may be run. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/output.hpp"
#include "rollback/data_trial.hpp"
#include "rollback/proof.hpp"

namespace belay {

struct Judged {
  const std::string& name;  ///< of the migration
  const ProofResult& proof;
  const std::vector<Counted>& counts;              ///< one per statement of a derived reversal
  std::string source;                              ///< "derived", or the file it was read from
  const std::vector<MeasuredStatement>& measured;  ///< of the reversal: on real rows where it was tried on them
  bool accept_drift = false;
};

/// The reversal, what it loses, and what the proof found, for people and for programs.
[[nodiscard]] Result describe_proof(const Judged& judged);
/// What came of trying it on real rows.
[[nodiscard]] Result describe_trial(const DataTrial& trial);
[[nodiscard]] std::optional<Error> refusal(const DataTrial& trial);
/// Why it is not run; none if it may be.
[[nodiscard]] std::optional<Error> refusal(const Judged& judged);

}  // namespace belay
