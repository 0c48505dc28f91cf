#include <fmt/format.h>

#include "backup/facts.hpp"
#include "backup/offsite.hpp"
#include "backup/prune.hpp"
#include "common/read_only.hpp"
#include "migrate/diff.hpp"
#include "migrate/guard_run.hpp"
#include "migrate/preflight_facts.hpp"

namespace belay {

/// Without a rehearsal no side database is made for the migrations, and drift is looked for only where it was asked
/// for.
void Guard::find_drift(PreflightFacts& facts) {
  if (options_.common.dry_run) {
    facts.drift_why_not = "a dry run makes no side database; migrate-production check does";
    facts.fail_on_drift = false;  // it is asked of the run itself
    return;
  }
  if (!choice_.rehearse && !options_.fail_on_drift) {
    facts.drift_why_not = "only with a rehearsal, or --fail-on-drift";
    return;
  }
  try {
    facts.drift = count_drift(options_, tool_, &context_.maintenance);
  } catch (const Error& error) {
    if (error.kind == Failure::interrupted) throw;
    facts.drift_why_not = error.message;
  }
}

/// The checklist. Nothing was changed.
void Guard::look_before() {
  PreflightFacts facts = read_preflight_facts({.options = options_,
                                               .context = context_,
                                               .db = books(),
                                               .plan = plan_,
                                               .catalogue = catalogue_,
                                               .choice = choice_},
                                              tool_);
  find_drift(facts);
  checklist_ = judge_preflight(facts);
  if (!any_failed(checklist_) || options_.verb == "rehearse") return;
  std::vector<Check> failed;
  for (const Check& check : checklist_) {
    if (check.state == CheckState::fail) failed.push_back(check);
  }
  throw Error{Failure::refused, "the checklist before the run is not passed", describe_checks(failed),
              "Nothing was changed. `migrate-production check` shows all of it."};
}

/// Whoever deploys again and again without anybody looking must not fill the disk with backups.
void Guard::require_no_brake() const {
  if (options_.again) return;
  const std::string text = tried_before(read_put_back(catalogue_), entries_of(plan_, context_));
  if (text.empty()) return;
  throw Error{Failure::refused, "a migration whose last run was put back would be tried again unchanged", text,
              "Nothing was changed. `migrate-production show RUN` has that run's report. Correct the migration, or say "
              "--again if the cause was another one."};
}

/// Of all that is pending, or of the one that failed.
std::vector<PutBackBefore> Guard::brake_entries() const {
  std::vector<PutBackBefore> entries = entries_of(plan_, context_);
  std::erase_if(entries, [this](const PutBackBefore& entry) {
    return !deployed_.failed_migration.empty() && entry.migration != deployed_.failed_migration;
  });
  for (PutBackBefore& entry : entries) {
    entry.run = tool_.run;
    entry.at = iso_utc(tool_.clock.now());
    entry.message = deployed_.failure ? deployed_.failure->message : "";
  }
  return entries;
}

/// A lost connection says nothing against the migrations; all else that failed may fail again.
void Guard::brake() {
  const bool its_own_fault = deployed_.failure && deployed_.failure->kind != Failure::interrupted &&
                             !deployed_.in_doubt && !deployed_.connection_lost;
  if (!its_own_fault) return;
  try {
    remember_put_back(tool_.files, catalogue_, brake_entries());
  } catch (const Error& error) {
    tool_.out.warn("the next run will not know that this one was put back: " + error.message);
  }
}

void Guard::release_brake() {
  try {
    forget_put_back(tool_.files, catalogue_, brake_entries());
  } catch (const Error& error) {
    tool_.out.warn("the catalogue still says that an earlier run was put back: " + error.message);
  }
}

/// The marker says so before it is done. Died between the two: `recover` takes back what was never set, which does
/// nothing.
void Guard::ask_not_to_write() {
  if (!options_.read_only) return;
  rope_.record.read_only = read_only_now(*context_.server.database);
  rope_.marker.details["read_only"] = to_json(*rope_.record.read_only);
  set_step("prepared");
  make_read_only(context_.maintenance, context_.database());
  tool_.out.note("The database is read-only for others until the end of this run.");
}

BackupOptions Guard::copy_options() const {
  BackupOptions options;
  options.common = options_.common;
  options.copy_to = options_.copy_to;
  options.backup_minio = options_.backup_minio;
  return options;
}

/// A place that cannot be is no reason to have kept others from writing.
void Guard::look_at_copies() {
  if (!options_.copy_to && !options_.backup_minio) return;
  const BackupOptions options = copy_options();
  CopyAfterwards{options, tool_}.look();
}

/// Before the deploy begins: a runner's disk may be gone when the backup is needed.
void Guard::copy_elsewhere() {
  if (!options_.copy_to && !options_.backup_minio) return;
  const BackupOptions options = copy_options();
  CopyAfterwards copy{options, tool_};
  copy.check(context_.database());
  copy.copy(backup_->archive, backup_->manifest);
  copy.throw_if_failed();
  tool_.out.note("The backup is copied elsewhere.");
}

/// After success only: the backup of a run that failed is still needed.
void Guard::retain(Journal& journal) {
  if (!options_.retention.any() || !backup_) return;
  try {
    const RetentionOutcome outcome = retain_after_backup(options_.retention, catalogue_, context_, tool_);
    if (!outcome.line.empty()) tool_.out.note("Retention: " + outcome.line);
    if (outcome.failed) tool_.out.warn("retention: " + outcome.failed->message);
    journal.record("retained", outcome.json);
  } catch (const Error& error) {
    tool_.out.warn("retention: " + error.message);
  }
}

/// The old habit: a backup at every deploy.
int Guard::back_up_all_the_same() {
  const BackupReport report =
      take_backup(plan_guard_backup(tool_, context_, options_.common, {catalogue_, "pre-migration"}), tool_);
  tool_.out.result({describe_status(plan_) + fmt::format("Backup {}\n", report.archive.string()),
                    {{"state", "nothing pending"},
                     {"found", plan_.found},
                     {"backup", report.archive.string()},
                     {"applied", Json::array()}}});
  return 0;
}

}  // namespace belay
