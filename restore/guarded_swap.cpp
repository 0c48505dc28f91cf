#include "restore/guarded_swap.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "restore/plan.hpp"
#include "restore/run.hpp"

namespace belay {

namespace {
constexpr int most_rounds = 3;
}  // namespace

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

EarlierState state_of_backup(const RestoreFacts& facts, const std::string& target_oid,
                             const std::optional<Manifest>& present) {
  const Manifest& backup = facts.source.manifest;
  EarlierState then{.history_schema = backup.history_schema};
  if (backup.archive.rows_readable) then.tables = backup.content.tables;
  // After an earlier swap another database bears the name, and its rows' numbers are not those that the backup knows.
  const bool same_database = !facts.source.foreign && backup.system_identifier == facts.server.system_identifier &&
                             backup.snapshot.database_oid == target_oid;
  if (same_database) then.snapshot = backup.snapshot.snapshot;
  if (!facts.source.foreign) then.history = backup.history;
  if (present) {
    then.content = present->content.tables;
    then.content_snapshot = present->snapshot.snapshot;
  }
  return then;
}

std::string describe_question(const Loss& loss) {
  if (loss.none()) return "Nothing would be lost: every table's rows are those of the backup.\n";
  return "What would be lost (it stays in the kept database):\n" + indented(describe(loss));
}

GuardedSwap::GuardedSwap(const RunContext& context, EarlierState then, const CommonOptions& options, Tool& tool)
    : context_(context), then_(std::move(then)), options_(options), tool_(tool) {
  tool_.out.progress("counting what would be lost", {{"phase", "count"}});
  count_ = count_loss(context_.target.url, context_.database(), tool_.session(), then_);
}

/// Autovacuum and ANALYZE move the witness too: the same loss needs no further word.
void GuardedSwap::count_again() {
  tool_.out.progress("others wrote meanwhile: counting again", {{"phase", "count"}});
  Count again = count_loss(context_.target.url, context_.database(), tool_.session(), then_);
  const bool same = again.loss == count_.loss;
  count_ = std::move(again);
  if (same) return;
  confirm_restore(tool_, options_,
                  fmt::format("\nOthers wrote to database \"{}\" since that was counted. ", context_.database()) +
                      describe_question(count_.loss));
}

void GuardedSwap::give_up() const {
  throw Error{Failure::failed,
              fmt::format("database \"{}\" was not swapped: others write to it all the time", context_.database()),
              "What they wrote was counted and shown, and each time there was more before nobody was connected.",
              "The database is as it was. Stop the application, then run again; with --force the swap is made all the "
              "same, and what came last is counted in the kept database."};
}

/// The swap is committed: whatever cannot be counted now is said, and fails nothing.
void GuardedSwap::count_unannounced(const std::string& kept) {
  EarlierState then;
  then.tables = count_.tables;
  then.snapshot = count_.snapshot;
  try {
    unannounced_ = count_loss(context_.target.url, kept, tool_.session(), then).loss;
  } catch (const Error& error) {
    not_counted_ = error.message;
    tool_.out.warn(fmt::format("what others wrote right before the swap was not counted ({}); it is in \"{}\"",
                               error.message, kept));
  }
  for (const std::string& line : describe(unannounced_))
    tool_.out.warn(fmt::format("written right before the swap, only in \"{}\": {}", kept, line));
}

SwapReport GuardedSwap::swap(Connection& maintenance, SwapRequest request) {
  const std::string oid = oid_of(maintenance, request.target);
  // Loading takes its time: what was written meanwhile is told before anybody's session is ended for it.
  if (count_.witness && read_witness(maintenance, oid) != *count_.witness) count_again();
  for (int round = 1;; ++round) {
    const bool insist = options_.force && round == most_rounds;
    using IfMoved = SwapWitness::IfMoved;
    if (count_.witness) request.witness = {*count_.witness, insist ? IfMoved::swap : IfMoved::stop};
    if (!count_.witness) request.witness.reset();
    const SwapReport report = swap_databases(maintenance, request);
    if (report.done) {
      kept_ = *request.kept;
      if (report.moved || !count_.witness) count_unannounced(kept_);
      return report;
    }
    if (round == most_rounds) give_up();
    count_again();
  }
}

void GuardedSwap::add_to(Result& result) const {
  const Loss& loss = count_.loss;
  if (!loss.none()) result.text += "Only in the kept database from now on:\n" + indented(describe(loss));
  if (!unannounced_.none())
    result.text +=
        fmt::format("Written right before the swap, not shown before it, only in the kept database \"{}\":\n", kept_) +
        indented(describe(unannounced_));
  if (!not_counted_.empty())
    result.text += fmt::format("Not counted: what others wrote right before the swap ({})\n", not_counted_);
  result.json["loss"] = to_json(loss.tables);
  result.json["migrations_since"] = loss.migrations_since;
  result.json["migrations_returning"] = loss.migrations_returning;
  result.json["only_in_kept"] = not_counted_.empty() ? to_json(unannounced_.tables) : Json(nullptr);
}

}  // namespace belay
