#include "migrate/put_back_reversals.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/history.hpp"
#include "common/run_lock.hpp"
#include "restore/rebuild.hpp"
#include "restore/writes.hpp"

namespace belay {

namespace {

/// Thrown and caught here: this way is not to be taken.
struct NotThisWay {
  std::string why;
};

const ProvenReversal* find_reversal(const RunRecord& record, const std::string& migration) {
  for (const ProvenReversal& reversal : record.reversals) {
    if (reversal.migration == migration) return &reversal;
  }
  return nullptr;
}

/// Of the migrations that this run committed, the last one first.
std::vector<const ProvenReversal*> reversals_to_run(const RunRecord& record, const Traces& traces) {
  std::vector<const ProvenReversal*> list;
  for (const RecordedPending& pending : record.pending) {
    for (const HistoryRow& row : traces.rows) {
      if (row.migration_name != pending.name) continue;
      if (row.failed() && !pending.atomic) throw NotThisWay{fmt::format("migration {} stopped half-way", pending.name)};
      if (!row.applied()) continue;
      const ProvenReversal* reversal = find_reversal(record, pending.name);
      if (!reversal) throw NotThisWay{fmt::format("the reversal of {} is not proven to lose nothing", pending.name)};
      list.insert(list.begin(), reversal);
    }
  }
  if (list.empty()) throw NotThisWay{"no migration of this run is applied"};
  return list;
}

std::vector<std::string> ids_of_applied(const Traces& traces) {
  std::vector<std::string> ids;
  for (const HistoryRow& row : traces.rows) {
    if (row.applied()) ids.push_back(row.id);
  }
  return ids;
}

/// Locked first: nobody writes there between the count and the end of it.
void check_places(Connection& db, const ProvenReversal& last, const Rope& rope, const std::vector<std::string>& own) {
  for (const NewPlace& place : last.places) {
    db.run(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", place.table));
    const std::string condition = place.column.empty() ? "true"
                                                       : fmt::format("{} IS DISTINCT FROM ({})", place.column,
                                                                     place.usual.empty() ? "NULL" : place.usual);
    const std::int64_t rows = count_others_rows(db, {place.table, condition}, rope.manifest->snapshot.snapshot, own);
    if (rows > 0) {
      throw NotThisWay{fmt::format("others wrote to {}{}{} since, which it would discard: {} rows", place.table,
                                   place.column.empty() ? "" : ".", place.column, rows)};
    }
  }
}

class TakingBack {
 public:
  TakingBack(RunContext& context, const Rope& rope, const ApplySettings& settings, Tool& tool)
      : context_(context),
        rope_(rope),
        settings_(settings),
        tool_(tool),
        db_(context.target.url, context.database(), tool.session()) {}

  PutBackReport run() {
    take_prisma_lock(db_, prisma_lock_patience);
    const Traces traces = find_traces(rope_.record, read_history(db_, rope_.record.schema));
    const std::vector<const ProvenReversal*> reversals = reversals_to_run(rope_.record, traces);
    Transaction transaction{db_};
    db_.run("SET LOCAL lock_timeout = '10s'");
    check_places(db_, *reversals.front(), rope_, transactions_of(db_, rope_.record.schema, ids_of_applied(traces)));
    for (const ProvenReversal* reversal : reversals) run_reversal(db_, reversal->script, settings_);
    const std::size_t facts = compare();
    for (const HistoryRow& row : traces.rows) (void)delete_row(db_, rope_.record.schema, row.id);
    fault_point("reversals: before COMMIT");
    commit(transaction, traces);
    PutBackReport report{.by_reversals = reversals.size()};
    report.checks.push_back(fmt::format("schema: {} facts equal those before the run, compared before COMMIT", facts));
    report.checks.emplace_back("rows: what others wrote meanwhile is kept; the reversals change no row");
    return report;
  }

 private:
  std::size_t compare() {
    const SchemaFingerprint now = read_schema_fingerprint(db_, rope_.record.schema);
    for (const SchemaDifference& difference : compare_schema(*rope_.schema_before, now, &db_)) {
      if (difference.severity == Severity::hard) throw NotThisWay{"it would leave " + difference.describe()};
    }
    return now.facts.size();
  }

  void commit(Transaction& transaction, const Traces& traces) {
    const int pid = db_.backend_pid();
    try {
      transaction.commit();
    } catch (const Error& error) {
      if (error.kind != Failure::unresolved) throw;
      if (!was_committed(pid, traces)) throw NotThisWay{"the connection broke before its COMMIT"};
    }
  }

  /// Throws unresolved where the server does not answer: restoring then would discard what the reversals had kept.
  bool was_committed(int pid, const Traces& traces) {
    Traces left;
    try {
      look_until_answered([&] {
        Connection again{context_.target.url, context_.database(), tool_.session()};
        end_broken_session(again, pid);
        left = find_traces(rope_.record, read_history(again, rope_.record.schema));
      });
    } catch (const Error& error) {
      throw Error{Failure::unresolved,
                  "the connection broke at the COMMIT of the reversals, and whether they are committed is not known",
                  error.message + "\n" + error.detail,
                  "Once the server answers, type `migrate-production recover`: it looks, and finishes this run."};
    }
    return left.rows.size() != traces.rows.size();
  }

  RunContext& context_;
  const Rope& rope_;
  const ApplySettings& settings_;
  Tool& tool_;
  Connection db_;
};

}  // namespace

std::optional<PutBackReport> put_back_by_reversals(RunContext& context, const Rope& rope, const ApplySettings& settings,
                                                   Tool& tool, Journal& journal) {
  if (rope.record.reversals.empty() || !rope.manifest || !rope.schema_before) return std::nullopt;
  std::string why;
  try {
    journal.record("reversing");
    PutBackReport report = TakingBack{context, rope, settings, tool}.run();
    journal.record("reversed", {{"migrations", report.by_reversals}});
    return report;
  } catch (const NotThisWay& way) {
    why = way.why;
  } catch (const ServerError& error) {
    why = error.primary;
  } catch (const Error& error) {
    if (error.kind == Failure::interrupted || error.kind == Failure::unresolved) throw;
    why = error.message;
  }
  tool.out.note("Not taken back by reversals, which would keep what others wrote: " + why);
  return std::nullopt;
}

}  // namespace belay
