#include "migrate/put_back.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/history.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"
#include "common/sql_text.hpp"
#include "migrate/deploy.hpp"
#include "migrate/lost_writes.hpp"
#include "migrate/put_back_reversals.hpp"
#include "restore/kept.hpp"

namespace belay {

namespace {

/// For what nothing depends on: `recover` removes it too.
constexpr std::chrono::seconds tidy_patience{5};

constexpr int restore_attempts = 2;
constexpr int most_rounds = 3;

/// The other way out of every put-back that cannot be finished.
std::string keep_as_it_is(const Rope& rope) {
  return std::string{
             "To keep it as it is instead: mend it by hand, settle the history with `migrate-production resolve`, then "
             "`migrate-production recover --accept-as-is`."} +
         (rope.record.read_only ? " Until then it stays read-only for others." : "");
}

/// The message of every put-back that cannot be finished: what state the database is in, and what to type.
Error stranded(const RunContext& context, const Rope& rope, const std::string& why, const std::string& detail) {
  const std::string archive = rope.record.archive.value_or("");
  std::string hint = "Database \"" + context.database() + "\" is migrated half-way. ";
  hint += archive.empty()
              ? std::string{"There is no backup to put it back with."}
              : fmt::format(
                    "Type `migrate-production recover` to put it back, with --force if nobody can answer its "
                    "question (its backup: {}).",
                    shell_word(archive));
  return Error{Failure::unresolved, why, detail, hint + " " + keep_as_it_is(rope)};
}

void forget_run(Connection& db, const RunRecord& record) {
  if (record.creates_history) {
    // The schema goes only if it is empty: RESTRICT.
    drop_empty_history_table(db, record.schema);
    if (record.creates_schema)
      db.run(fmt::format("DROP SCHEMA IF EXISTS {} RESTRICT", quote_identifier(record.schema)));
  }
}

std::string list(const std::vector<SchemaDifference>& differences, Severity severity) {
  std::string text;
  for (const SchemaDifference& d : differences) {
    if (d.severity == severity) text += d.describe() + "\n";
  }
  return text;
}

/// The history of the database now in place against the one that the backup recorded, row by row. It was compared
/// before the swap already, as part of the content, so not being able to look is no failure.
std::string check_history(RunContext& context, const Rope& rope, Tool& tool) {
  History history;
  try {
    look_until_answered([&] {
      Connection db{context.target.url, context.database(), tool.session()};
      history = read_history(db, rope.record.schema);
    });
  } catch (const Error& error) {
    return "history: not looked at after the swap, " + error.message;
  }
  bool same = history.rows.size() >= rope.manifest->history.size();
  for (std::size_t i = 0; same && i < rope.manifest->history.size(); ++i)
    same = history.rows[i].id == rope.manifest->history[i].id;
  if (!same) throw stranded(context, rope, "the migration history after the put-back is not the backup's", {});
  return "history: as before the run";
}

/// What the run that is here knows of others' writes, a later recover could not find out any more: the marker keeps it.
void remember_lost_writes(RunContext& context, Rope& rope, const LostWrites& lost) {
  if (lost.others == rope.record.others_wrote) return;
  rope.record.others_wrote = lost.others;
  rope.marker.details = to_json(rope.record);
  mark(context.maintenance, rope.side, rope.marker);
}

/// --force decides by itself: it stops where something of others' would be lost.
bool stops_for(const LostWrites& lost, const MigrateOptions& options) {
  return options.common.force && !lost.others.empty() && options.on_lost_writes != "restore";
}

void ask_to_restore(RunContext& context, const Rope& rope, const MigrateOptions& options, const LostWrites& lost,
                    Tool& tool) {
  if (options.common.force) {
    if (!stops_for(lost, options)) return;
    std::string detail;
    for (const std::string& line : lost.told) detail += line + "\n";
    Error stop = stranded(context, rope,
                          "the database was not put back: that would lose what others wrote since the backup", detail);
    stop.hint = fmt::format(
        "Database \"{}\" is migrated half-way. To put it back all the same (those rows stay in the kept database): "
        "`migrate-production recover --force --on-lost-writes restore` (its backup: {}). {}",
        context.database(), shell_word(rope.record.archive.value_or("")), keep_as_it_is(rope));
    throw stop;
  }
  const Answer answer = tool.prompt.ask(fmt::format("Put database \"{}\" back to the backup taken {}? (yes/no)",
                                                    context.database(), iso_utc(rope.manifest->created_at)),
                                        "yes");
  if (answer != Answer::yes) throw stranded(context, rope, "the database was not put back: nobody said yes", {});
}

/// What stops it is told once, by the error.
LostWrites tell_lost_writes(RunContext& context, Rope& rope, const MigrateOptions& options, Tool& tool) {
  LostWrites lost = count_lost_writes(context, rope, tool);
  if (stops_for(lost, options)) return lost;
  for (const std::string& line : lost.told) tool.out.warn(line);
  return lost;
}

enum class Resumed { to_restore, swapped };

/// How far a failed attempt had come, the server says: the swap may have been committed while it did not answer.
Resumed resume(RunContext& context, Rope& rope, const Tool& tool) {
  const std::string kept = side_name(context.database(), SideKind::failed, rope.marker.run);
  bool swapped = false;
  for (const SideDatabase& side : find_side_databases(context.maintenance, context.database())) {
    swapped = swapped || (side.kept() && side.name == kept);
    if (side.name != rope.side) continue;
    const bool ready = side.marker && (side.marker->step == "verified" || rope.record.spare);
    if (ready) {
      rope.marker.step = side.marker->step;
    } else {
      begin_anew(context, rope, SideKind::spare, tool.run);
    }
    return Resumed::to_restore;
  }
  if (swapped) return Resumed::swapped;
  throw Error{Failure::unresolved, fmt::format("the side database \"{}\" is gone", rope.side)};
}

/// None: others wrote since the witness was read, and nothing was swapped. The copy is ready by then.
std::optional<PutBackReport> restore_and_swap(RunContext& context, Rope& rope, const MigrateOptions& options,
                                              const std::optional<SwapWitness>& witness, Tool& tool, Journal& journal) {
  PutBackReport report{.restored = true};
  RebuildRequest request = rebuild_request(context, rope, options, tool);
  request.witness = witness;
  report.kept = request.kept;
  const bool ready = rope.marker.step == "verified" || rope.record.spare;
  // Nobody deploys into a database that is about to be swapped away. Held until right before the swap, which no session
  // of ours may stand in the way of.
  std::optional<Connection> hold{std::in_place, context.target.url, context.database(), tool.session()};
  take_prisma_lock(*hold, prisma_lock_patience);
  const Proof proof = ready ? Proof{} : build_side(context.maintenance, request, tool, journal);
  if (!ready) rope.marker.step = "verified";
  hold.reset();
  fault_point("put back: before the swap");
  const RebuildReport rebuilt = swap_in(context.maintenance, request, proof, tool, journal);
  if (!rebuilt.swap.done) return std::nullopt;
  report.moved = rebuilt.swap.moved;
  for (const std::string& line : proof.not_restored) tool.out.warn("not restored, because no dump carries it: " + line);
  for (const std::string& line : rebuilt.property_differences) tool.out.warn(line);
  if (ready) {
    report.checks.emplace_back(
        rope.record.spare ? "schema and rows: equal to the backup's (compared when the spare was made)"
                          : "schema and rows: equal to the backup's (compared before the swap was first tried)");
  } else {
    report.checks.push_back(fmt::format("{}: {} rows in {} tables and {} schema facts equal the backup's",
                                        proof.words(), human_count(proof.rows), proof.tables, proof.facts));
  }
  if (rebuilt.replicas > 0)
    tool.out.warn(
        fmt::format("not verified: {} replicas; sessions there go on reading the failed database until they reconnect",
                    rebuilt.replicas));
  report.checks.emplace_back(rebuilt.property_differences.empty()
                                 ? "owner, privileges, settings, comment, connection limit: as before"
                                 : "owner, privileges, settings: they differ, see the warnings");
  return report;
}

/// A killed pg_restore or an ended session is no reason to leave the database half-way: a second attempt.
std::optional<PutBackReport> restore_with_patience(RunContext& context, Rope& rope, const MigrateOptions& options,
                                                   const std::optional<SwapWitness>& witness, Tool& tool,
                                                   Journal& journal) {
  for (int attempt = 1;; ++attempt) {
    try {
      if (attempt > 1) {
        regain_hold(context, options, tool, server_patience);
        if (resume(context, rope, tool) == Resumed::swapped) {
          return PutBackReport{.restored = true,
                               .kept = side_name(context.database(), SideKind::failed, rope.marker.run),
                               .checks = {"schema and rows: equal to the backup's (compared before the swap)"}};
        }
      }
      return restore_and_swap(context, rope, options, witness, tool, journal);
    } catch (const Error& error) {
      if (attempt == restore_attempts || error.kind == Failure::storage)
        throw stranded(context, rope, "the database could not be put back: " + error.message, error.detail);
      tool.out.warn(fmt::format("putting the database back failed ({}); trying once more", error.message));
    }
  }
}

std::string could_not_drop(const Rope& rope, const std::string& why) {
  return fmt::format("could not drop \"{}\" ({}){}; `migrate-production recover` {}", rope.side, why,
                     rope.record.read_only ? ", and the database may still be read-only for others" : "",
                     rope.record.read_only ? "ends both" : "will");
}

/// Who said that others' writes may be lost is not stopped by more of them for ever.
std::optional<SwapWitness> witness_for(int round, const LostWrites& lost, const MigrateOptions& options) {
  if (!lost.witness) return std::nullopt;
  const bool insist = round == most_rounds && options.on_lost_writes == "restore";
  return SwapWitness{*lost.witness, insist ? SwapWitness::IfMoved::swap : SwapWitness::IfMoved::stop};
}

}  // namespace

void drop_side(RunContext& context, const Rope& rope, const MigrateOptions& options, Tool& tool) {
  const InterruptShield shield;
  try {
    regain_hold(context, options, tool, tidy_patience);
    end_read_only(context, rope);
    drop_side_database(context.maintenance, rope.side);
  } catch (const std::exception& error) {
    tool.out.warn(could_not_drop(rope, error.what()));
  }
}

void end_read_only(RunContext& context, const Rope& rope) {
  if (rope.record.read_only) make_writable(context.maintenance, context.database(), *rope.record.read_only);
}

RebuildRequest rebuild_request(RunContext& context, const Rope& rope, const MigrateOptions& options, Tool& tool) {
  RebuildRequest request{
      .target = context.database(), .marker = rope.marker, .kept_kind = SideKind::failed, .side_exists = true};
  request.load = {.url = context.target.url,
                  .side = rope.side,
                  .archive = *rope.record.archive,
                  .manifest = &*rope.manifest,
                  .loader = find_loader(tool.processes, rope.manifest->archive.format, context.server.major(),
                                        options.common.pg_bin),
                  .server_version = context.server.version};
  request.kept = side_name(context.database(), SideKind::failed, rope.marker.run);
  request.properties = rope.manifest->database;
  if (rope.record.read_only) request.kept_clause = writable_clause(*rope.record.read_only);
  return request;
}

void regain_hold(RunContext& context, const MigrateOptions& options, Tool& tool, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      if (!context.maintenance.usable()) {
        context.maintenance = connect_maintenance(context.target.url, tool.session(), options.common.maintenance_db);
        take_work_lock(context.maintenance, context.database(), tool.name, run_lock_patience);
      }
      if (!context.lock->usable()) {
        context.lock.emplace(context.target.url, context.maintenance.database(), tool.session());
        take_run_lock(*context.lock, context.database(), tool.name, run_lock_patience);
      }
      context.lock->check_alive();
      return end_broken_sessions(context.maintenance, context.database());
    } catch (const Error& error) {
      if (std::chrono::steady_clock::now() >= deadline) {
        throw Error{Failure::unresolved, "the server does not answer, so the database could not be put back",
                    error.message + "\n" + error.detail,
                    "Once it answers, type `migrate-production recover`: it finishes this run."};
      }
    }
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
}

void begin_anew(RunContext& context, Rope& rope, SideKind kind, const std::string& run) {
  const std::string old = rope.side;
  rope.side = side_name(context.database(), kind, run);
  rope.marker.run = run;
  rope.marker.kind = kind;
  rope.marker.step = "restoring";
  create_side_database(context.maintenance, rope.side,
                       rope.manifest ? rope.manifest->database : *context.server.database, rope.marker);
  drop_side_database(context.maintenance, old);
}

void find_backup(Rope& rope, const std::optional<std::filesystem::path>& instead) {
  if (instead) rope.record.archive = std::filesystem::absolute(*instead);
  if (!rope.record.archive || !std::filesystem::exists(*rope.record.archive)) return;
  rope.manifest = read_manifest_of(*rope.record.archive);
  rope.schema_before = read_recorded_schema(*rope.record.archive, *rope.manifest);
}

PutBackReport settle_uncommitted(RunContext& context, const Rope& rope, const MigrateOptions& options, Tool& tool,
                                 Journal& journal) {
  journal.record("nothing committed");
  PutBackReport report;
  Connection db{context.target.url, context.database(), tool.session()};
  for (const HistoryRow& row : find_traces(rope.record, read_history(db, rope.record.schema)).rows)
    (void)delete_row(db, rope.record.schema, row.id);
  forget_run(db, rope.record);
  if (rope.schema_before) {
    const SchemaFingerprint now = read_schema_fingerprint(db, rope.record.schema);
    const std::vector<SchemaDifference> differences = compare_schema(*rope.schema_before, now, &db);
    const std::string hard = list(differences, Severity::hard);
    if (!hard.empty())
      throw Error{Failure::unresolved,
                  "nothing of this run was committed, but the schema is not what it was before: somebody else changed "
                  "it meanwhile",
                  hard,
                  "If that is as it should be, type `migrate-production recover --accept-as-is`; the pending "
                  "migrations are still pending."};
    report.checks.push_back(fmt::format("schema: {} facts equal those before the run", now.facts.size()));
  } else {
    report.checks.emplace_back("schema: not compared, there is no backup of this run to compare with");
  }
  report.checks.emplace_back("rows: nothing was committed, so nothing was restored");
  drop_side(context, rope, options, tool);
  journal.record("as before");
  return report;
}

std::optional<PutBackReport> reverse_committed(RunContext& context, const Rope& rope, const MigrateOptions& options,
                                               Tool& tool, Journal& journal) {
  std::optional<PutBackReport> report =
      put_back_by_reversals(context, rope, deploy_settings(context, options, tool), tool, journal);
  if (!report) return std::nullopt;
  if (rope.record.creates_history) {
    Connection db{context.target.url, context.database(), tool.session()};
    forget_run(db, rope.record);
  }
  drop_side(context, rope, options, tool);
  return report;
}

PutBackReport restore_before(RunContext& context, Rope& rope, const MigrateOptions& options, Tool& tool,
                             Journal& journal) {
  if (!rope.manifest) {
    throw stranded(context, rope,
                   rope.record.archive ? "the run's backup is not where the run had written it"
                                       : "there is no backup to put the database back with",
                   rope.record.archive.value_or("The run had --skip-backup."));
  }
  regain_hold(context, options, tool, server_patience);  // a way that was tried before may have ended with its session
  LostWrites lost;
  std::optional<PutBackReport> done;
  for (int round = 1; !done; ++round) {
    if (round > 1) {
      rope.strangers_seen = true;
      tool.out.warn(
          "something was written meanwhile, by others or by autovacuum: nothing was swapped, and what others wrote is "
          "counted again");
    }
    const std::vector<std::string> agreed = lost.others;
    lost = tell_lost_writes(context, rope, options, tool);
    remember_lost_writes(context, rope, lost);
    if (round == 1 || lost.others != agreed) ask_to_restore(context, rope, options, lost, tool);
    done = restore_with_patience(context, rope, options, witness_for(round, lost, options), tool, journal);
    if (!done && round == most_rounds)
      throw stranded(context, rope, "the database was not put back: others write to it all the time",
                     "What they wrote was counted and shown, and each time there was more before nobody was "
                     "connected.");
  }
  PutBackReport report = std::move(*done);
  if (report.moved || !lost.witness) {
    for (const std::string& line : count_unannounced(context, lost, report.kept.value_or(""), tool)) {
      tool.out.warn(fmt::format("written right before the swap, only in \"{}\": {}", report.kept.value_or(""), line));
      lost.told.push_back("right before the swap: " + line);
    }
  }
  report.lost = lost.told;
  report.checks.push_back(check_history(context, rope, tool));
  journal.record("put back", {{"kept", report.kept.value_or("")}});
  return report;
}

}  // namespace belay
