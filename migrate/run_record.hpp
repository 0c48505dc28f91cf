// What a guarded run writes into its marker before its first statement, so that `recover` can tell from the server
// alone what was meant and what came of it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/output.hpp"
#include "common/read_only.hpp"
#include "migrate/plan.hpp"
#include "migrate/way_back.hpp"
#include "migrate/writes.hpp"

namespace belay {

struct RecordedPending {
  std::string name;
  bool atomic = true;
};

struct RunRecord {
  std::string schema;                  ///< where _prisma_migrations lives
  std::optional<std::string> archive;  ///< absolute path of the run's backup; none with --skip-backup
  std::string catalogue;               ///< folder of the backup
  std::vector<RecordedPending> pending;
  std::vector<std::string>
      earlier_rows;  ///< ids of rows that names in `pending` had before this run (rolled back ones)
  std::vector<std::string> others_wrote;    ///< between backup and deploy, counted exactly: a line per table
  std::vector<std::string> invalid_before;  ///< indexes that were invalid before the run
  /// Constraints that nobody had validated before the run; none in a marker of an earlier version.
  std::optional<std::vector<std::string>> unvalidated_before;
  std::vector<std::string>
      written_tables;            ///< tables that the pending statements name as the target of INSERT, UPDATE or DELETE
  SessionsThen then;             ///< who was there when the deploy began
  bool creates_history = false;  ///< _prisma_migrations did not exist before
  bool creates_schema = false;   ///< nor did its schema
  std::vector<ProvenReversal>
      reversals;                      ///< of pending migrations, those that the rehearsal has proven to lose nothing
  std::optional<ReadOnly> read_only;  ///< others were asked not to write
  bool by_command = false;            ///< --deploy-command: what it did beside the history is not known
  bool spare = false;  ///< the marked side database holds a proven copy of the backup, ready to be swapped in
};

[[nodiscard]] Json to_json(const RunRecord& record);
/// std::nullopt if `details` holds no complete record (the run had not come that far).
[[nodiscard]] std::optional<RunRecord> record_from_json(const Json& details);
[[nodiscard]] RunRecord make_record(const MigrationPlan& plan, const History& history, const std::string& schema);

/// What a run left in the history.
struct Traces {
  std::vector<HistoryRow> rows;  ///< written by this run
  bool all_applied = false;      ///< (rolled back rows of a name that has a finished one do not count)
  bool settled_by_hand = false;  ///< a row of this run was marked rolled back: somebody used `resolve`
                                 ///< since      ///< every pending migration has a finished row
  bool maybe_committed = false;  ///< an applied row, or a failed one of a migration that is not one transaction
};
/// Pure.
[[nodiscard]] Traces find_traces(const RunRecord& record, const History& history);

}  // namespace belay
