// A reversal tried on real rows: in a copy restored from a backup that has the migrations. The proof of the schema says
// that it leads to the right one; this says that the rows let it, what it locks and for how long, and that no value is
// changed that it has no business with.
//
// What is true if the process dies: as for a restored copy. The target is never written to.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/run_context.hpp"
#include "common/statement_meter.hpp"
#include "restore/source.hpp"
#include "rollback/live.hpp"

namespace belay {

/// One reversal, in the order in which they are run.
struct TrialScript {
  std::string name;  ///< of its migration
  std::string script;
  bool changes_rows = false;  ///< somebody wrote it so: values may differ afterwards
};

struct DataTrialRequest {
  const DatabaseUrl& url;   ///< of the server where the copy is made
  Connection& maintenance;  ///< a session there, in a run that holds the locks
  std::string target;
  const RestoreSource& source;
  std::vector<TrialScript> scripts;
  ApplySettings settings;
  std::string objects_owner;
  std::optional<std::filesystem::path> pg_bin;
  /// Hard differences of the copy's schema, afterwards, from what it has to be.
  std::function<std::vector<SchemaDifference>(SchemaFingerprint)> remaining;
};

struct DataTrial {
  std::string archive;  ///< the backup, as people are told of it
  std::string taken_at;
  std::uint64_t rows = 0;                                  ///< in the copy
  std::vector<std::vector<MeasuredStatement>> statements;  ///< of each script
  std::vector<std::string> changed;       ///< columns with other values than before, where that is meant to be
  std::vector<std::string> unexpected;    ///< the same where it is not
  std::vector<SchemaDifference> residue;  ///< of the schema
  std::string failure;                    ///< a reversal could not be run there: why
  [[nodiscard]] bool proven() const { return failure.empty() && unexpected.empty() && residue.empty(); }
};

/// The newest backup of this database and server, at level archive or better, whose history is the present one.
[[nodiscard]] std::optional<std::filesystem::path> backup_as_now(const std::vector<std::filesystem::path>& folders,
                                                                 const RunContext& context, const LiveState& live);
/// Whether a copy may be made without having been asked for: only where it is known to fit, and not to take long. Says
/// why not.
[[nodiscard]] bool fits_beside(RunContext& context, Output& out);
/// Restores, runs, compares, and drops the copy. Throws storage for a damaged backup, refused where no copy can be
/// made.
[[nodiscard]] DataTrial try_on_data(const DataTrialRequest& request, Tool& tool);

}  // namespace belay
