#include "backup/prune.hpp"

#include <fmt/format.h>

#include "backup/columns.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

/// Further apart, and one of the clocks is wrong: an age in days says nothing any more.
constexpr std::chrono::minutes clocks_apart{10};

TimePoint server_now(Connection& db) {
  return parse_iso_utc(
      db.value("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"));
}

/// Empty where the clocks agree.
std::string clock_trouble(TimePoint server, TimePoint here) {
  if (std::chrono::abs(server - here) <= clocks_apart) return {};
  return fmt::format("the server's clock says {}, this host's {}", iso_utc(server), iso_utc(here));
}

std::string names_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += "  " + one_line(name) + "\n";
  return text.empty() ? "  none\n" : text;
}

/// What could not be removed, in the words of whoever has to mend it.
Error removal_failed(const std::vector<Judgement>& all, std::size_t at, const Error& cause) {
  std::vector<std::string> gone, left;
  for (std::size_t i = 0; i < all.size(); ++i) (i < at ? gone : left).push_back(all[i].archive.string());
  std::string half;
  std::error_code unknown;
  if (!fs::exists(manifest_path(all[at].archive), unknown) && !unknown) {
    half = "half removed, and no backup any more:\n" + names_of({left.front()});
    left.erase(left.begin());
  }
  return {cause.kind, "could not remove every backup that was to go",
          fmt::format("{}: {}\nremoved:\n{}{}still there, whole:\n{}", cause.message, cause.detail, names_of(gone),
                      half, names_of(left)),
          "Mend the cause, then run `backup-db prune` again: it finishes what was begun."};
}

/// Oldest first, so that whatever stops it, the newer ones are still there.
void remove_planned(const RetentionPlan& plan, Tool& tool) {
  for (std::size_t i = 0; i < plan.remove.size(); ++i) {
    try {
      throw_if_interrupted();
      remove_backup(tool.files, plan.remove[i].archive);
    } catch (const Error& error) {
      throw removal_failed(plan.remove, i, error);
    }
    tool.out.detail("removed " + plan.remove[i].archive.string());
  }
}

struct Judged {
  RetentionPlan plan;
  TimePoint now;
  std::string trouble;  ///< why nothing may be removed; empty: nothing in the way
};

Judged judge(const std::vector<fs::path>& folders, const RetentionOptions& options, RunContext& context,
             const Tool& tool) {
  std::vector<CatalogueEntry> entries;
  for (const fs::path& folder : folders) {
    for (CatalogueEntry& entry : list_backups(folder)) entries.push_back(std::move(entry));
  }
  const TimePoint now = server_now(context.maintenance);
  return {plan_retention(entries, options, now, {context.database(), context.server.system_identifier},
                         pinned_archives(context.sides)),
          now, clock_trouble(now, tool.clock.now())};
}

void confirm_removal(const Judged& judged, const BackupOptions& options, const Result& shown, Tool& tool) {
  tool.out.note(shown.text);
  if (options.common.force) return;
  const Answer answer = tool.prompt.ask(
      fmt::format("Remove {} for good? (yes/no)", count_of(judged.plan.remove.size(), "backup")), "yes");
  if (answer == Answer::yes) return;
  if (answer == Answer::cannot_ask) {
    throw Error{Failure::refused,
                "this command asks before it acts, and there is no terminal to ask at",
                {},
                "Run it on a terminal, or say --force."};
  }
  throw Error{Failure::cancelled, "cancelled; nothing was removed"};
}

/// What an earlier run began comes first: until then its files lie there for nothing.
void finish_earlier(const std::vector<fs::path>& folders, Tool& tool) {
  for (const fs::path& folder : folders) {
    for (const std::string& name : sweep_leftovers(tool.files, folder))
      tool.out.note("Removed what an interrupted run had left: " + one_line(name));
    for (const std::string& name : unfinished_removals(folder))
      tool.out.warn(fmt::format("could not finish the removal of \"{}\" in \"{}\"", name, folder.string()));
  }
}

Result removed_result(const Judged& judged, Result shown) {
  const RetentionPlan& plan = judged.plan;
  shown.json["removed"] = plan.remove.size();
  shown.json["freed_bytes"] = plan.freed();
  shown.text = plan.remove.empty() ? fmt::format("Nothing to remove: {} kept.\n", count_of(plan.keep.size(), "backup"))
                                   : fmt::format("Removed {} ({}), {} kept.\n", count_of(plan.remove.size(), "backup"),
                                                 human_size(plan.freed()), count_of(plan.keep.size(), "backup"));
  return shown;
}

}  // namespace

std::set<fs::path> pinned_archives(const std::vector<SideDatabase>& sides) {
  std::set<fs::path> pinned;
  std::vector<const Json*> open;
  for (const SideDatabase& side : sides) {
    if (side.marker) open.push_back(&side.marker->details);
  }
  while (!open.empty()) {  // whatever a step calls it: any text that is the archive's name holds it
    const Json& node = *open.back();
    open.pop_back();
    if (node.is_string()) pinned.insert(node.get<std::string>());
    if (!node.is_structured()) continue;
    for (const Json& child : node) open.push_back(&child);
  }
  return pinned;
}

RetentionOutcome retain_after_backup(const RetentionOptions& options, const fs::path& folder, RunContext& context,
                                     Tool& tool) {
  if (!options.any()) return {};
  RetentionOutcome outcome;
  try {
    const Judged judged = judge({folder}, options, context, tool);
    Result shown = show_retention(judged.plan, options, judged.now);
    if (!judged.trouble.empty()) {
      tool.out.warn("no older backup was removed: " + judged.trouble);
      outcome.line = "nothing removed: the clocks are apart";
      outcome.json = {{"removed", 0}, {"refused", judged.trouble}};
      return outcome;
    }
    if (!judged.plan.remove.empty()) tool.out.note(shown.text);
    remove_planned(judged.plan, tool);
    const Result done = removed_result(judged, std::move(shown));
    outcome.line = done.text.substr(0, done.text.size() - 1);
    outcome.json = done.json;
  } catch (const Error& error) {
    outcome.line = "failed: " + error.message;
    outcome.json = {{"failed", error.message}, {"detail", error.detail}};
    outcome.failed = Error{error.kind, "the backup is good, but older ones could not be thinned out: " + error.message,
                           error.detail, error.hint};
  }
  return outcome;
}

int prune_backups(const BackupOptions& options, Tool& tool) {
  RunContext context = open_run(tool, options.common, std::nullopt);
  if (!options.common.dry_run) lock_run(context, tool, run_lock_patience);
  check_leftovers(context, tool.out, Leftovers::warn);
  const std::vector<fs::path> folders = catalogue_folders(options.output_path);
  if (!options.common.dry_run) finish_earlier(folders, tool);
  const Judged judged = judge(folders, options.retention, context, tool);
  if (!judged.trouble.empty()) {
    throw Error{Failure::refused, "the clocks are too far apart to judge by age", judged.trouble,
                "Set the clocks right (NTP), then run it again."};
  }
  Result shown = show_retention(judged.plan, options.retention, judged.now);
  shown.json["dry_run"] = options.common.dry_run;
  if (options.common.dry_run) {
    shown.text += "Nothing was removed.\n";
    tool.out.result(shown);
    return 0;
  }
  if (!judged.plan.remove.empty()) confirm_removal(judged, options, shown, tool);
  remove_planned(judged.plan, tool);
  tool.out.result(removed_result(judged, std::move(shown)));
  return 0;
}

}  // namespace belay
