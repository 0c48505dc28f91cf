#include "restore/kept.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/run_context.hpp"
#include "common/run_lock.hpp"
#include "restore/guarded_swap.hpp"
#include "restore/replicas.hpp"
#include "restore/run.hpp"

namespace belay {

namespace {

const SideDatabase& find_kept(const RunContext& context, const std::optional<std::string>& name) {
  constexpr SideKind wanted = SideKind::before;
  const SideDatabase* found = nullptr;
  for (const SideDatabase& side : context.sides) {
    // Without a name only what stood there before a restore: what a failed migration left is never what "undo" means.
    // Oldest first.
    const bool fits = name ? side.name == *name : side.kept() && side.marker->kind == wanted;
    if (side.kept() && fits) found = &side;
  }
  if (found != nullptr) return *found;
  throw Error{Failure::refused,
              name ? fmt::format("there is no kept database \"{}\"", *name)
                   : fmt::format("nothing is kept of database \"{}\" from before a restore", context.database()),
              {},
              "`restore-database list` shows what there is."};
}

/// Which kept database says when the present one took its place; after `undo NAME` not necessarily the one that is
/// wanted back.
const SideDatabase* find_predecessor(const RunContext& context, const std::string& present_oid) {
  const SideDatabase* found = nullptr;
  for (const SideDatabase& side : context.sides) {
    const std::optional<SwappedAt> at = side.kept() ? swapped_at(*side.marker) : std::nullopt;
    if (at && at->database_oid == present_oid) found = &side;
  }
  return found;
}

/// The present database as it came into its place: its rows by the swap's snapshot, its tables by the backup that it
/// was made from, if that is still there.
EarlierState state_at_swap(const SideDatabase& predecessor) {
  EarlierState then{.tables = {}, .snapshot = swapped_at(*predecessor.marker)->snapshot};
  const Json& details = predecessor.marker->details;
  const Json archive = details.value("path", details.value("archive", Json()));
  if (!archive.is_string()) return then;
  try {
    const Manifest manifest = read_manifest_of(archive.get<std::string>());
    if (manifest.archive.rows_readable) then.tables = manifest.content.tables;
    then.history = manifest.history;
    then.history_schema = manifest.history_schema;
  } catch (const Error&) {
    // Moved or removed since: deleted rows and tables are then not known, and the loss says so.
  }
  return then;
}

/// What the present database gained since it came into its place; where no marker tells, what comes from now on.
class UndoLoss {
 public:
  UndoLoss(RunContext& context, const RestoreOptions& options, Tool& tool) {
    if (!context.server.database) return;
    const SideDatabase* predecessor = find_predecessor(context, oid_of(context.maintenance, context.database()));
    known_ = predecessor != nullptr;
    EarlierState then;
    if (known_) {
      then = state_at_swap(*predecessor);
    } else {
      const Count now = count_loss(context.target.url, context.database(), tool.session(), {});
      then.tables = now.tables;
      then.snapshot = now.snapshot;
    }
    tables_known_ = then.tables.has_value();
    guard_.emplace(context, std::move(then), options.common, tool);
  }
  [[nodiscard]] std::string question() const {
    if (!guard_) return "";
    if (!known_) return "What was written since it came into its place is not known: nothing records when that was.\n";
    const std::string rest = tables_known_ ? "" : "Whether rows were deleted, or tables dropped, is not known.\n";
    if (guard_->loss().none()) return "No row was written to it since it came into its place.\n" + rest;
    return "Written to it since it came into its place:\n" + indented(describe(guard_->loss())) + rest;
  }
  SwapReport swap(RunContext& context, const SwapRequest& request) {
    return guard_ ? guard_->swap(context.maintenance, request) : swap_databases(context.maintenance, request);
  }
  void add_to(Result& result) const {
    if (!guard_) return;
    guard_->add_to(result);
    if (!known_) result.json["loss"] = nullptr;
  }

 private:
  bool known_ = false, tables_known_ = false;
  std::optional<GuardedSwap> guard_;
};

SwapRequest undo_request(const RunContext& context, const SideDatabase& kept, const Tool& tool) {
  SwapRequest swap{.target = context.database(), .side = kept.name, .comment = kept.marker->target_comment};
  swap.kept_marker = {.run = tool.run,
                      .tool = tool.name,
                      .step = "kept",
                      .host = this_host(),
                      .target = context.database(),
                      .kind = SideKind::before};
  if (context.server.database) {
    swap.kept = side_name(context.database(), SideKind::before, tool.run);
    swap.kept_marker.target_comment = context.server.database->comment;
  }
  return swap;
}

/// The swap is committed: not being able to look fails nothing.
std::string lsn_after(Connection& maintenance, Tool& tool) {
  try {
    return maintenance.value("SELECT pg_current_wal_lsn()");
  } catch (const Error& error) {
    tool.out.warn("where the swap is in the WAL could not be read: " + error.message);
    return "";
  }
}

int show_undone(const std::string& what, const SwapRequest& swap, const SwapReport& report, const UndoLoss& loss,
                const std::vector<ReplicaReport>& followed, int streaming, Tool& tool) {
  Result result{
      what + (swap.kept ? "\nDone. To remove it: restore-database drop " + shell_word(*swap.kept) + "\n" : "\nDone.\n"),
      {{"database", swap.target},
       {"from", swap.side},
       {"kept", swap.kept ? Json(*swap.kept) : Json(nullptr)},
       {"attempts", report.attempts}}};
  loss.add_to(result);
  add_replicas(result, followed, streaming);
  tool.out.result(result);
  return 0;
}

}  // namespace

int undo_restore(const RestoreOptions& options, Tool& tool) {
  RunContext context = open_run(tool, options.common, std::nullopt, options.elsewhere.to);
  if (!options.common.dry_run) {
    require_answerable(options.common);
    lock_run(context, tool, run_lock_patience);
    check_leftovers(context, tool.out, Leftovers::refuse);
  }
  const SideDatabase& kept = find_kept(context, options.name);
  const SwapRequest swap = undo_request(context, kept, tool);
  const std::string what =
      fmt::format("Database \"{}\" is replaced by \"{}\" (run {}); the present one is kept as \"{}\".",
                  context.database(), kept.name, kept.marker->run, swap.kept.value_or("-"));
  const std::vector<Replica> replicas = open_replicas(options.replica_urls, context, options.common, tool);
  if (options.common.dry_run) {
    tool.out.result({"Would do: " + what + "\nNothing was changed.\n",
                     {{"dry_run", true}, {"database", context.database()}, {"from", kept.name}}});
    return 0;
  }
  std::optional<Connection> hold = hold_off_deploys(context, tool);
  UndoLoss loss{context, options, tool};
  confirm_restore(tool, options.common, what + "\n" + loss.question());
  const std::vector<std::string> streaming =
      swap.kept ? list_replicas(context.maintenance) : std::vector<std::string>{};
  for (const std::string& line : streaming) tool.out.note(replica_note(line));
  hold.reset();  // nobody of this run may be connected when names are swapped
  const SwapReport report = loss.swap(context, swap);
  const std::string lsn = lsn_after(context.maintenance, tool);
  const std::vector<ReplicaReport> followed = follow_swap(replicas, lsn, swap.kept.value_or(""), options.common, tool);
  return show_undone(what, swap, report, loss, followed, static_cast<int>(streaming.size()), tool);
}

int drop_kept(const RestoreOptions& options, Tool& tool) {
  RunContext context = open_run(tool, options.common, std::nullopt, options.elsewhere.to);
  const SideDatabase kept = find_kept(context, options.name);
  const std::string what = fmt::format("\"{}\" ({}), kept of database \"{}\" by run {}", kept.name,
                                       human_size(kept.size_bytes), context.database(), kept.marker->run);
  if (options.common.dry_run) {
    tool.out.result({"Would remove " + what + "\nNothing was changed.\n", {{"dry_run", true}, {"name", kept.name}}});
    return 0;
  }
  require_answerable(options.common);
  lock_run(context, tool, run_lock_patience);
  tool.out.note("About to remove " + what);
  if (!options.common.force && tool.prompt.ask("Remove it for good? (yes/no)", "yes") != Answer::yes)
    throw Error{Failure::cancelled, "cancelled; nothing was removed"};
  drop_side_database(context.maintenance, kept.name);
  tool.out.result({"Removed " + what + "\n", {{"removed", kept.name}, {"bytes", kept.size_bytes}}});
  return 0;
}

int list_kept(const RestoreOptions& options, Tool& tool) {
  const RunContext context = open_run(tool, options.common, std::nullopt, options.elsewhere.to);
  Result result{.json = {{"databases", Json::array()}}};
  for (const SideDatabase& side : context.sides) {
    const std::string step = side.marker ? side.marker->step : "no marker";
    const std::string run = side.marker ? side.marker->run : run_in_name(side.name);
    const Duration age = tool.clock.now() - run_began(run);
    result.text += side.kept() ? describe_kept(side, tool.clock.now()) + "\n"
                               : fmt::format("\"{}\", {}, {} old, leftover of a run that is not finished ({})\n",
                                             side.name, human_size(side.size_bytes), human_duration(age), step);
    result.json["databases"].push_back({{"name", side.name},
                                        {"kept", side.kept()},
                                        {"kind", side.marker ? Json(to_string(side.marker->kind)) : Json(nullptr)},
                                        {"step", step},
                                        {"run", run},
                                        {"age_seconds", std::chrono::duration_cast<std::chrono::seconds>(age).count()},
                                        {"bytes", side.size_bytes}});
  }
  if (result.text.empty()) result.text = fmt::format("No side or kept database of \"{}\".\n", context.database());
  tool.out.result(result);
  return 0;
}

}  // namespace belay
