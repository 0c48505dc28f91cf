// The run of proven reversals on the target.
//
// What is true if the process dies: before the COMMIT nothing happened; after it the schema is taken back and the
// history says so. One transaction holds both, so there is nothing between.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/apply_session.hpp"
#include "common/run_context.hpp"
#include "rollback/proof.hpp"

namespace belay {

enum class HistoryFate { mark, remove };  ///< the migration's rows: kept as rolled back, or deleted

struct UndoStep {
  const JoinedMigration& migration;
  std::string script;  ///< of the reversal; empty = only the history is written
  /// Called inside the transaction with the number of the script's statements that were run: first with 0. Again from 0
  /// after a lock conflict.
  std::function<void(std::size_t)> between = {};
};

struct UndoRequest {
  const RunContext& context;
  Connection& db;  ///< on the target, idle, with Prisma's lock
  std::vector<UndoStep> steps;
  std::vector<SchemaDifference> drift;  ///< between the live schema and the history: it may stay
  std::string objects_owner;
  std::optional<std::string> search_path;  ///< as migrations get it
  std::string lock_timeout = "3s";
  std::optional<std::string> statement_timeout;
  int lock_retries = 10;
  HistoryFate history = HistoryFate::mark;
};

/// What a reversal makes again belongs to whom it belonged: SET ROLE, where this role may act as that one.
void become(Connection& db, const std::string& owner, SettingScope scope);

/// Runs them, compares the schema inside the transaction by `proof`, the last step's, and commits. Throws failed where
/// nothing was changed; unresolved where a COMMIT's outcome cannot be known.
void undo(const UndoRequest& request, ReversalProof& proof, Tool& tool);

}  // namespace belay
