#include "migrate/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/migrations_text.hpp"

namespace belay {

void check_provider(const MigrationsFolder& folder) {
  if (!folder.lock_provider || *folder.lock_provider == "postgresql") return;
  throw Error{Failure::refused, "the migrations are for another database system (P3019)",
              fmt::format("migration_lock.toml says \"{}\", this is postgresql.", *folder.lock_provider),
              "Is --migrations the right folder?"};
}

void check_name(const Migration& migration) {
  if (as_node_reads_utf8(migration.name) == migration.name) return;
  throw Error{Failure::refused, fmt::format("the name of migration \"{}\" is not UTF-8", migration.name),
              "The history cannot hold it, and Prisma cannot find its file.",
              "Nothing was changed. Rename the folder."};
}

std::string history_elsewhere(const History& history) {
  if (history.elsewhere.empty()) return {};
  std::string names;
  for (const std::string& schema : history.elsewhere)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", schema);
  return fmt::format("There is a history in schema {}: if that is the one, say schema={} in the URL.", names,
                     history.elsewhere.front());
}

namespace {

const Migration* local_of(const std::string& name, const MigrationsFolder& folder) {
  const auto found = std::find_if(folder.migrations.begin(), folder.migrations.end(),
                                  [&](const Migration& migration) { return migration.name == name; });
  return found == folder.migrations.end() ? nullptr : &*found;
}

/// The failed row, if it is the only one and its journal says where to go on.
const HistoryRow* resumable_row(const MigrationFacts& facts) {
  if (!facts.history.journal) return nullptr;
  const HistoryRow* failed = nullptr;
  for (const HistoryRow& row : facts.history.rows) {
    if (!row.failed()) continue;
    if (failed != nullptr) return nullptr;
    failed = &row;
  }
  if (failed == nullptr) return nullptr;
  const Migration* local = local_of(failed->migration_name, facts.folder);
  const bool fits = local != nullptr && local->script && can_resume(*facts.history.journal, failed->id, *local);
  return fits ? failed : nullptr;
}

/// What belay's journal knows of a migration that stopped half-way, and whether it can be gone on with.
std::string describe_journal(const MigrationFacts& facts, const HistoryRow& row) {
  if (!facts.history.journal || facts.history.journal->row_id != row.id) return {};
  const StatementJournal& journal = *facts.history.journal;
  if (journal.finished_at)
    return fmt::format(
        "  it was applied; of its reversal {} of {} statements are done, and `rollback-migration --migration-name {}` "
        "goes on after them\n",
        journal.done, journal.statements, row.migration_name);
  std::string text = fmt::format("  {} of its {} statements are finished and committed{}\n", journal.done,
                                 journal.statements, journal.begun ? ", the next one was begun" : "");
  const Migration* local = local_of(row.migration_name, facts.folder);
  if (local == nullptr) return text + "  its folder is gone\n";
  if (!can_resume(journal, row.id, *local))
    return text + "  its script was changed since, so it cannot be gone on with\n";
  return text + "  `migrate-production deploy` goes on after them\n";
}

void check_history(const MigrationFacts& facts) {
  if (!facts.history.table_exists && !facts.foreign_tables.empty()) {
    std::string names;
    for (const std::string& name : facts.foreign_tables) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    throw Error{Failure::refused, "the database is not empty and has no migration history (P3005)",
                "Tables there: " + names,
                history_elsewhere(facts.history) + (facts.history.elsewhere.empty() ? "" : " ") +
                    "Is this the right database and schema? An existing database is taken over by `migrate-production "
                    "baseline`, which records the migrations that it already has."};
  }
  if (facts.may_resume && resumable_row(facts) != nullptr) return;
  std::string failed;
  for (const HistoryRow& row : facts.history.rows) {
    if (!row.failed()) continue;
    failed += fmt::format("The `{}` migration started at {} failed{}\n", row.migration_name, row.started_at,
                          local_of(row.migration_name, facts.folder) == nullptr ? " (its folder is gone)" : "");
    failed += describe_journal(facts, row);
  }
  if (failed.empty()) return;
  throw Error{Failure::refused, "an earlier migration failed; nothing new is applied before that is settled (P3009)",
              failed,
              "Mend the database, then `migrate-production resolve --rolled-back NAME` (to run it again) or `--applied "
              "NAME` (if it is all there). A failed row blocks even "
              "if its folder is gone."};
}

/// Prisma counts a step when a migration is done; `resolve --applied` writes an empty log. A failed one has neither.
bool had_been_applied(const HistoryRow& row) { return row.applied_steps_count > 0 || (row.logs && row.logs->empty()); }

std::optional<std::string> taken_back_at(const JoinedMigration& joined) {
  if (joined.rows.empty()) return std::nullopt;
  const HistoryRow& last = joined.rows.back();
  if (!last.rolled_back_at || !had_been_applied(last)) return std::nullopt;
  if (!checksum_matches(last.checksum, *joined.local->script)) return std::nullopt;
  return last.rolled_back_at;
}

PendingMigration to_pending(const JoinedMigration& joined) {
  check_name(*joined.local);
  if (!joined.local->script) {
    throw Error{Failure::refused, fmt::format("migration \"{}\" has no readable migration.sql (P3015)", joined.name),
                joined.local->file.string(), "Add the file, or remove the empty folder."};
  }
  return {.migration = *joined.local,
          .script = parse_script(*joined.local->script),
          .resume = {},
          .taken_back_at = taken_back_at(joined)};
}

void warn_about(const PendingMigration& pending, std::vector<std::string>& warnings) {
  const std::string& name = pending.migration.name;
  if (pending.migration.script->starts_with("\xEF\xBB\xBF")) {
    warnings.push_back(
        fmt::format("migration \"{}\" begins with a byte order mark, which the server takes for a part "
                    "of the first word: save the file without one",
                    name));
    return;
  }
  if (!pending.script.parsed) {
    warnings.push_back(fmt::format("migration \"{}\" was not understood by the parser ({}); it is sent as a whole",
                                   name, pending.script.parse_error));
    return;
  }
  for (const Statement& statement : pending.script.statements) {
    if (!statement.transaction_control && !statement.outside_transaction) continue;
    warnings.push_back(
        fmt::format("migration \"{}\" is not one transaction: {} in line {}; what it has committed when it "
                    "fails does not undo itself",
                    name, statement.kind, statement.line));
    return;
  }
}

/// Its place in the folder.
std::size_t find_migration(const std::string& name, const MigrationsFolder& folder) {
  std::vector<std::size_t> fits;
  for (std::size_t i = 0; i < folder.migrations.size(); ++i) {
    const std::string& found = folder.migrations[i].name;
    if (found == name) return i;
    if (found.find(name) != std::string::npos) fits.push_back(i);
  }
  if (fits.size() == 1) return fits.front();
  std::string list;
  for (const std::size_t i : fits) list += folder.migrations[i].name + "\n";
  throw Error{Failure::usage,
              fits.empty() ? fmt::format("there is no migration \"{}\" in {} (P3017)", name, folder.path.string())
                           : fmt::format("\"{}\" fits {} migrations", name, fits.size()),
              list, "`migrate-production status` lists them. Nothing was changed."};
}

}  // namespace

bool MigrationPlan::all_atomic() const {
  return std::all_of(pending.begin(), pending.end(), [](const PendingMigration& p) { return p.script.atomic(); });
}

MigrationPlan plan_migrations(const MigrationFacts& facts) {
  check_provider(facts.folder);
  check_history(facts);
  MigrationPlan plan{.folder = facts.folder.path,
                     .found = facts.folder.migrations.size(),
                     .creates_history = !facts.history.table_exists};
  if (facts.folder.bytewise_order_differs) {
    plan.warnings.emplace_back(
        "the folder names sort differently in Prisma up to 6.5; the order of Prisma 6.6 and later is used");
  }
  if (const std::string elsewhere = history_elsewhere(facts.history); !elsewhere.empty())
    plan.warnings.push_back(elsewhere);
  const HistoryRow* resumed = facts.may_resume ? resumable_row(facts) : nullptr;
  for (const JoinedMigration& joined : join_history(facts.folder, facts.history)) {
    if (joined.edited) {
      plan.edited.push_back(joined.name);
      plan.warnings.push_back(fmt::format("migration \"{}\" was edited after it was applied", joined.name));
    }
    const bool resumes = resumed != nullptr && resumed->migration_name == joined.name;
    if (!joined.pending_for_deploy() && !resumes) continue;
    plan.pending.push_back(to_pending(joined));
    if (resumes) plan.pending.back().resume = facts.history.journal;
    warn_about(plan.pending.back(), plan.warnings);
  }
  return plan;
}

std::string taken_back_before(const MigrationPlan& plan) {
  std::string text;
  for (const PendingMigration& pending : plan.pending) {
    if (pending.taken_back_at)
      text += fmt::format("{}{} was applied and then taken back at {}, and its file is the same",
                          text.empty() ? "" : "\n", pending.migration.name, *pending.taken_back_at);
  }
  return text;
}

MigrationPlan stop_at(MigrationPlan plan, const Stop& stop, const MigrationsFolder& folder) {
  std::size_t keep = plan.pending.size();
  if (stop.steps) keep = std::min(keep, static_cast<std::size_t>(*stop.steps));
  if (stop.to) {
    const std::size_t last = find_migration(*stop.to, folder);
    keep = 0;
    for (std::size_t i = 0; i <= last; ++i) {
      if (keep < plan.pending.size() && plan.pending[keep].migration.name == folder.migrations[i].name) ++keep;
    }
  }
  for (std::size_t i = keep; i < plan.pending.size(); ++i) plan.left.push_back(plan.pending[i].migration.name);
  plan.pending.erase(plan.pending.begin() + static_cast<std::ptrdiff_t>(keep), plan.pending.end());
  return plan;
}

std::string describe_status(const MigrationPlan& plan) {
  std::string text =
      fmt::format("{} migration{} found in {}\n", plan.found, plan.found == 1 ? "" : "s", plan.folder.string());
  if (plan.pending.empty() && plan.left.empty()) return text + "No pending migrations to apply.\n";
  if (plan.pending.empty())
    return text + fmt::format("Nothing to apply up to where it was to stop; {} pending behind it.\n", plan.left.size());
  text += fmt::format("{} pending:\n", plan.pending.size());
  for (const PendingMigration& p : plan.pending) {
    text += fmt::format("  {}  ({} statement{}, {}{})\n", p.migration.name, p.script.statements.size(),
                        p.script.statements.size() == 1 ? "" : "s",
                        p.script.atomic() ? "one transaction" : "not one transaction",
                        p.resume ? fmt::format(", {} of them finished by an earlier deploy", p.resume->done) : "");
  }
  if (!plan.left.empty()) text += fmt::format("{} left pending, the first: {}\n", plan.left.size(), plan.left.front());
  return text;
}

}  // namespace belay
