#include "migrate/guard.hpp"

#include <fmt/format.h>

#include "common/interrupt.hpp"
#include "migrate/guard_report.hpp"
#include "migrate/guard_run.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds tidy_patience{5};

}  // namespace

Guard::Guard(const MigrateOptions& options, Tool& tool)
    : options_(options),
      tool_(tool),
      folder_(migrations_folder(options.common)),
      context_(open_run(tool, options.common, folder_)) {}

int Guard::run() {
  const std::filesystem::path catalogue =
      std::filesystem::absolute(options_.backup_path.value_or("./backups/pre-migration")).lexically_normal();
  check_ci_catalogue(options_.common, catalogue);
  if (!options_.common.dry_run) lock();
  read_plan();
  rope_.record.catalogue = catalogue.string();
  if (plan_.pending.empty()) return nothing_pending();
  require_possible();
  if (options_.common.dry_run) return dry_run();
  ask();
  Journal journal{tool_.files, tool_.clock, catalogue, tool_.run};
  prepare(journal, catalogue);
  back_up(journal, catalogue);
  show_status();
  rehearse_pending(journal);
  deploy_pending(journal);
  if (!deployed_.failure) verify();
  if (deployed_.failure) return put_back(journal);
  return finish(journal);
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

/// What the run had to say is true whether the empty side database can be dropped or not.
void Guard::drop_side() {
  const InterruptShield shield;
  books_.reset();
  try {
    regain_hold(context_, options_, tool_, tidy_patience);
    drop_side_database(context_.maintenance, rope_.side);
  } catch (const std::exception& error) {
    tool_.out.warn(
        fmt::format("could not drop \"{}\" ({}); `migrate-production recover` will", rope_.side, error.what()));
  }
}

/// Died before the drop: recover finds every migration applied, verifies again, and drops it.
int Guard::finish(Journal& journal) {
  const InterruptShield shield;
  journal.record("done");
  if (marked_) drop_side();
  tool_.out.heading("Migration Process Completed Successfully");
  tool_.out.result(show_done(context_, rope_, plan_, deployed_, rehearsal_));
  return 0;
}

int run_guarded(const MigrateOptions& options, Tool& tool) {
  tool.out.heading("Production Migration Script");
  return Guard{options, tool}.run();
}

}  // namespace belay
