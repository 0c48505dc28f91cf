#include "restore/kept.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/run_context.hpp"
#include "restore/run.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds lock_patience{2};

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

}  // namespace

std::string shell_word(const std::string& text) {
  const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@+=";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
  return out + "'";
}

int undo_restore(const RestoreOptions& options, Tool& tool) {
  RunContext context = open_run(tool, options.common, std::nullopt);
  if (!options.common.dry_run) {
    require_answerable(options.common);
    lock_run(context, tool, lock_patience);
    check_leftovers(context, tool.out, Leftovers::refuse);
  }
  const SideDatabase& kept = find_kept(context, options.name);
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
  const std::string what =
      fmt::format("Database \"{}\" is replaced by \"{}\" (run {}); the present one is kept as \"{}\".",
                  context.database(), kept.name, kept.marker->run, swap.kept.value_or("-"));
  if (options.common.dry_run) {
    tool.out.result({"Would do: " + what + "\nNothing was changed.\n",
                     {{"dry_run", true}, {"database", context.database()}, {"from", kept.name}}});
    return 0;
  }
  confirm_restore(tool, options.common, what);
  const SwapReport report = swap_databases(context.maintenance, swap);
  tool.out.result({what + (swap.kept ? "\nDone. To remove it: restore-database drop " + shell_word(*swap.kept) + "\n"
                                     : "\nDone.\n"),
                   {{"database", context.database()},
                    {"from", kept.name},
                    {"kept", swap.kept ? Json(*swap.kept) : Json(nullptr)},
                    {"attempts", report.attempts}}});
  return 0;
}

int drop_kept(const RestoreOptions& options, Tool& tool) {
  RunContext context = open_run(tool, options.common, std::nullopt);
  const SideDatabase kept = find_kept(context, options.name);
  const std::string what = fmt::format("\"{}\" ({}), kept of database \"{}\" by run {}", kept.name,
                                       human_size(kept.size_bytes), context.database(), kept.marker->run);
  if (options.common.dry_run) {
    tool.out.result({"Would remove " + what + "\nNothing was changed.\n", {{"dry_run", true}, {"name", kept.name}}});
    return 0;
  }
  require_answerable(options.common);
  lock_run(context, tool, lock_patience);
  tool.out.note("About to remove " + what);
  if (!options.common.force && tool.prompt.ask("Remove it for good? (yes/no)", "yes") != Answer::yes)
    throw Error{Failure::cancelled, "cancelled; nothing was removed"};
  drop_side_database(context.maintenance, kept.name);
  tool.out.result({"Removed " + what + "\n", {{"removed", kept.name}, {"bytes", kept.size_bytes}}});
  return 0;
}

int list_kept(const RestoreOptions& options, Tool& tool) {
  const RunContext context = open_run(tool, options.common, std::nullopt);
  Result result{.json = {{"databases", Json::array()}}};
  for (const SideDatabase& side : context.sides) {
    const std::string step = side.marker ? side.marker->step : "no marker";
    const std::string run = side.marker ? side.marker->run : "?";
    result.text += side.kept() ? describe_kept(side, tool.clock.now()) + "\n"
                               : fmt::format("\"{}\", {}, leftover of a run that is not finished ({})\n", side.name,
                                             human_size(side.size_bytes), step);
    result.json["databases"].push_back(
        {{"name", side.name}, {"kept", side.kept()}, {"step", step}, {"run", run}, {"bytes", side.size_bytes}});
  }
  if (result.text.empty()) result.text = fmt::format("No side or kept database of \"{}\".\n", context.database());
  tool.out.result(result);
  return 0;
}

}  // namespace belay
