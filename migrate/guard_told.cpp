#include <fmt/format.h>

#include <algorithm>

#include "migrate/guard_lint.hpp"
#include "migrate/guard_run.hpp"
#include "migrate/row_counts.hpp"
#include "migrate/row_values.hpp"
#include "restore/kept.hpp"

namespace belay {

/// Nothing of it stops a run but --fail-on; a lint that cannot be made is said, and is no lint that was passed.
void Guard::look_at_sql() {
  try {
    lint_ = lint_before_run(plan_, books(), options_);
  } catch (const ServerError& error) {
    if (options_.fail_on)
      throw Error{Failure::refused, "the migrations could not be linted, as --fail-on demands: " + error.primary,
                  error.detail, "Nothing was changed. Run again, or leave out --fail-on."};
    tool_.out.warn("the migrations were not linted: " + error.primary);
  }
}

void Guard::tell_before() {
  report_.target(target_of(context_));
  report_.planned(plan_);
  report_.preflight(checklist_);
  report_.lint(lint_);
  report_.write(tool_.files, catalogue_, tool_.out);
}

void Guard::tell_deployed() {
  for (const DeployedMigration& m : deployed_.applied) report_.deployed(m.name, m.duration, m.statements);
  const std::string& failed = deployed_.failed_migration;
  const bool planned = std::any_of(plan_.pending.begin(), plan_.pending.end(),
                                   [&](const PendingMigration& p) { return p.migration.name == failed; });
  if (planned) report_.ended(failed, MigrationEnd::failed);
}

void Guard::tell_rows(const RowCounts& counts) {
  std::vector<ReportedRows> rows;
  for (const RowCount& table : counts.tables)
    rows.push_back({table.schema + "." + table.name, table.before, table.after});
  report_.rows(rows);
}

void Guard::tell_put_back(const PutBackReport& report, Duration took, Failure status) {
  const PutBackWay way = report.restored           ? (rope_.record.spare ? PutBackWay::spare : PutBackWay::restore)
                         : report.by_reversals > 0 ? PutBackWay::reversals
                                                   : PutBackWay::uncommitted;
  report_.put_back({.way = way, .took = took, .kept = report.kept, .checks = report.checks, .lost = report.lost});
  for (const std::string& check : report.checks) report_.verified(check);
  if (report.kept)
    report_.way_back(fmt::format("The half-migrated database is kept; `restore-database drop {}` removes it.",
                                 shell_word(*report.kept)));
  report_.step_ended(StepState::done);
  const Error shown = without_row_values(*deployed_.failure);
  report_.outcome({.state = RunState::put_back,
                   .status = static_cast<int>(status),
                   .words = fmt::format("Failed: {}. Database \"{}\" is as it was before the run.", shown.message,
                                        context_.database()),
                   .detail = shown.detail,
                   .hint = what_next(report.kept)});
  report_.write(tool_.files, catalogue_, tool_.out);
}

void Guard::tell_done() {
  report_.verified("the history says so for each migration, and none failed");
  report_.verified("no index was left invalid, no constraint NOT VALID");
  if (deployed_.not_verified.empty()) report_.verified("no table lost rows that the SQL does not account for");
  if (rehearsal_) report_.verified("the schema is the one that the rehearsal led to");
  for (const std::string& line : deployed_.verified) report_.verified(line);
  for (const std::string& line : deployed_.not_verified) report_.not_verified("rows", line);
  if (!rehearsal_) report_.not_verified("the schema", "there was no rehearsal to compare it with");
  if (!options_.health.any())
    report_.not_verified("that the application works with it", "no --health-check or --health-command was given");
  if (rope_.record.archive)
    report_.way_back(fmt::format("`restore-database --backup-file {}` goes back to the backup from before the run.",
                                 shell_word(*rope_.record.archive)));
  for (const ProvenReversal& reversal : rope_.record.reversals)
    report_.way_back(fmt::format("`rollback-migration --migration-name {}` takes it back; its reversal is proven.",
                                 shell_word(reversal.migration)));
  report_.outcome(
      {.state = RunState::done,
       .status = 0,
       .words = fmt::format("{} migration{} applied to database \"{}\", and verified.", deployed_.applied.size(),
                            deployed_.applied.size() == 1 ? "" : "s", context_.database()),
       .detail = {},
       .hint = {}});
  report_.write(tool_.files, catalogue_, tool_.out);
}

/// What ends a run by an exception: before the deploy the target is untouched, after it somebody is needed.
void Guard::tell_failed(const Error& error) {
  RunState state = RunState::failed;
  if (error.kind == Failure::refused || error.kind == Failure::cancelled) state = RunState::stopped;
  if (error.kind == Failure::unresolved) state = RunState::half_way;
  if (error.kind == Failure::interrupted) state = RunState::interrupted;
  report_.outcome(state, error);
  report_.write(tool_.files, catalogue_, tool_.out);
}

}  // namespace belay
