// Physical replicas: a swap reaches them through the WAL, but sessions there go on reading the old database until they
// reconnect.
#pragma once
#include <string>
#include <vector>

#include "common/run_context.hpp"

namespace belay {

/// Whoever streams from this server now, a line each: application, address, state.
[[nodiscard]] std::vector<std::string> list_replicas(Connection& maintenance);
/// What is told of such a line before a swap.
[[nodiscard]] std::string replica_note(const std::string& line);

struct Replica {
  DatabaseUrl url;
  std::string shown;  ///< how people are told of it
};

/// Connects to each. Throws usage for a bad URL, connection, or refused for one that is no standby of this server.
[[nodiscard]] std::vector<Replica> open_replicas(const std::vector<std::string>& urls, const RunContext& context,
                                                 const CommonOptions& options, const Tool& tool);

struct ReplicaReport {
  std::string shown;
  int ended = 0;        ///< sessions that were still in the old database
  std::string problem;  ///< why it is not verified; empty = it has the swap, and nobody there reads the old database
};

/// After the swap: waits until the replica has it (60 s), and ends the sessions in the database that is now called
/// `kept`. Throws nothing, the swap is done: what cannot be verified is in the report, an
/// interruption too.
[[nodiscard]] std::vector<ReplicaReport> follow_swap(const std::vector<Replica>& replicas, const std::string& lsn,
                                                     const std::string& kept, const CommonOptions& options, Tool& tool);

/// What a result says of them; `streaming`: how many streamed from this server after the swap.
void add_replicas(Result& result, const std::vector<ReplicaReport>& reports, int streaming);

}  // namespace belay
