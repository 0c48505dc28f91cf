// What comes back from a backup: counted against the live rows before the reversal, written inside its transaction.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/run_tool.hpp"
#include "rollback/recover_plan.hpp"

namespace belay {

struct RecoverCount {
  std::uint64_t stored = 0;   ///< rows in the backup
  std::uint64_t matched = 0;  ///< of them, what comes back
  std::uint64_t newer = 0;    ///< of a column: rows that the backup does not have
  std::uint64_t gone = 0;     ///< of a column: rows of the backup that are not there any more
  std::uint64_t orphans = 0;  ///< rows of the backup that refer to something that is not there any more
  std::uint64_t without = 0;  ///< of a column: rows that will have no value from the backup
};

struct RecoverCounts {
  std::vector<RecoverCount> items;      ///< one for each item of the plan
  std::vector<std::string> in_the_way;  ///< live rows that keep a foreign key from being put back, a line each
};

/// Against the live rows, in a transaction that is rolled back.
[[nodiscard]] RecoverCounts count_recovery(Connection& db, const RecoverPlan& plan);

enum class Triggers { fire, disabled };
/// User's triggers that an UPDATE of the items' tables would fire: `trigger "t" of "s"."t"`.
[[nodiscard]] std::vector<std::string> firing_triggers(Connection& db, const RecoverPlan& plan);

struct RecoverRequest {
  const RecoverPlan& plan;
  const std::vector<SequenceContent>& positions;  ///< in the backup
  std::string lc_monetary;                        ///< of the backup's rows
  std::filesystem::path orphans_file;             ///< where rows go that refer to nothing any more
  std::string migration;
  Triggers triggers = Triggers::fire;
};

/// In the reversal's transaction, once the tables and columns are there. Throws ServerError; storage.
[[nodiscard]] RecoverCounts recover_rows(Connection& db, const RecoverRequest& request, Tool& tool);

}  // namespace belay
