// A reversal that cannot be one transaction, because a statement in it does not let it (CONCURRENTLY): its statements
// one by one, with a journal on the server.
//
// What is true if the process dies: before the first statement the migration's row says failed and the journal says
// that a reversal was begun: nobody deploys, and `rollback-migration` goes on after the statements that the journal
// calls done. The last transaction compares the schema, writes the history and removes the journal together.
#pragma once
#include "rollback/undo.hpp"

namespace belay {

struct StepsUndo {
  const UndoRequest& undo;                ///< with exactly one step
  std::optional<StatementJournal> begun;  ///< by an earlier run: this one goes on with it
};

/// The checksum by which a reversal's journal knows its script.
[[nodiscard]] std::string reversal_checksum(const std::string& script);

/// Throws failed where nothing was changed; unresolved, with what to type, where a part of it is done.
void undo_in_steps(const StepsUndo& request, ReversalProof& proof, Tool& tool);

}  // namespace belay
