#include <fmt/format.h>

#include "common/interrupt.hpp"
#include "migrate/guard_report.hpp"
#include "migrate/guard_run.hpp"

namespace belay {

/// Belay's own commit results say it, unless a connection broke at the wrong moment; then the history does.
bool Guard::committed_nothing() {
  if (!deployed_.in_doubt) return !deployed_.committed_something;
  Connection db{context_.target.url, context_.database(), tool_.session()};
  return !find_traces(rope_.record, read_history(db, rope_.record.schema)).maybe_committed;
}

/// A session that breaks while nothing has to be restored is no reason to give up: asked again, once.
PutBackReport Guard::settle(Journal& journal) {
  for (const bool last : {false, true}) {
    try {
      regain_hold(context_, options_, tool_, server_patience);
      if (committed_nothing()) return settle_uncommitted(context_, rope_, options_, tool_, journal);
      if (std::optional<PutBackReport> done = reverse_committed(context_, rope_, options_, tool_, journal))
        return *done;
      break;
    } catch (const Error& error) {
      if (last || error.kind == Failure::unresolved) throw;
    }
  }
  if (options_.no_put_back)
    throw Error{
        Failure::unresolved,
        "the database is not put back: --no-put-back",
        {},
        fmt::format("Database \"{}\" is migrated half-way. To keep it: mend it by hand, settle the history with "
                    "`migrate-production resolve`, then `migrate-production recover --accept-as-is`. To put it "
                    "back: `migrate-production recover` (its backup: {}).",
                    context_.database(), rope_.record.archive.value_or("there is none"))};
  return restore_before(context_, rope_, options_, tool_, journal);
}

/// Died here: recover finds "deploying", "restoring" or "verified" and does the same.
int Guard::put_back(Journal& journal) {
  const bool was_interrupted = interrupt_pending();
  const InterruptShield shield;
  tool_.out.error(*deployed_.failure);
  tool_.out.heading("Migration Failed");
  journal.record("failed", {{"migration", deployed_.failed_migration}, {"message", deployed_.failure->message}});
  tool_.out.heading("Attempting Automatic Rollback");
  report_.step_ended(StepState::failed, "");
  report_.step_begun("Put back");
  const TimePoint began = tool_.clock.now();
  books_.reset();  // nobody of this run may be connected when names are swapped
  PutBackReport report;
  try {
    report = settle(journal);
  } catch (const Error& error) {
    if (error.kind == Failure::unresolved) throw;
    throw Error{Failure::unresolved, "the run could not be brought to its end: " + error.message, error.detail,
                "Type `migrate-production recover`: it says which state the database is in, and finishes this run."};
  }
  brake();
  const Failure status = was_interrupted ? Failure::interrupted : Failure::failed;
  tell_put_back(report, tool_.clock.now() - began, status);
  tool_.out.result(show_put_back(context_, rope_, deployed_, report));
  return static_cast<int>(status);
}

}  // namespace belay
