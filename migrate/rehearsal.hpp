// The pending migrations run on a restored copy of the backup just taken, before the target is touched: whether they
// run at all on the real rows, what each statement locks and for how long, what it rewrites; and whether each could be
// taken back again.
//
// What is true if the process dies: the copy is there, marked "trying" (see restored_copy); the next run or `recover`
// removes it. The target is never written to.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/fingerprint.hpp"
#include "common/run_context.hpp"
#include "common/statement_meter.hpp"
#include "common/target.hpp"
#include "migrate/checks.hpp"
#include "migrate/plan.hpp"
#include "migrate/way_back.hpp"
#include "restore/source.hpp"

namespace belay {

struct RehearsedMigration {
  std::string name;
  Duration took{};
  std::vector<MeasuredStatement> statements;
  std::int64_t grown = 0;  ///< bytes that the database takes more after it
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
  std::optional<std::string> kept;        ///< name of the copy, if it was left
  std::vector<std::string> outside;       ///< roles and settings of the server that changed meanwhile
  /// The longest that a lock which keeps out writers, or readers too, was held on a table that was there before.
  [[nodiscard]] Duration longest_lock() const;
};

struct RehearsalRequest {
  const DatabaseUrl& url;   ///< of the server where the copy is made
  Connection& maintenance;  ///< a session there, in a run that holds the locks
  std::string target;       ///< whose copy it is
  const RestoreSource& source;
  std::function<const MigrationPlan&(Connection& copy)> plan;
  ApplySettings settings;
  std::optional<std::filesystem::path> pg_bin;
  const Checks* checks = nullptr;  ///< what has to be true afterwards; null = nothing
  /// Where --rehearse-command finds the copy: the URL of that server. Null = no command.
  const DatabaseTarget* command_target = nullptr;
  std::optional<std::string> command = {};
  bool keep = false;  ///< leave the copy
};

/// Why the pending migrations must not be run beside the target, a line each; empty if they may.
[[nodiscard]] std::string not_rehearsable(const MigrationPlan& plan);
/// Never throws for a migration's failure: that is in the result. Throws as RestoredCopy.
[[nodiscard]] Rehearsal rehearse(const RehearsalRequest& request, Tool& tool);

/// For people, and for programs.
[[nodiscard]] Result describe_rehearsal(const Rehearsal& rehearsal);

}  // namespace belay
