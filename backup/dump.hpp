// One run of pg_dump into an archive, inside a snapshot, and what its product is compared with.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "backup/archive_writer.hpp"
#include "backup/dump_warnings.hpp"
#include "backup/plan.hpp"
#include "common/run_tool.hpp"

namespace belay {

enum class DumpEnd { whole, no_lock, failed };

struct DumpResult {
  DumpEnd end = DumpEnd::whole;
  DumpRemarks remarks;           ///< of a whole one
  std::optional<Error> failure;  ///< of a failed one: to be thrown, unless the caller knows a better reason
};

/// no_lock: somebody asked for an ACCESS EXCLUSIVE lock between our locks and pg_dump's own. It waits for our session,
/// pg_dump waits behind it, and so does every reader of that table: a deadlock that the server cannot see. So pg_dump
/// waits shortly only, our locks are given up, and all begins anew.
/// Throws failed if pg_restore behind it, for a plain script, did not end well.
[[nodiscard]] DumpResult run_dump(const BackupPlan& plan, const SessionSettings& settings, const std::string& snapshot,
                                  ArchiveWriter& archive, Tool& tool);

/// The archive must hold every table of the snapshot, with the same columns; a table that has pages but came out empty
/// is counted on the server. Throws failed.
void check_tables(const BackupPlan& plan, const ArchiveReader& archived, Connection& snapshot);

}  // namespace belay
