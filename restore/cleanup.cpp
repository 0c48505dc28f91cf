// What is true if the process dies: each database is there or gone, and the next invocation finds what is left.
#include "restore/cleanup.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/run_context.hpp"
#include "common/run_lock.hpp"
#include "restore/unpacked.hpp"

namespace belay {

namespace {

/// Throws where a marker speaks of a deploy: its side database is the rope that the target may still hang on. A
/// database that migrations were only tried in never is.
void require_no_deploy(const RunContext& context) {
  for (const SideDatabase& side : context.sides) {
    if (side.kept() || !side.marker || side.marker->tool != "migrate-production") continue;
    if (side.for_trial()) continue;
    throw Error{Failure::refused,
                fmt::format("\"{}\" belongs to a deploy that did not end in order (run {}, step {})", side.name,
                            side.marker->run, side.marker->step),
                {},
                "Nothing was removed. `migrate-production recover` says which state the database is in, and finishes "
                "or removes what is left."};
  }
}

/// The run lock is ours, so every belay session in one of them belongs to a dead run.
void end_sessions(RunContext& context) {
  std::vector<std::string> databases;
  for (const SideDatabase& side : context.sides) {
    if (!side.kept()) databases.push_back(side.name);
  }
  if (!databases.empty()) end_dead_sessions(context.maintenance, databases);
}

}  // namespace

int clean_up(const RestoreOptions& options, Tool& tool) {
  RunContext context = open_run(tool, options.common, std::nullopt, options.elsewhere.to);
  const bool act = !options.common.dry_run;
  if (act) lock_run(context, tool, run_lock_patience);
  require_no_deploy(context);
  if (act) {
    remove_dead_private_folders(unpacking_folder(options.work_dir));
    end_sessions(context);
  }
  Result result{.text = {}, .json = {{"dry_run", !act}, {"removed", Json::array()}, {"left", Json::array()}}};
  for (const SideDatabase& side : context.sides) {
    if (side.kept()) continue;
    if (!is_abandoned(context.maintenance, side)) {
      result.text += fmt::format("left alone: \"{}\" has no marker, and holds objects\n", side.name);
      result.json["left"].push_back(side.name);
      continue;
    }
    if (act) drop_side_database(context.maintenance, side.name);
    result.text += fmt::format(
        "{} \"{}\" ({}), left by {}\n", act ? "Removed" : "Would remove", side.name, human_size(side.size_bytes),
        side.marker ? side.marker->tool + " run " + side.marker->run : "a run that had just begun");
    result.json["removed"].push_back(side.name);
  }
  if (result.text.empty())
    result.text = fmt::format("Nothing of a dead run is left beside \"{}\".\n", context.database());
  tool.out.result(result);
  return 0;
}

}  // namespace belay
