#include "backup/taking.hpp"

#include <fmt/format.h>

#include "backup/catalogue.hpp"
#include "backup/facts.hpp"
#include "backup/offsite.hpp"
#include "backup/private_folder.hpp"
#include "backup/prune.hpp"
#include "backup/report.hpp"
#include "backup/reverify.hpp"
#include "backup/shrink.hpp"
#include "backup/take.hpp"
#include "common/error.hpp"
#include "common/run_lock.hpp"

namespace belay {

namespace {

CompressionSettings compression_of(const BackupOptions& options) {
  const std::string word = options.compress.value_or(options.format == "plain" ? "none" : "zstd");
  CompressionSettings settings;
  if (word == "none") settings.compression = Compression::none;
  if (word == "gzip") settings = {.compression = Compression::gzip, .level = 6};
  if (options.compression_level) settings.level = *options.compression_level;
  return settings;
}

BackupWishes wishes_of(const BackupOptions& options, const Tool& tool, const RunContext& context) {
  BackupWishes wishes{
      .folder = options.output_path.value_or("./backups"), .history_schema = context.history_schema, .run = tool.run};
  if (options.format == "plain") wishes.format = ArchiveFormat::plain;
  wishes.compression = compression_of(options);
  if (options.schema_only) wishes.scope = Scope::schema;
  wishes.with_globals = options.with_globals;
  if (options.common.lock_timeout) wishes.lock_timeout = *options.common.lock_timeout;
  if (options.verify) wishes.level = level_named(*options.verify);
  return wishes;
}

/// A backup from its plan to the last thing that was asked for it. It exists, at level archive, once take_backup has
/// returned, and stays whatever comes out of the steps behind it.
class Taking {
 public:
  Taking(const BackupOptions& options, RunContext& context, CopyAfterwards& copy, TrialRestore& trial, Tool& tool)
      : options_(options),
        context_(context),
        copy_(copy),
        tool_(tool),
        verifier_{&trial, std::nullopt, options.common.pg_bin} {
    if (options.verify == "restore") verifier_.place = place();
  }

  int run() {
    check_before();
    // Under the lock: the archive's name depends on what is in the folder.
    report_ = take_backup(plan_backup(wishes(), facts()), tool_);
    warn_about_shrinkage(wishes().folder, report_->manifest, tool_.out);
    if (verifier_.place) prove();
    copy_.copy(report_->archive, report_->manifest);
    if (!not_proven_ && !copy_.failure())
      retention_ = retain_after_backup(options_.retention, wishes().folder, context_, tool_);
    tool_.out.result(describe());
    throw_what_failed();
    return 0;
  }

 private:
  [[nodiscard]] BackupWishes wishes() const { return wishes_of(options_, tool_, context_); }
  [[nodiscard]] BackupFacts facts() { return read_backup_facts(tool_, context_, options_.common, wishes()); }
  [[nodiscard]] TrialPlace place();
  void check_before();
  void prove();
  [[nodiscard]] Result describe() const;
  void throw_what_failed() const;

  const BackupOptions& options_;
  RunContext& context_;
  CopyAfterwards& copy_;
  Tool& tool_;
  Verifier verifier_;
  std::optional<BackupReport> report_;
  std::optional<Verdict> verdict_;   ///< of the trial restore, if it was made
  bool recorded_ = false;            ///< its outcome stands in the manifest
  std::optional<Error> not_proven_;  ///< why the trial restore was asked for and is not passed
  RetentionOutcome retention_;
};

TrialPlace Taking::place() {
  if (std::optional<TrialPlace> other = other_trial_place(options_)) return *other;
  return {.url = context_.target.url,
          .source = context_.target.source,
          .maintenance_db = options_.common.maintenance_db,
          .free = options_.server_free,
          .pg_bin = options_.common.pg_bin,
          .locked = &context_.maintenance};
}

/// Whatever can be found out before hours of dumping.
void Taking::check_before() {
  if (verifier_.place && context_.server.database)
    verifier_.trial->check(*verifier_.place, context_.server.database->size_bytes, tool_);
  copy_.check(context_.database());
}

void Taking::prove() {
  tool_.out.note("Backup " + report_->archive.string() + " is complete; restoring it for trial.");
  try {
    verdict_ = prove_to_restore(report_->archive, report_->manifest, verifier_, tool_);
  } catch (const Error& error) {
    // The server of the trial could not do it: nothing is known against the backup, and nothing more for it.
    if (error.kind == Failure::interrupted || error.kind == Failure::bug) throw;
    not_proven_ = error;
    return;
  }
  recorded_ = record_verdict(report_->archive, report_->manifest, *verdict_, tool_);
  if (recorded_) report_->manifest.verification.push_back(verdict_->record);
  if (verdict_->passed()) return;
  not_proven_ = *verdict_->error;
  not_proven_->kind = Failure::answer_no;
}

Result Taking::describe() const {
  Result result = show_report(*report_);
  if (verifier_.place) {
    const std::string words = verdict_ ? verdict_->words : "not made: " + not_proven_->message;
    result.text += fmt::format("{:<10}{}\n", "Trial", words);
    result.json["proof"] = {{"passed", !not_proven_}, {"words", words}, {"recorded", recorded_}};
  }
  copy_.describe(result);
  if (!retention_.line.empty()) {
    result.text += fmt::format("{:<10}{}\n", "Retention", retention_.line);
    result.json["retention"] = retention_.json;
  }
  return result;
}

/// The result is told by then; the first failure decides the status, and a second one is not lost.
void Taking::throw_what_failed() const {
  if (not_proven_) {
    if (copy_.failure()) tool_.out.warn(copy_.failure()->message + ": " + copy_.failure()->detail);
    throw Error{not_proven_->kind, "the backup is not proven: " + not_proven_->message, not_proven_->detail,
                fmt::format("It exists, at level archive. Mend the cause, then: backup-db verify --verify restore {}",
                            report_->archive.string())};
  }
  copy_.throw_if_failed();
  if (retention_.failed) throw *retention_.failed;
}

}  // namespace

int take_and_keep(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  CopyAfterwards copy{options, tool};
  RunContext context = open_run(tool, options.common, std::nullopt);
  if (options.common.dry_run) {
    copy.look();
    const BackupWishes wishes = wishes_of(options, tool, context);
    tool.out.result(show_plan(plan_backup(wishes, read_backup_facts(tool, context, options.common, wishes))));
    return 0;
  }
  remove_dead_private_folders();
  lock_run(context, tool, run_lock_patience);
  drop_dead_trials(context.maintenance, context.database(), tool);
  context.sides = find_side_databases(context.maintenance, context.database());
  check_leftovers(context, tool.out, Leftovers::warn);
  for (const std::string& name : sweep_leftovers(tool.files, options.output_path.value_or("./backups")))
    tool.out.note("Removed what an interrupted backup had left: " + name);
  return Taking{options, context, copy, trial, tool}.run();
}

}  // namespace belay
