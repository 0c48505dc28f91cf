// The ways that a guarded run can be told to go, each ready to be disturbed.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tests/fault/sweep.hpp"

namespace belay::test {

struct Way {
  std::string name;
  Owner owner = Owner::plain;
  std::function<Sweep(Bench&)> sweep;
};

/// A guarded run's words with the rehearsal that bench.guarded() leaves out.
[[nodiscard]] std::vector<std::string> rehearsed(std::vector<std::string> argv);

/// The second of two migrations fails, and what is run then is good.
[[nodiscard]] Sweep failing_run(Bench& bench);
/// Two good migrations, --read-only, with hooks, a health check and a copy of the backup elsewhere.
[[nodiscard]] Sweep read_only_with_everything(Bench& bench);
/// --read-only, the second migration fails, the backup is restored.
[[nodiscard]] Sweep read_only_failing(Bench& bench);
/// --read-only, rehearsed; the health check fails after the deploy, and proven reversals take it back.
[[nodiscard]] Sweep taken_back_by_reversals(Bench& bench);
/// --read-only, rehearsed; the second migration fails on the target alone, and a reversal takes the first one back.
[[nodiscard]] Sweep half_taken_back(Bench& bench);
/// --read-only, rehearsed and with a spare; the second migration fails on the target alone.
[[nodiscard]] Sweep swapped_for_the_spare(Bench& bench);
/// --spare without a rehearsal; everything is applied, and then does not pass verification.
[[nodiscard]] Sweep not_verified(Bench& bench);
/// By psql, which writes the history itself; the second migration fails.
[[nodiscard]] Sweep failing_command(Bench& bench);
/// The verb `rehearse`.
[[nodiscard]] Sweep rehearsal_alone(Bench& bench);
/// --read-only; the rehearsal fails.
[[nodiscard]] Sweep refused_by_rehearsal(Bench& bench);

/// All of them.
[[nodiscard]] const std::vector<Way>& ways();

}  // namespace belay::test
