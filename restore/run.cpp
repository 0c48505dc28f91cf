#include "restore/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "backup/catalogue.hpp"
#include "backup/facts.hpp"
#include "common/error.hpp"
#include "common/history.hpp"
#include "common/run_lock.hpp"
#include "restore/cleanup.hpp"
#include "restore/facts.hpp"
#include "restore/kept.hpp"
#include "restore/replicas.hpp"
#include "restore/resync.hpp"
#include "restore/unpacked.hpp"

namespace belay {

namespace {

/// Step 1. The backup of the present state; none where the target does not exist or it was waived.
std::optional<BackupReport> back_up_present(const RestoreOptions& options, RunContext& context, Tool& tool) {
  tool.out.heading("Step 1: Creating Pre-Restore Backup");
  if (!context.server.database) {
    tool.out.note("Skipped: the database does not exist.");
    return std::nullopt;
  }
  if (options.skip_pre_restore_backup) {
    tool.out.warn("Skipped by --skip-pre-restore-backup: the present state will exist only as the kept database.");
    return std::nullopt;
  }
  return back_up_before_restore(options.pre_restore_backup_path.value_or("./backups/pre-restore"), "pre-restore",
                                context, options.common, tool);
}

RestoreWishes wishes_of(const RestoreOptions& options) {
  const ElsewhereOptions& e = options.elsewhere;
  return {.from_other_server = options.from_other_server,
          .jobs = options.jobs.value_or(default_jobs()),
          .work_dir = options.work_dir,
          .server_free = options.server_free,
          .elsewhere = e.to.has_value(),
          .replace = e.replace,
          .ownership = {.no_owner = e.no_owner, .owner = e.owner, .no_privileges = e.no_privileges}};
}

class Restore {
 public:
  Restore(const RestoreOptions& options, Tool& tool)
      : options_(options),
        tool_(tool),
        context_(open_run(tool, options.common, std::nullopt, options.elsewhere.to)),
        hooks_(options.hooks, context_.database(), tool) {}

  int run() {
    if (options_.resync) require_folder(options_.common);
    if (!options_.common.dry_run) lock();
    const RestoreFacts facts =
        read_restore_facts(tool_, context_, open_source(options_, context_, tool_), wishes_of(options_));
    const RestorePlan plan = plan_restore(facts);
    replicas_ = open_replicas(options_.replica_urls, context_, options_.common, tool_);
    if (options_.common.dry_run) {
      tool_.out.result(show_plan(plan, facts));
      return 0;
    }
    hooks_.around([&] { act(facts, plan); });
    return 0;
  }

 private:
  /// A database that --to names and that does not exist yet takes nobody's place.
  [[nodiscard]] bool replaces() const { return context_.server.database.has_value() || !options_.elsewhere.to; }
  void lock() {
    if (replaces()) require_answerable(options_.common);
    lock_run(context_, tool_, run_lock_patience);
    remove_dead_private_folders(unpacking_folder(options_.work_dir));
    check_leftovers(context_, tool_.out, Leftovers::refuse);
    if (context_.server.database) check_kept(context_, options_.common.keep.value_or(1));
  }
  void act(const RestoreFacts& facts, const RestorePlan& plan) {
    std::optional<Connection> hold = hold_off_deploys(context_, tool_);
    const std::optional<BackupReport> present =
        plan.drop_kept ? std::nullopt : back_up_present(options_, context_, tool_);
    std::optional<GuardedSwap> guard = guard_swap(context_, facts, plan, present, options_.common, tool_);
    if (replaces() && !plan.drop_kept)
      confirm_restore(tool_, options_.common, restore_question(context_, facts, plan, guard, tool_));
    Journal journal{tool_.files, tool_.clock, options_.pre_restore_backup_path.value_or("./backups/pre-restore"),
                    tool_.run};
    const RebuildReport report = restore_backup(facts, plan, context_, options_.common, hold, guard, tool_, journal);
    Result result = show_restored(plan, facts, report, guard, present ? std::optional{present->archive} : std::nullopt);
    add_replicas(result, follow_swap(replicas_, report.lsn, plan.kept.value_or(""), options_.common, tool_),
                 plan.kept ? report.replicas : 0);
    if (options_.elsewhere.to) add_place(result);
    if (options_.resync) resync_history(context_, options_.common, tool_, result);
    tool_.out.heading("Restore Process Completed Successfully");
    tool_.out.result(result);
  }
  void add_place(Result& result) const {
    const std::string url = context_.target.url.without_password();
    result.text += fmt::format("Connect   {}\n", url);
    result.json["url"] = url;
  }

  const RestoreOptions& options_;
  Tool& tool_;
  RunContext context_;
  Hooks hooks_;
  std::vector<Replica> replicas_;
};

}  // namespace

BackupReport back_up_before_restore(const std::filesystem::path& folder, const std::string& purpose,
                                    RunContext& context, const CommonOptions& options, Tool& tool) {
  make_private_directories(folder);
  for (const std::string& name : sweep_leftovers(tool.files, folder))
    tool.out.note("Removed what an interrupted backup had left: " + name);
  BackupReport report = take_backup(plan_guard_backup(tool, context, options, {folder, purpose}), tool);
  tool.out.note(fmt::format("Backup {}: {}, {} rows, level {}", report.archive.string(),
                            human_size(report.manifest.archive.bytes), human_count(report.manifest.rows()),
                            to_string(report.manifest.level())));
  return report;
}

std::optional<GuardedSwap> guard_swap(RunContext& context, const RestoreFacts& facts, const RestorePlan& plan,
                                      const std::optional<BackupReport>& present, const CommonOptions& options,
                                      Tool& tool) {
  if (!plan.kept || plan.drop_kept) return std::nullopt;
  EarlierState then = state_of_backup(facts, oid_of(context.maintenance, context.database()),
                                      present ? std::optional{present->manifest} : std::nullopt);
  return std::optional<GuardedSwap>{std::in_place, context, std::move(then), options, tool};
}

std::string restore_question(const RunContext& context, const RestoreFacts& facts, const RestorePlan& plan,
                             const std::optional<GuardedSwap>& guard, const Tool& tool) {
  std::string text = fmt::format(
      "\n{}\n{} {}\n  {} ({} ago), {} rows\n", describe_target(context.server, plan.database, context.target.source),
      plan.kept ? "will be replaced by the backup" : "does not exist, and will be made from the backup",
      facts.source.shown, taken_words(facts.source),
      human_duration(tool.clock.now() - facts.source.manifest.created_at), human_count(facts.source.manifest.rows()));
  if (guard) text += describe_question(guard->loss());
  if (context.target.url.schema) {
    text += fmt::format("The URL names schema \"{}\", but the whole database is put back", *context.target.url.schema);
    text += facts.other_schemas.empty() ? ".\n" : fmt::format(", with: {}.\n", fmt::join(facts.other_schemas, ", "));
  }
  if (plan.kept) text += fmt::format("The present database is kept as \"{}\".\n", *plan.kept);
  return text;
}

void require_answerable(const CommonOptions& options) {
  if (options.force || ::isatty(STDIN_FILENO) != 0) return;
  throw Error{Failure::refused,
              "this command asks before it acts, and there is no terminal to ask at",
              {},
              "Run it on a terminal, or say --force."};
}

void confirm_restore(Tool& tool, const CommonOptions& options, const std::string& text) {
  tool.out.note(text);
  if (options.force) return;
  const bool production = is_production(real_surroundings(), options.environment);
  const std::string word = production ? "RESTORE" : "yes";
  const Answer answer =
      tool.prompt.ask(production ? "Type 'RESTORE' to confirm (case-sensitive):" : "Go on? (yes/no)", word);
  if (answer == Answer::yes) return;
  if (answer == Answer::cannot_ask) require_answerable(options);
  throw Error{Failure::cancelled, "cancelled; nothing was changed"};
}

std::optional<Connection> hold_off_deploys(const RunContext& context, const Tool& tool) {
  if (!context.server.database) return std::nullopt;
  std::optional<Connection> hold{std::in_place, context.target.url, context.database(), tool.session()};
  take_prisma_lock(*hold, prisma_lock_patience);
  return hold;
}

namespace {

RebuildRequest request_for(const RestoreFacts& facts, const RestorePlan& plan, const RunContext& context,
                           const CommonOptions& options, Tool& tool) {
  RebuildRequest request{.target = plan.database, .kept = plan.kept, .properties = plan.properties};
  const Manifest& manifest = facts.source.manifest;
  request.load = {
      .url = context.target.url,
      .side = plan.side,
      .archive = plan.archive,
      .manifest = &manifest,
      .loader = find_loader(tool.processes, manifest.archive.format, context.server.major(), options.pg_bin),
      .server_version = context.server.version,
      .jobs = facts.wishes.jobs,
      .work_dir = facts.wishes.work_dir,
      .ownership = facts.wishes.ownership,
      .foreign = facts.source.foreign_facts};
  request.marker = {.run = tool.run,
                    .tool = tool.name,
                    .host = this_host(),
                    .target = plan.database,
                    .target_comment = plan.properties.comment,
                    .details = {{"archive", facts.source.shown}, {"path", plan.archive.string()}}};
  return request;
}

}  // namespace

namespace {

/// It held nothing when it was looked at, but somebody may have filled it since: then it is kept like any other. The
/// swap is committed, so nothing here is a failure of the restore.
void drop_if_still_empty(RunContext& context, RebuildReport& report, Tool& tool) {
  try {
    {
      Connection inside{context.target.url, *report.kept, tool.session()};
      if (!holds_nothing(inside)) return;
    }
    drop_side_database(context.maintenance, *report.kept);
    report.kept.reset();
  } catch (const Error& error) {
    tool.out.warn(fmt::format("the empty database \"{}\" was not removed: {}", *report.kept, error.message));
  }
}

}  // namespace

RebuildReport restore_backup(const RestoreFacts& facts, const RestorePlan& plan, RunContext& context,
                             const CommonOptions& options, std::optional<Connection>& hold,
                             std::optional<GuardedSwap>& guard, Tool& tool, Journal& journal) {
  tool.out.heading("Step 2: Preparing Restore");
  for (const std::string& line : plan.warnings) tool.out.warn(line);
  RebuildRequest request = request_for(facts, plan, context, options, tool);
  request.guard = guard ? &*guard : nullptr;
  tool.out.note(fmt::format("Side database \"{}\", {} {}, {} job{}", plan.side, request.load.loader.path.string(),
                            request.load.loader.version, request.load.jobs, request.load.jobs == 1 ? "" : "s"));
  const std::vector<std::string> readers = plan.kept ? list_replicas(context.maintenance) : std::vector<std::string>{};
  for (const std::string& line : readers) tool.out.note(replica_note(line));
  SideBuild side{context.maintenance, request, tool, journal};
  tool.out.heading("Step 3: Restoring Database");
  side.load();
  tool.out.heading("Step 4: Verifying Restore");
  const Proof proof = side.prove();
  tool.out.note(proof.sentence());
  for (const std::string& line : proof.not_restored) tool.out.warn("not restored, because no dump carries it: " + line);
  for (const std::string& line : proof.soft) tool.out.note("differs without weight: " + line);
  tool.out.heading("Step 5: Swapping");
  hold.reset();  // nobody of this run may be connected when names are swapped
  RebuildReport report = swap_in(context.maintenance, request, proof, tool, journal);
  for (const std::string& line : report.property_differences) tool.out.warn(line);
  if (plan.drop_kept) drop_if_still_empty(context, report, tool);
  return report;
}

Result show_restored(const RestorePlan& plan, const RestoreFacts& facts, const RebuildReport& report,
                     const std::optional<GuardedSwap>& guard, const std::optional<std::filesystem::path>& pre_restore) {
  std::string text = fmt::format(
      "Restored  database \"{}\" from {}\nTaken     {}, {} rows in {} tables\nVerified  {} before the swap\nSwap      "
      "new connections waited {} ms\n",
      plan.database, facts.source.shown, iso_utc(facts.source.manifest.created_at), human_count(report.proof.rows),
      report.proof.tables, report.proof.words(),
      std::chrono::duration_cast<std::chrono::milliseconds>(report.swap.locked).count());
  for (const std::string& what : report.proof.not_restored) text += fmt::format("Not restored: {}\n", what);
  for (const std::string& kind : report.proof.not_compared) text += fmt::format("Not compared: {}\n", kind);
  for (const std::string& what : facts.source.unchecked) text += fmt::format("Not checked: {}\n", what);
  for (const std::string& what : facts.source.manifest.not_included)
    text += fmt::format("Not in the backup: {}\n", what);
  if (report.kept) {
    text += fmt::format(
        "Kept      the previous database as \"{}\"\nGo back   restore-database undo\nRemove    restore-database drop "
        "{}\n",
        *report.kept, shell_word(*report.kept));
  }
  if (pre_restore)
    text += fmt::format("Its backup {}\n", std::filesystem::absolute(*pre_restore).lexically_normal().string());
  Result result{text,
                {{"database", plan.database},
                 {"archive", facts.source.shown},
                 {"rows", report.proof.rows},
                 {"verified", report.proof.words()},
                 {"soft_differences", report.proof.soft},
                 {"not_restored", report.proof.not_restored},
                 {"not_checked", facts.source.unchecked},
                 {"kept", report.kept ? Json(*report.kept) : Json(nullptr)},
                 {"pre_restore_backup", pre_restore ? Json(pre_restore->string()) : Json(nullptr)},
                 {"swap_ms", std::chrono::duration_cast<std::chrono::milliseconds>(report.swap.locked).count()}}};
  if (guard) guard->add_to(result);
  return result;
}

int run_restore(const RestoreOptions& options, Tool& tool) {
  if (options.verb == "undo") return undo_restore(options, tool);
  if (options.verb == "drop") return drop_kept(options, tool);
  if (options.verb == "list") return list_kept(options, tool);
  if (options.verb == "cleanup") return clean_up(options, tool);
  try {
    tool.out.heading("Database Restore Script");
    return Restore{options, tool}.run();
  } catch (const Error& error) {
    if (error.kind != Failure::usage && error.kind != Failure::cancelled) tool.out.heading("Restore Failed");
    throw;
  }
}

}  // namespace belay
