#include "backup/run.hpp"

#include <fmt/format.h>

#include "backup/adopt.hpp"
#include "backup/catalogue.hpp"
#include "backup/diff.hpp"
#include "backup/facts.hpp"
#include "backup/fetch.hpp"
#include "backup/inspect.hpp"
#include "backup/list.hpp"
#include "backup/offsite.hpp"
#include "backup/prune.hpp"
#include "backup/report.hpp"
#include "backup/reverify.hpp"
#include "backup/shrink.hpp"
#include "backup/take.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds lock_patience{2};

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

/// A backup from its plan to the last thing that was asked for it.
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
    prove();
    copy_.copy(report_->archive, report_->manifest);
    Result result = show_report(*report_);
    if (verdict_) {
      result.text += fmt::format("{:<10}{}\n", "Trial", verdict_->words);
      result.json["proof"] = {{"passed", verdict_->passed()}, {"words", verdict_->words}};
    }
    copy_.describe(result);
    const bool good = !verdict_ || verdict_->passed();
    RetentionOutcome retention;
    if (good && !copy_.failure()) retention = retain_after_backup(options_.retention, wishes().folder, context_, tool_);
    if (!retention.line.empty()) {
      result.text += fmt::format("{:<10}{}\n", "Retention", retention.line);
      result.json["retention"] = retention.json;
    }
    tool_.out.result(result);
    if (!good) throw_not_proven();
    copy_.throw_if_failed();
    if (retention.failed) throw *retention.failed;
    return 0;
  }

 private:
  [[nodiscard]] BackupWishes wishes() const { return wishes_of(options_, tool_, context_); }
  [[nodiscard]] BackupFacts facts() { return read_backup_facts(tool_, context_, options_.common, wishes()); }
  [[nodiscard]] TrialPlace place();
  void check_before();
  void prove();
  [[noreturn]] void throw_not_proven() const;

  const BackupOptions& options_;
  RunContext& context_;
  CopyAfterwards& copy_;
  Tool& tool_;
  Verifier verifier_;
  std::optional<BackupReport> report_;
  std::optional<Verdict> verdict_;
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

/// The backup exists by now, at level archive, and stays whatever comes out here.
void Taking::prove() {
  if (!verifier_.place) return;
  tool_.out.note("Backup " + report_->archive.string() + " is complete; restoring it for trial.");
  verdict_ = prove_to_restore(report_->archive, report_->manifest, verifier_, tool_);
  record_verdict(report_->archive, report_->manifest, *verdict_, tool_);
  report_->manifest.verification.push_back(verdict_->record);
}

void Taking::throw_not_proven() const {
  if (copy_.failure()) tool_.out.warn(copy_.failure()->message + ": " + copy_.failure()->detail);
  throw Error{Failure::answer_no, "the backup did not pass its trial restore: " + verdict_->error->message,
              verdict_->error->detail,
              fmt::format("It stays at level archive. Mend the cause, then: backup-db verify --verify restore {}",
                          report_->archive.string())};
}

int take(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  CopyAfterwards copy{options, tool};
  RunContext context = open_run(tool, options.common, std::nullopt);
  if (options.common.dry_run) {
    copy.look();
    const BackupWishes wishes = wishes_of(options, tool, context);
    tool.out.result(show_plan(plan_backup(wishes, read_backup_facts(tool, context, options.common, wishes))));
    return 0;
  }
  lock_run(context, tool, lock_patience);
  drop_dead_trials(context.maintenance, context.database(), tool);
  context.sides = find_side_databases(context.maintenance, context.database());
  check_leftovers(context, tool.out, Leftovers::warn);
  for (const std::string& name : sweep_leftovers(tool.files, options.output_path.value_or("./backups")))
    tool.out.note("Removed what an interrupted backup had left: " + name);
  return Taking{options, context, copy, trial, tool}.run();
}

}  // namespace

int run_backup(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  const bool elsewhere = options.from || options.backup_minio;
  if (options.verb == "list" && elsewhere) return list_remote(options, tool);
  if (options.verb == "verify" && elsewhere) return verify_remote_backups(options, trial, tool);
  if (options.verb == "copy") return copy_backups(options, tool);
  if (options.verb == "fetch") return fetch_backups(options, tool);
  if (options.verb == "list") return list_backups_command(options, tool);
  if (options.verb == "show") return show_backup(options, tool);
  if (options.verb == "diff") return diff_backups(options, tool);
  if (options.verb == "prune") return prune_backups(options, tool);
  if (options.verb == "verify") return verify_backups(options, trial, tool);
  if (options.verb == "adopt") return adopt_dumps(options, trial, tool);
  return take(options, trial, tool);
}

}  // namespace belay
