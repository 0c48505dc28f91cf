// The pending migrations run on a restored copy of the backup just taken, before the target is touched: whether they
// run at all on the real rows, what each statement locks and for how long, what it rewrites; and whether each could be
// taken back again.
//
// What is true if the process dies: the copy is there, marked "trying" (see restored_copy); the next run or `recover`
// removes it. The target is never written to.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/fingerprint.hpp"
#include "common/run_context.hpp"
#include "common/statement_meter.hpp"
#include "migrate/checks.hpp"
#include "migrate/plan.hpp"
#include "migrate/way_back.hpp"
#include "restore/source.hpp"

namespace belay {

struct RehearsedMigration {
  std::string name;
  Duration took{};
  std::vector<MeasuredStatement> statements;
  /// "proven": it was run there, and loses nothing; "needs data"; "not proven"; "not derivable"; with the reason.
  std::string reversal, reversal_why;
  std::optional<ProvenReversal> proven;
};

struct Rehearsal {
  std::vector<RehearsedMigration> migrations;
  Duration restored_in{};        ///< the copy, proven
  std::string proof;             ///< of the copy: "proven", or "proven except …"
  SchemaFingerprint schema;      ///< what the migrations lead to
  std::optional<Error> failure;  ///< the first that failed, with all that is known of it
  std::string failed_migration;
  std::vector<std::string> not_verified;  ///< findings of the checks, a line each
  std::vector<std::string> outside;       ///< roles and settings of the server that changed meanwhile
  /// The longest that a lock which keeps out writers, or readers too, was held on a table that was there before.
  [[nodiscard]] Duration longest_lock() const;
};

struct RehearsalRequest {
  RunContext& context;  ///< with the run lock
  const RestoreSource& source;
  const MigrationPlan& plan;
  ApplySettings settings;
  std::optional<std::filesystem::path> pg_bin;
  const Checks* checks = nullptr;  ///< what has to be true afterwards; null = nothing
};

/// Why the pending migrations must not be run beside the target, a line each; empty if they may.
[[nodiscard]] std::string not_rehearsable(const MigrationPlan& plan);
/// Never throws for a migration's failure: that is in the result. Throws as RestoredCopy.
[[nodiscard]] Rehearsal rehearse(const RehearsalRequest& request, Tool& tool);

/// For people, and for programs.
[[nodiscard]] Result describe_rehearsal(const Rehearsal& rehearsal);

}  // namespace belay
