#include "migrate/status.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/migrations_text.hpp"
#include "common/run_context.hpp"
#include "migrate/read_history.hpp"

namespace belay {

namespace {

using Names = std::vector<std::string>;

bool any_row(const JoinedMigration& migration, bool (HistoryRow::*is)() const) {
  return std::any_of(migration.rows.begin(), migration.rows.end(), [&](const HistoryRow& row) { return (row.*is)(); });
}

bool all_rolled_back(const JoinedMigration& migration) {
  return std::none_of(migration.rows.begin(), migration.rows.end(),
                      [](const HistoryRow& row) { return !row.rolled_back_at; });
}

/// "2026-11-21 13:07:00 UTC"; whatever has another form (infinity) stays as it is.
std::string moment(const std::string& utc) {
  constexpr std::size_t to_seconds = 19;
  if (utc.size() <= to_seconds || utc[10] != 'T') return utc;
  return utc.substr(0, 10) + " " + utc.substr(11, 8) + " UTC";
}

template <typename Which>
const HistoryRow* newest(const JoinedMigration& migration, Which which) {
  const auto found = std::find_if(migration.rows.rbegin(), migration.rows.rend(), which);
  return found == migration.rows.rend() ? nullptr : &*found;
}

void sort_in(StatusReport& report, const JoinedMigration& migration) {
  const std::string& name = migration.name;
  if (any_row(migration, &HistoryRow::failed)) report.failed.push_back(name);
  if (!migration.local) {
    // A failed migration that was given up: marked as rolled back, its folder removed. Nothing is left to be done.
    if (!all_rolled_back(migration)) report.missing.push_back(name);
    return;
  }
  if (migration.state == MigrationState::pending) report.pending.push_back(name);
  if (migration.state == MigrationState::rolled_back) report.rolled_back.push_back(name);
  // The file of a failed one is meant to be corrected.
  if (migration.state == MigrationState::applied && migration.edited) report.edited.push_back(name);
  if (!migration.local->script) report.unreadable.push_back(name);
}

std::string plural(const Names& names) { return names.size() == 1 ? "" : "s"; }

/// The folder just before the first pending one, as Prisma names it.
std::string last_common(const StatusReport& report) {
  std::string last = "null";
  for (const JoinedMigration& migration : report.migrations) {
    if (migration.state == MigrationState::pending) break;
    if (migration.local) last = migration.name;
  }
  return last;
}

std::string diverged(const StatusReport& report) {
  return fmt::format(
      "Your local migration history and the migrations table from your database are different:\n\n"
      "The last common migration is: {}\n\nThe migration{} have not yet been applied:\n{}\n"
      "The migration{} from the database are not found locally in {}:\n{}",
      last_common(report), plural(report.pending), as_lines(report.pending), plural(report.missing),
      report.folder.string(), as_lines(report.missing));
}

std::string not_applied(const StatusReport& report) {
  std::string text = fmt::format("Following migration{} have not yet been applied:\n{}\n", plural(report.pending),
                                 as_lines(report.pending));
  if (report.needs_baseline) {
    return text +
           "The database has tables and no history, so a deploy is refused (P3005). If these migrations made them:\n"
           "migrate-production baseline --dry-run\n";
  }
  return text + "To apply migrations in production run migrate-production.\n";
}

std::string failed(const StatusReport& report) {
  return fmt::format(
      "Following migration{} have failed:\n{}\n"
      "During development if the failed migration(s) have not been deployed to a production database you can then fix "
      "the migration(s) and run prisma migrate dev.\n\n"
      "The failed migration(s) can be marked as rolled back or applied:\n\n"
      "- If you rolled back the migration(s) manually:\nmigrate-production resolve --rolled-back \"{}\"\n\n"
      "- If you fixed the database manually (hotfix):\nmigrate-production resolve --applied \"{}\"\n",
      plural(report.failed), as_lines(report.failed), report.failed.front(), report.failed.front());
}

/// What Prisma's status says nothing of, although its deploy or its users would meet it.
Names beyond_prisma(const StatusReport& report) {
  Names parts;
  if (!report.rolled_back.empty())
    parts.push_back(fmt::format("Following migration{} rolled back, and the next deploy applies {} again:\n{}",
                                report.rolled_back.size() == 1 ? " was" : "s were",
                                report.rolled_back.size() == 1 ? "it" : "them", as_lines(report.rolled_back)));
  if (!report.missing.empty() && report.pending.empty())
    parts.push_back(fmt::format("The migration{} from the database are not found locally in {}:\n{}",
                                plural(report.missing), report.folder.string(), as_lines(report.missing)));
  if (!report.edited.empty())
    parts.push_back(fmt::format("Following migration{} modified after {} applied:\n{}",
                                report.edited.size() == 1 ? " was" : "s were",
                                report.edited.size() == 1 ? "it was" : "they were", as_lines(report.edited)));
  if (!report.unreadable.empty())
    parts.push_back(fmt::format("No readable migration.sql (P3015):\n{}", as_lines(report.unreadable)));
  return parts;
}

Json migration_json(const JoinedMigration& migration) {
  const HistoryRow* applied = newest(migration, [](const HistoryRow& row) { return row.applied(); });
  return {{"name", migration.name},
          {"state", to_string(migration.state)},
          {"edited", migration.edited},
          {"local", migration.local.has_value()},
          {"applied_at", applied == nullptr ? Json(nullptr) : Json(*applied->finished_at)},
          {"rows", migration.rows.size()}};
}

}  // namespace

bool StatusReport::up_to_date() const {
  return pending.empty() && failed.empty() && rolled_back.empty() && edited.empty() && missing.empty() &&
         unreadable.empty() && !unmanaged;
}

StatusReport judge_status(const MigrationFacts& facts) {
  check_provider(facts.folder);
  StatusReport report{.folder = facts.folder.path,
                      .found = facts.folder.migrations.size(),
                      .migrations = join_history(facts.folder, facts.history)};
  for (const JoinedMigration& migration : report.migrations) sort_in(report, migration);
  report.unmanaged = !facts.history.table_exists && facts.folder.migrations.empty();
  report.elsewhere = history_elsewhere(facts.history);
  report.needs_baseline = !facts.history.table_exists && !facts.foreign_tables.empty();
  return report;
}

std::string describe_state(const JoinedMigration& migration) {
  const HistoryRow* failed = newest(migration, [](const HistoryRow& row) { return row.failed(); });
  const HistoryRow* applied = newest(migration, [](const HistoryRow& row) { return row.applied(); });
  const HistoryRow* taken_back =
      newest(migration, [](const HistoryRow& row) { return row.rolled_back_at.has_value(); });
  std::string text = "pending";
  if (failed != nullptr) {
    text = "failed, started " + moment(failed->started_at);
  } else if (applied != nullptr) {
    text = "applied " + moment(*applied->finished_at);
  } else if (taken_back != nullptr) {
    text = "rolled back " + moment(*taken_back->rolled_back_at);
  }
  if (migration.edited) text += ", edited since";
  if (!migration.local) return text + ", missing locally";
  if (!migration.local->script) text += ", no readable migration.sql";
  if (as_node_reads_utf8(migration.name) != migration.name) text += ", name is not UTF-8";
  return text;
}

std::string describe_report(const StatusReport& report) {
  std::string text =
      fmt::format("{} migration{} found in {}\n", report.found, report.found == 1 ? "" : "s", report.folder.string());
  constexpr std::size_t widest = 60;
  std::size_t width = 0;
  for (const JoinedMigration& m : report.migrations) width = std::max(width, std::min(m.name.size(), widest));
  for (const JoinedMigration& m : report.migrations)
    text += fmt::format("  {:<{}}  {}\n", m.name, width, describe_state(m));
  Names parts;
  if (!report.pending.empty()) parts.push_back(report.missing.empty() ? not_applied(report) : diverged(report));
  if (report.unmanaged) {
    parts.emplace_back("The current database is not managed by Prisma Migrate.\n");
  }
  if (!report.elsewhere.empty()) parts.push_back(report.elsewhere + "\n");
  if (!report.failed.empty()) parts.push_back(failed(report));
  for (std::string& part : beyond_prisma(report)) parts.push_back(std::move(part));
  if (parts.empty()) parts.emplace_back("Database schema is up to date!\n");
  for (const std::string& part : parts) text += "\n" + part;
  return text;
}

Json status_json(const StatusReport& report) {
  Json migrations = Json::array();
  for (const JoinedMigration& migration : report.migrations) migrations.push_back(migration_json(migration));
  return {
      {"up_to_date", report.up_to_date()}, {"found", report.found},        {"folder", report.folder.string()},
      {"migrations", migrations},          {"pending", report.pending},    {"failed", report.failed},
      {"rolled_back", report.rolled_back}, {"edited", report.edited},      {"missing_locally", report.missing},
      {"unreadable", report.unreadable},   {"managed", !report.unmanaged}, {"needs_baseline", report.needs_baseline}};
}

int run_status(const MigrateOptions& options, Tool& tool) {
  const std::filesystem::path folder = migrations_folder(options.common);
  const MigrationsFolder read = read_migrations(folder);
  const HistoryReading reading = read_history_only(tool, options.common, folder);
  const StatusReport report = judge_status({read, reading.history, reading.foreign_tables});
  Json json = status_json(report);
  json["database"] = reading.database;
  tool.out.result({describe_report(report), json});
  return report.up_to_date() ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace belay
