#include "migrate/guard.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "common/fault_point.hpp"
#include "common/hooks.hpp"
#include "common/interrupt.hpp"
#include "migrate/guard_report.hpp"
#include "migrate/guard_run.hpp"

namespace belay {

Guard::Guard(const MigrateOptions& options, Tool& tool)
    : options_(options),
      tool_(tool),
      folder_(migrations_folder(options.common)),
      context_(open_run(tool, options.common, folder_)),
      report_(tool.name, tool.run, tool.clock) {}

int Guard::run() {
  catalogue_ = std::filesystem::absolute(options_.backup_path.value_or("./backups/pre-migration")).lexically_normal();
  if (!options_.copy_to && !options_.backup_minio) check_ci_catalogue(options_.common, catalogue_);
  if (!options_.common.dry_run) lock();
  read_plan();
  rope_.record.catalogue = catalogue_.string();
  if (plan_.pending.empty()) return nothing_pending();
  require_possible();
  look_before();
  look_at_sql();
  if (options_.common.dry_run) return dry_run();
  require_healthy();
  ask();
  Hooks hooks{options_.hooks, context_.database(), tool_};
  return hooks.around_status([&] { return act(); });
}

int Guard::act() {
  Journal journal{tool_.files, tool_.clock, catalogue_, tool_.run};
  tell_before();
  try {
    return steps(journal);
  } catch (const Error& error) {
    tell_failed(error);
    Error shown = error;  // its last line says where all of it is
    shown.hint += fmt::format("{}Report: `migrate-production show {}`, packed by --bundle FILE.",
                              shown.hint.empty() ? "" : "\n      ", tool_.run);
    throw shown;
  }
}

int Guard::steps(Journal& journal) {
  prepare(journal);
  back_up(journal);
  show_status();
  rehearse_pending(journal);
  if (options_.verb == "rehearse") return end_rehearsal(journal);
  ask_again();
  stay_inside_window();
  deploy_pending(journal);
  if (!deployed_.failure) verify();
  if (deployed_.failure) return put_back(journal);
  return finish(journal);
}

/// The verb `rehearse`. Died before the drop: an empty side database without the record of a deploy.
int Guard::end_rehearsal(Journal& journal) {
  journal.record("done");
  report_.outcome({.state = RunState::done,
                   .status = 0,
                   .words = fmt::format("{} pending migration{} passed the rehearsal; nothing was deployed.",
                                        plan_.pending.size(), plan_.pending.size() == 1 ? "" : "s"),
                   .detail = {},
                   .hint = {}});
  report_.write(tool_.files, catalogue_, tool_.out);
  if (marked_) drop_side();
  Result result = describe_rehearsal(*rehearsal_);
  result.json["state"] = "rehearsed";
  result.json["backup"] = rope_.record.archive.value_or("");
  tool_.out.result(result);
  return 0;
}

void Guard::set_step(const std::string& step) {
  rope_.marker.step = step;
  if (marked_) mark(context_.maintenance, rope_.side, rope_.marker);
}

/// Nothing was done to the target: the side database goes, and the error goes on.
void Guard::abandon(const std::exception_ptr& why) {
  drop_side();
  std::rethrow_exception(why);
}

void Guard::drop_side() {
  books_.reset();
  belay::drop_side(context_, rope_, options_, tool_);
}

/// Died before the drop: recover finds every migration applied, verifies again, and drops it.
int Guard::finish(Journal& journal) {
  const InterruptShield shield;
  journal.record("done");
  release_brake();
  // While `recover` still finds the run: else nobody would ever end a report that says "interrupted".
  tell_done();
  fault_point("guard: told");
  if (marked_) drop_side();
  retain(journal);
  tool_.out.heading("Migration Process Completed Successfully");
  tool_.out.result(show_done(context_, rope_, plan_, deployed_, rehearsal_));
  return 0;
}

namespace {

/// Only a container's entry point means the variable; who types the command means the command.
bool switched_off(const MigrateOptions& options, Tool& tool) {
  const char* variable = std::getenv("RUN_MIGRATIONS");
  if (variable == nullptr || std::string_view{variable} != "false") return false;
  if (!options.at_start) tool.out.note("RUN_MIGRATIONS=false counts with --at-start only; going on.");
  return options.at_start;
}

}  // namespace

int run_guarded(const MigrateOptions& options, Tool& tool) {
  if (switched_off(options, tool)) {
    tool.out.result(
        {"RUN_MIGRATIONS=false: nothing was done.\n", {{"state", "switched off"}, {"applied", Json::array()}}});
    return 0;
  }
  tool.out.heading("Production Migration Script");
  return Guard{options, tool}.run();
}

}  // namespace belay
