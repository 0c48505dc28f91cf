// One run at a time for a target: an advisory lock on its name, held by a session in the maintenance database from
// before the snapshot to the end. The same session creates, renames and drops databases, so it cannot be lost unnoticed
// while it matters.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"

namespace belay {

/// How long a run waits for another one's lock, where nothing else is asked for.
inline constexpr std::chrono::seconds run_lock_patience{2};
/// A lock that is found free when the time for it is over is asked for again so often.
inline constexpr int most_late_tries = 10;

/// Connects to the maintenance database: `name` if given, else postgres, else template1. Throws connection.
[[nodiscard]] Connection connect_maintenance(const DatabaseUrl& url, const SessionSettings& settings,
                                             const std::optional<std::string>& name);

/// Takes the run lock for `target`, polling up to `patience` (a dead run's backend may need a moment to go). Throws
/// refused, naming pid, host, run and since when.
void take_run_lock(Connection& session, const std::string& target, const std::string& tool,
                   std::chrono::milliseconds patience);

/// The same for the session that creates, renames and drops: when a run is killed its idle session with the run lock
/// goes at once, while this one may still be at work on a CREATE DATABASE or a COMMIT. Whoever holds both knows that
/// nothing of a dead run is under way.
void take_work_lock(Connection& maintenance, const std::string& target, const std::string& tool,
                    std::chrono::milliseconds patience);

/// Ends every belay session on the given databases except those of our own run, and waits until they are gone. Only
/// while the run lock is held: then each of them belongs to a dead run. Throws refused if one does not go.
void end_dead_sessions(Connection& maintenance, const std::vector<std::string>& databases);

/// The same for sessions of this very run that nobody in it holds any more: the client saw the connection break, and
/// the server may still be about to commit.
void end_broken_sessions(Connection& maintenance, const std::string& database);
void end_broken_session(Connection& db, int pid);

/// Throws refused if `target` is a database of the server's own.
void refuse_system_database(const std::string& target);

}  // namespace belay
