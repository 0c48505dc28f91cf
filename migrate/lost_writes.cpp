#include "migrate/lost_writes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/writes.hpp"
#include "restore/guarded_swap.hpp"
#include "restore/writes.hpp"

namespace belay {

namespace {

bool names(const std::string& written, const TableWrites& table) {
  return written == table.name || written == table.schema + "." + table.name;
}

/// Transactions of this run that were migrations whole: rows that they wrote bear their numbers. Of a script that
/// commits in the middle the numbers are not known.
std::vector<std::string> own_transactions(Connection& db, const RunRecord& record) {
  std::vector<std::string> ids;
  const Traces traces = find_traces(record, read_history(db, record.schema));
  for (const HistoryRow& row : traces.rows) {
    const bool whole = std::any_of(record.pending.begin(), record.pending.end(), [&](const RecordedPending& pending) {
      return pending.name == row.migration_name && pending.atomic;
    });
    if (whole && row.applied()) ids.push_back(row.id);
  }
  return transactions_of(db, record.schema, ids);
}

/// Which of a table's changes may be others', and how sure that is.
class Attribution {
 public:
  Attribution(const RunRecord& record, bool strangers) : record_(record), strangers_(strangers) {
    in_pieces_ = std::any_of(record.pending.begin(), record.pending.end(),
                             [](const RecordedPending& pending) { return !pending.atomic; });
  }
  [[nodiscard]] bool theirs(const TableWrites& table) const {
    return strangers_ && (table.fresh > 0 || table.gone_away || !written_by_us(table));
  }
  [[nodiscard]] std::string line(const TableWrites& table) const {
    if (!strangers_) return "since the backup, this run's own included: " + table.describe();
    const bool sure = table.fresh > 0 && !in_pieces_;
    return (sure ? "since the backup, by others: " : "since the backup, by others or by this run: ") + table.describe();
  }

 private:
  /// Rows that its scripts name as the target may be its own where its transactions' numbers are not known, and so may
  /// all that is gone.
  [[nodiscard]] bool written_by_us(const TableWrites& table) const {
    const bool named = std::any_of(record_.written_tables.begin(), record_.written_tables.end(),
                                   [&](const std::string& written) { return names(written, table); });
    return named && (in_pieces_ || table.fresh == 0);
  }
  const RunRecord& record_;
  bool strangers_;
  bool in_pieces_;
};

void add(std::vector<std::string>& list, const std::string& line) {
  if (std::find(list.begin(), list.end(), line) == list.end()) list.push_back(line);
}

void count(RunContext& context, Rope& rope, Tool& tool, LostWrites& lost) {
  const RunRecord& record = rope.record;
  // A dead run's own sessions since then are not known to who recovers it.
  constexpr std::int64_t of_a_dead_run = 4;
  const bool alive = rope.marker.run == tool.run;
  const std::int64_t own = sessions_made(context.database()) - record.then.own + (alive ? 0 : of_a_dead_run);
  const Strangers strangers = find_strangers(context.maintenance, context.database(), record.then, own);
  rope.strangers_seen = rope.strangers_seen || strangers.any();
  Connection db{context.target.url, context.database(), tool.session()};
  lost.witness = find_witness(db);
  const Transaction one_moment{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  lost.snapshot = db.value("SELECT pg_current_snapshot()::text");
  const Attribution attribution{record, rope.strangers_seen};
  for (const TableWrites& table : count_writes_since(
           db, *rope.manifest, rope.strangers_seen ? Tables::all : Tables::moved, own_transactions(db, record)))
    add(attribution.theirs(table) ? lost.others : lost.told, attribution.line(table));
  if (lost.others.empty()) return;
  for (const std::string& who : strangers.present) add(lost.told, "at work meanwhile: " + who);
  if (strangers.came > 0)
    add(lost.told,
        fmt::format("{} session{} of others came and went meanwhile", strangers.came, strangers.came == 1 ? "" : "s"));
}

}  // namespace

LostWrites count_lost_writes(RunContext& context, Rope& rope, Tool& tool) {
  LostWrites lost;
  lost.others = rope.others_before;
  try {
    count(context, rope, tool, lost);
    lost.told.insert(lost.told.begin(), lost.others.begin(), lost.others.end());
  } catch (const Error& error) {
    if (error.kind == Failure::interrupted) throw;
    lost.others.push_back("what the put-back takes away is not known: " + error.message);
    lost.told = lost.others;
    lost.witness.reset();
  }
  return lost;
}

std::vector<std::string> count_unannounced(RunContext& context, const LostWrites& counted, const std::string& kept,
                                           Tool& tool) {
  EarlierState then;
  then.snapshot = counted.snapshot;
  try {
    return describe(count_loss(context.target.url, kept, tool.session(), then).loss);
  } catch (const Error& error) {
    return {fmt::format("not counted ({}); it is in \"{}\"", error.message, kept)};
  }
}

}  // namespace belay
