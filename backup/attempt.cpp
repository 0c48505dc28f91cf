#include "backup/attempt.hpp"

#include <fmt/format.h>

#include <thread>

#include "backup/dump.hpp"
#include "backup/record.hpp"
#include "backup/snapshot.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"

namespace belay {

namespace {

constexpr int attempts = 5;
/// Somebody who changes definitions all the time would keep a backup going for ever, each time for as long as a dump
/// takes.
constexpr int attempts_with_changes = 2;

/// `archive`, or why there is none.
struct Attempt {
  std::unique_ptr<ArchiveWriter> archive;
  std::vector<std::string> moved;  ///< others changed these meanwhile; empty: it was a lock that pg_dump did not get
};

void keep_remarks(const DumpRemarks& remarks, Manifest& manifest, Output& out) {
  for (const std::string& remark : remarks.harmless) out.detail("pg_dump says, of no concern here: " + remark);
  for (const std::string& remark : remarks.left_out) out.note("pg_dump says: " + remark);
  for (const std::string& remark : remarks.unknown) {
    out.warn("pg_dump says: " + remark);
    manifest.warnings.push_back(remark);
  }
}

/// Rows as they passed; what they do not say stands in the manifest already.
void take_content(ContentFingerprint content, ContentFingerprint& recorded) {
  content.sequences = std::move(recorded.sequences);
  content.skipped.insert(content.skipped.end(), recorded.skipped.begin(), recorded.skipped.end());
  recorded = std::move(content);
}

/// A standby that has waited long enough for us replays what its primary did, and ends whoever needs the old state.
[[noreturn]] void throw_conflict(const std::string& detail) {
  throw Error{Failure::failed, "the standby cancelled the backup: it was in conflict with recovery", detail,
              "No backup was kept. Let the standby wait longer (max_standby_streaming_delay = -1), have it keep old "
              "rows on the primary (hot_standby_feedback = on), or take the backup from the primary."};
}

bool is_conflict(const std::string& text) { return text.find("conflict with recovery") != std::string::npos; }

/// Also asked where pg_dump failed or got no lock: what it stumbled over may be what others changed. Its own failure
/// says more than that our session went with it.
std::vector<std::string> moved_since(BackupSnapshot& snapshot, const BackupReport& report, const DumpResult& dump) {
  try {
    return snapshot.moved(report.schema, report.manifest.history_schema);
  } catch (const ServerError& error) {
    if (!dump.failure || is_conflict(error.detail)) throw;
    return {};
  }
}

Attempt dump_once(const BackupPlan& plan, const SessionSettings& settings, BackupReport& report, Tool& tool) {
  BackupSnapshot snapshot{plan.url, settings, plan.wishes.lock_timeout};
  tool.out.detail(fmt::format("snapshot {} at {} ({}), tables {}", snapshot.exported(), snapshot.facts().lsn,
                              snapshot.facts().time, snapshot.facts().lock));
  report.manifest = {};
  read_into(report.manifest, report.schema, plan, snapshot);
  if (std::vector<std::string> changed = snapshot.changed_before_dump(); !changed.empty())
    return {nullptr, std::move(changed)};
  auto archive =
      std::make_unique<ArchiveWriter>(tool.files, report.archive, plan.wishes.format, plan.wishes.compression);
  const DumpResult dump = run_dump(plan, settings, snapshot.exported(), *archive, tool);
  if (dump.failure && snapshot.standby() && is_conflict(dump.failure->detail)) throw_conflict(dump.failure->detail);
  if (std::vector<std::string> moved = moved_since(snapshot, report, dump); !moved.empty())
    return {nullptr, std::move(moved)};
  if (dump.end == DumpEnd::no_lock) return {};
  if (dump.failure) throw Error{*dump.failure};
  archive->finish();
  check_tables(plan, archive->reader(), snapshot.session());
  keep_remarks(dump.remarks, report.manifest, tool.out);
  snapshot.session().finish_transaction("COMMIT");
  take_content(archive->reader().content(), report.manifest.content);
  return {std::move(archive), {}};
}

/// Our own sessions meet with the same conflict as pg_dump, and with locks that no LOCK TABLE asks for.
Attempt dump_or_explain(const BackupPlan& plan, const SessionSettings& settings, BackupReport& report, Tool& tool) {
  try {
    return dump_once(plan, settings, report, tool);
  } catch (const ServerError& error) {
    if (plan.server.standby && is_conflict(error.detail)) throw_conflict(error.detail);
    if (error.sqlstate != "55P03") throw;
    throw Error{Failure::refused,
                fmt::format("could not read every definition and sequence within {}", plan.wishes.lock_timeout),
                error.detail + (error.context.empty() ? "" : "\n" + error.context),
                "Nothing was changed. Wait for the transaction that holds the lock, or end it, and run again."};
  }
}

}  // namespace

std::unique_ptr<ArchiveWriter> dump_with_patience(const BackupPlan& plan, BackupReport& report, Tool& tool) {
  SessionSettings settings = tool.session();
  settings.pinned_text_form = true;
  settings.lc_monetary = plan.server.database->lc_monetary;
  int with_changes = 0;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    Attempt one = dump_or_explain(plan, settings, report, tool);
    if (one.archive) return std::move(one.archive);
    if (!one.moved.empty() && ++with_changes == attempts_with_changes) {
      throw Error{Failure::failed, "the backup was given up: something changed again while it was being dumped",
                  as_lines(one.moved) + "Rows or definitions in the dump may not be those of one moment.",
                  "No backup was kept. Run it again when no DDL is running."};
    }
    tool.out.warn(one.moved.empty()
                      ? "somebody else waits for an exclusive lock on a table; the backup lets go of its "
                        "locks and begins anew"
                      : "changed while it was being dumped; the backup begins anew:\n" + as_lines(one.moved));
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
  throw Error{Failure::failed,
              "no backup was made: exclusive locks came in between each time",
              {},
              "Nothing was changed. Run it again when no DDL is running."};
}

}  // namespace belay
