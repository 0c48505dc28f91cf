#include "migrate/recover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "backup/catalogue.hpp"
#include "common/error.hpp"
#include "common/history.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"
#include "migrate/brake.hpp"
#include "migrate/check.hpp"
#include "migrate/deploy.hpp"
#include "migrate/operator_command.hpp"
#include "migrate/put_back.hpp"
#include "migrate/runs_folder.hpp"
#include "restore/kept.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds dead_run_patience{15};  // its backend may take a moment to notice

std::string all_applied(const RunRecord& record) {
  if (record.pending.size() == 1) return "the one migration of that run is applied and recorded";
  return fmt::format("all {} migrations of that run are applied and recorded", record.pending.size());
}

/// What happened, in which state the database is, and what ends it: a line each.
std::vector<std::string> explain(const SideDatabase& begun, const RunRecord& record,
                                 const std::optional<Traces>& traces) {
  const Marker& marker = *begun.marker;
  std::size_t applied = 0;
  if (traces)
    applied = static_cast<std::size_t>(
        std::count_if(traces->rows.begin(), traces->rows.end(), [](const HistoryRow& row) { return row.applied(); }));
  std::string state, way;
  if (marker.step == "verified" || marker.step == "restoring") {
    state = marker.step == "verified"
                ? "it is migrated half-way, and the copy to put it back with is ready and compared"
                : "it is migrated half-way, and the copy to put it back with was being built";
    way = "`migrate-production recover` puts it back";
  } else if (!traces) {
    state = "its history could not be read";
    way = "`migrate-production recover`, once the database answers";
  } else if (traces->all_applied) {
    state = all_applied(record);
    way = "`migrate-production recover` verifies it and ends the run";
  } else if (!traces->maybe_committed) {
    state = "nothing of that run was committed: it is as before";
    way = "`migrate-production recover` clears away what the run left";
  } else {
    state = fmt::format("it is migrated half-way: {} of {} migration{} of that run {} applied", applied,
                        record.pending.size(), record.pending.size() == 1 ? "" : "s", applied == 1 ? "is" : "are");
    way = "`migrate-production recover` puts it back";
  }
  if (record.read_only) state += "; others may only read";
  return {fmt::format("What happened: run {} of {} on host {} stopped in step \"{}\".", marker.run, marker.tool,
                      marker.host, marker.step),
          "The database: " + state + ".",
          "What ends it: " + way + "; `migrate-production recover --accept-as-is` keeps it as it is."};
}

struct Recovered {
  std::string state = "nothing to recover";  ///< or "removed leftovers", "as before", "put back", "done", "accepted"
  std::vector<std::string> lines;
  std::vector<std::string> explanation;
  std::optional<std::string> kept;
  bool of_reversal = false;  ///< what was removed is a rollback-migration's
};

/// Of a run that had begun to deploy: only these have something to say about the target.
bool had_begun(const SideDatabase& side) {
  return side.marker && side.marker->tool == "migrate-production" && side.marker->step != "prepared" && !side.kept() &&
         record_from_json(side.marker->details);
}

/// A copy that is ready to be swapped in comes first, then a run still deploying; a copy being restored when the run
/// died is begun anew.
int rank(const SideDatabase& side) {
  constexpr std::array order{"verified", "deploying", "restoring"};
  const auto found = std::find(order.begin(), order.end(), side.marker->step);
  return static_cast<int>(found - order.begin());
}

std::optional<SideDatabase> find_begun(const RunContext& context) {
  std::optional<SideDatabase> best;
  for (const SideDatabase& side : context.sides) {
    if (had_begun(side) && (!best || rank(side) < rank(*best))) best = side;
  }
  return best;
}

bool by_command(const SideDatabase& side) {
  if (!had_begun(side)) return false;
  const std::optional<RunRecord> record = record_from_json(side.marker->details);
  return record && record->by_command;
}

void wait_out(std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < deadline) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

class Recovery {
 public:
  Recovery(const MigrateOptions& options, Tool& tool)
      : options_(options), tool_(tool), context_(open_run(tool, options.common, std::nullopt)) {}

  int run() {
    if (options_.common.dry_run) return dry_run();
    lock_run(context_, tool_, dead_run_patience);
    end_sessions();
    sweep_catalogues();
    const std::optional<SideDatabase> begun = find_begun(context_);
    if (!begun) end_read_only_of_dead_runs();
    remove_leftovers(begun ? begun->name : "");
    if (begun) {
      recovered_.explanation = explanation(*begun);
      for (const std::string& line : recovered_.explanation) tool_.out.note(line);
      settle(*begun);
    }
    return show();
  }

 private:
  int dry_run();
  [[nodiscard]] std::vector<std::string> explanation(const SideDatabase& begun);
  void end_sessions();
  void end_read_only_of_dead_runs();
  void sweep_catalogues();
  void settle(const SideDatabase& begun);
  void settle_by_history(Rope& rope, Journal& journal);
  void brake(const Rope& rope, const Traces& traces);
  void accept_as_is(const SideDatabase& begun);
  void put_back(Rope& rope, Journal& journal);
  void finish(const Rope& rope, Connection& db);
  void remove_leftovers(const std::string& but);
  int show();

  const MigrateOptions& options_;
  Tool& tool_;
  RunContext context_;
  Recovered recovered_;
};

/// Reads only.
std::vector<std::string> Recovery::explanation(const SideDatabase& begun) {
  const RunRecord record = record_from_json(begun.marker->details).value();
  std::optional<Traces> traces;
  try {
    Connection db{context_.target.url, context_.database(), tool_.session()};
    traces = find_traces(record, read_history(db, record.schema));
  } catch (const Error& error) {
    tool_.out.warn(error.message);
  }
  return explain(begun, record, traces);
}

int Recovery::dry_run() {
  std::string text;
  const std::optional<SideDatabase> begun = find_begun(context_);
  if (begun) recovered_.explanation = explanation(*begun);
  for (const std::string& line : recovered_.explanation) text += line + "\n";
  Json leftovers = Json::array();
  for (const SideDatabase& side : context_.sides) {
    if (side.kept()) continue;
    leftovers.push_back({{"database", side.name},
                         {"run", side.marker ? Json(side.marker->run) : Json(nullptr)},
                         {"had_begun", had_begun(side)}});
    text +=
        fmt::format("\"{}\": {}\n", side.name,
                    had_begun(side) ? fmt::format("run {} had begun to deploy (step {}); would be finished or put back",
                                                  side.marker->run, side.marker->step)
                                    : "would be removed; the target was not touched by its run");
  }
  if (text.empty()) text = "Nothing to recover.\n";
  tool_.out.result({text + "Nothing was changed.\n",
                    {{"dry_run", true},
                     {"explanation", recovered_.explanation},
                     {"leftovers", leftovers.size()},
                     {"side_databases", leftovers}}});
  return 0;
}

/// The run lock is ours, so every belay session on these databases belongs to a dead run. They go first: one of them
/// may still be about to commit.
void Recovery::end_sessions() {
  std::vector<std::string> databases{context_.database()};
  for (const SideDatabase& side : context_.sides) databases.push_back(side.name);
  // A deploying command that had not connected yet would do so after all sessions were ended.
  if (std::any_of(context_.sides.begin(), context_.sides.end(), by_command)) wait_out(command_outlives_belay);
  end_dead_sessions(context_.maintenance, databases);
}

/// Where a deploy was begun it stays until the database is settled: what others write before that could be lost.
void Recovery::end_read_only_of_dead_runs() {
  for (const SideDatabase& side : context_.sides) {
    const std::optional<ReadOnly> read_only = side.marker && !side.kept() ? read_only_of(*side.marker) : std::nullopt;
    if (!read_only || !context_.server.database) continue;
    make_writable(context_.maintenance, context_.database(), *read_only);
    recovered_.lines.push_back("others may write again: the dead run had made the database read-only for them");
  }
}

void Recovery::sweep_catalogues() {
  for (const SideDatabase& side : context_.sides) {
    if (!side.marker || !side.marker->details.contains("catalogue")) continue;
    const std::filesystem::path catalogue = side.marker->details.at("catalogue").get<std::string>();
    for (const std::string& name : sweep_leftovers(tool_.files, catalogue))
      recovered_.lines.push_back("removed what an interrupted backup had left: " + name);
    try {
      for (const std::string& name : sweep_runs(tool_.files, catalogue))
        recovered_.lines.push_back("removed what the dead run had left: " + name);
    } catch (const Error& error) {  // a disk that is gone is no reason to leave the database as it is
      tool_.out.warn(error.message + ": " + error.detail);
    }
  }
}

void Recovery::settle(const SideDatabase& begun) {
  if (options_.accept_as_is) return accept_as_is(begun);
  Rope rope{.record = record_from_json(begun.marker->details).value(), .marker = *begun.marker, .side = begun.name};
  rope.others_before = rope.record.others_wrote;
  recovered_.lines.push_back(fmt::format("run {} of {} on host {} ended in step \"{}\"", begun.marker->run,
                                         begun.marker->tool, begun.marker->host, begun.marker->step));
  Journal journal{tool_.files,
                  tool_.clock};  // the catalogue may be on a disk that is gone; the server's markers are the truth
  if (std::filesystem::is_directory(rope.record.catalogue)) journal.try_to_open(rope.record.catalogue, tool_.run);
  if (begun.marker->step == "deploying") {
    settle_by_history(rope, journal);
  } else {
    put_back(rope, journal);
  }
  // The dead run's report says "interrupted"; `runs` and `show` find this beside it.
  journal.record("settled", {{"settled_run", begun.marker->run}, {"state", recovered_.state}});
}

void Recovery::settle_by_history(Rope& rope, Journal& journal) {
  Traces traces;
  {
    Connection db{context_.target.url, context_.database(), tool_.session()};
    take_prisma_lock(db, dead_run_patience);
    traces = find_traces(rope.record, read_history(db, rope.record.schema));
    if (traces.all_applied) return finish(rope, db);
  }
  if (traces.settled_by_hand) {
    throw Error{
        Failure::unresolved, "somebody settled the history of this run by hand since",
        "A migration of it is marked as rolled back (`resolve`, belay's or Prisma's), which belay does not overrule.",
        "If the database is right as it is, type `migrate-production recover --accept-as-is`; to go back to "
        "the run's backup, do that and then use restore-database."};
  }
  brake(rope,
        traces);  // while the marker is there: a recovery that dies while it writes this is followed by another one
  if (traces.maybe_committed) return put_back(rope, journal);
  try {
    find_backup(rope, options_.backup_file);
  } catch (const Error& error) {
    tool_.out.warn("the schema will not be compared: " + error.message);
    rope.schema_before.reset();
  }
  const PutBackReport report = settle_uncommitted(context_, rope, options_, tool_, journal);
  recovered_.state = "as before";
  recovered_.lines.insert(recovered_.lines.end(), report.checks.begin(), report.checks.end());
}

namespace {

/// By the log that the run wrote: with an error code, and not that of a connection, a shutdown or a cancellation.
bool is_its_own_fault(const std::string& log) {
  constexpr std::string_view label = "Database error code: ";
  const std::size_t found = log.find(label);
  if (found == std::string::npos) return false;
  const std::string code_class = log.substr(found + label.size(), 2);
  return code_class != "08" && code_class != "57";
}

}  // namespace

/// As the run itself would have done it, had it lived: what it saw failing, and recorded as that, would fail again.
void Recovery::brake(const Rope& rope, const Traces& traces) {
  const std::filesystem::path catalogue = rope.record.catalogue;
  std::vector<PutBackBefore> failed;
  for (const HistoryRow& row : traces.rows) {
    if (!row.failed() || !is_its_own_fault(row.logs.value_or(""))) continue;
    failed.push_back({.system_identifier = context_.server.system_identifier,
                      .database = context_.database(),
                      .migration = row.migration_name,
                      .checksum = row.checksum,
                      .run = rope.marker.run,
                      .at = iso_utc(tool_.clock.now()),
                      .message = "it failed, and its run died before it was put back"});
  }
  if (failed.empty() || !std::filesystem::is_directory(catalogue)) return;
  try {
    remember_put_back(tool_.files, catalogue, failed);
  } catch (const Error& error) {
    tool_.out.warn("the next run will not know that this one was put back: " + error.message);
  }
}

/// Everything was applied before the run died; only its verification and its tidying are left.
void Recovery::finish(const Rope& rope, Connection& db) {
  const std::vector<std::string> findings = verify_deployed(db, rope.record);
  if (!findings.empty()) {
    throw Error{Failure::unresolved,
                "every migration of the dead run is applied, but the database does not pass verification",
                findings.front(),
                "Mend it and type `migrate-production recover --accept-as-is`, or put the run's backup back with "
                "restore-database afterwards."};
  }
  recovered_.state = "done";
  recovered_.lines.push_back(all_applied(rope.record));
  end_read_only_of_dead_runs();
  drop_side_database(context_.maintenance, rope.side);
}

void Recovery::put_back(Rope& rope, Journal& journal) {
  try {
    find_backup(rope, options_.backup_file);
  } catch (const Error& error) {
    throw Error{Failure::unresolved,
                "the database is migrated half-way, and the run's backup cannot be used: " + error.message,
                error.detail,
                "Type `migrate-production recover --backup-file FILE` with a good copy of it, or mend the database and "
                "type `migrate-production recover --accept-as-is`."};
  }
  if (rope.marker.step == "deploying") {
    if (const std::optional<PutBackReport> report = reverse_committed(context_, rope, options_, tool_, journal)) {
      recovered_.state = "put back";
      recovered_.lines.insert(recovered_.lines.end(), report->checks.begin(), report->checks.end());
      return;
    }
  }
  if (rope.marker.step == "restoring") begin_anew(context_, rope, SideKind::restore, tool_.run);
  const PutBackReport report = restore_before(context_, rope, options_, tool_, journal);
  recovered_.state = "put back";
  recovered_.kept = report.kept;
  recovered_.lines.insert(recovered_.lines.end(), report.checks.begin(), report.checks.end());
}

void Recovery::accept_as_is(const SideDatabase& begun) {
  recovered_.state = "accepted";
  recovered_.lines.push_back(fmt::format("run {} is given up, the database stays as it is", begun.marker->run));
  end_read_only_of_dead_runs();
  drop_side_database(context_.maintenance, begun.name);
}

/// All but the one that says how the target is to be settled: they belong to runs that never touched the target, or to
/// a recovery that died while it began anew. They go before it is settled: a second marker of one run, left until after
/// the swap, would have a later recovery put the database back once more, and with it what was written since.
void Recovery::remove_leftovers(const std::string& but) {
  for (const SideDatabase& side : find_side_databases(context_.maintenance, context_.database())) {
    if (side.kept() || side.name == but) continue;
    if (!is_abandoned(context_.maintenance, side)) {
      tool_.out.warn(fmt::format(
          "database \"{}\" bears a name of belay's but no marker, and it holds objects: left alone", side.name));
      continue;
    }
    drop_side_database(context_.maintenance, side.name);
    recovered_.of_reversal = recovered_.of_reversal || (side.marker && side.marker->tool == "rollback-migration");
    recovered_.lines.push_back(fmt::format("removed \"{}\"", side.name));
    recovered_.state = "removed leftovers";
  }
}

int Recovery::show() {
  std::string text = fmt::format("Database \"{}\": {}\n", context_.database(), recovered_.state);
  for (const std::string& line : recovered_.lines) text += "  " + line + "\n";
  if (recovered_.state == "removed leftovers")
    text += recovered_.of_reversal ? "The dead run was to take a migration back, in one transaction: "
                                     "`migrate-production history` says whether "
                                     "it had come to its end.\n"
                                   : "The dead run had not touched the database.\n";
  if (recovered_.kept)
    text += fmt::format("Kept    the half-migrated database as \"{}\"\nRemove  restore-database drop {}\n",
                        *recovered_.kept, shell_word(*recovered_.kept));
  tool_.out.result({text,
                    {{"state", recovered_.state},
                     {"database", context_.database()},
                     {"explanation", recovered_.explanation},
                     {"done", recovered_.lines},
                     {"kept", recovered_.kept ? Json(*recovered_.kept) : Json(nullptr)}}});
  return 0;
}

}  // namespace

int run_recover(const MigrateOptions& options, Tool& tool) { return Recovery{options, tool}.run(); }

}  // namespace belay
