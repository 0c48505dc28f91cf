// What a proof means: how it reads, and whether the reversal may be run. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/output.hpp"
#include "rollback/proof.hpp"

namespace belay {

/// The live database's answer to a statement's question.
struct Counted {
  std::optional<std::uint64_t> number;
  std::string why_not;  ///< the server's message where it could not be counted
};

struct Judged {
  const std::string& name;  ///< of the migration
  const ProofResult& proof;
  const std::vector<Counted>& counts;  ///< one per statement of a derived reversal
  std::string source;                  ///< "derived", or the file it was read from
  bool accept_drift = false;
};

/// The reversal, what it loses, and what the proof found, for people and for programs.
[[nodiscard]] Result describe_proof(const Judged& judged);
/// Why it is not run; none if it may be.
[[nodiscard]] std::optional<Error> refusal(const Judged& judged);

}  // namespace belay
