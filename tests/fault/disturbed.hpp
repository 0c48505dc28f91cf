// Everything around belay dies instead of belay, or belay at any moment.
#pragma once
#include "tests/fault/sweep.hpp"

namespace belay::test {

/// `per_round` children of a run (pg_dump, pg_restore, …), one of them killed in each round, up to a few milliseconds
/// after it began.
void kill_children(Bench& bench, const Sweep& sweep, int per_round, int rounds);

/// At each chosen point every session of the run in turn.
void end_sessions(Bench& bench, const Sweep& sweep, int count);

/// At random moments.
void kill_at_any_moment(Bench& bench, const Sweep& sweep, int rounds);

enum class Belay { dies_too, lives_on };
/// The server stops as in a crash and comes back.
void crash_server(Bench& bench, const Sweep& sweep, Belay belay, int count);

}  // namespace belay::test
