#include "migrate/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "migrate/bookkeeping.hpp"
#include "migrate/plan.hpp"
#include "migrate/read_history.hpp"

namespace belay {

namespace {

constexpr const char* whole_name_hint =
    "Give the whole name of the folder, e.g. 20201207184859_initial_migration. `migrate-production status` lists them.";

std::vector<HistoryRow> rows_of(const ResolveFacts& facts) {
  std::vector<HistoryRow> rows;
  std::copy_if(facts.history.rows.begin(), facts.history.rows.end(), std::back_inserter(rows),
               [&](const HistoryRow& row) { return row.migration_name == facts.name; });
  return rows;
}

void check_applied(const ResolveFacts& facts, const std::vector<HistoryRow>& rows) {
  // Also where that row is rolled back: Prisma looks at finished_at alone.
  if (std::none_of(rows.begin(), rows.end(), [](const HistoryRow& row) { return row.finished_at.has_value(); })) return;
  throw Error{
      Failure::refused,
      fmt::format("the migration \"{}\" is already recorded as applied in the database (P3008)", facts.name),
      {},
      fmt::format("Nothing was changed, and nothing is to be done if it is meant to be applied. `migrate-production "
                  "history {}` shows its rows. To take it back in the record alone: rollback-migration "
                  "--mark-only --migration-name {}.",
                  facts.name, facts.name)};
}

void check_rolled_back(const ResolveFacts& facts, const std::vector<HistoryRow>& rows) {
  if (!facts.history.table_exists) {
    throw Error{Failure::refused, "there is no history in the database, so nothing can be marked as rolled back",
                "There is no table _prisma_migrations.", "Nothing was changed. Is this the right database and schema?"};
  }
  if (rows.empty()) {
    throw Error{
        Failure::refused,
        fmt::format("migration \"{}\" cannot be rolled back because it was never applied to the database (P3011)",
                    facts.name),
        {},
        whole_name_hint};
  }
  if (!std::all_of(rows.begin(), rows.end(), [](const HistoryRow& row) { return row.finished_at.has_value(); })) return;
  throw Error{
      Failure::refused,
      fmt::format("migration \"{}\" cannot be rolled back because it is not in a failed state (P3012)", facts.name),
      {},
      "Nothing was changed. To take an applied migration back use rollback-migration; with --mark-only it only "
      "changes the record."};
}

std::string describe(const ResolvePlan& plan) {
  return fmt::format("Migration {} marked as {}.\n", plan.name,
                     plan.resolution == Resolution::applied ? "applied" : "rolled back");
}

/// The order of Prisma's checks: provider, lock, file, history. The provider and the file need no database.
ResolveFacts folder_facts(const MigrateOptions& options) {
  ResolveFacts facts;
  facts.resolution = options.applied ? Resolution::applied : Resolution::rolled_back;
  facts.name = options.applied ? *options.applied : *options.rolled_back;
  if (options.applied) facts.folder = read_migrations(migrations_folder(options.common));
  return facts;
}

void write(Connection& db, const std::string& schema, const ResolvePlan& plan) {
  if (plan.create_table) create_history_table(db, schema);
  if (plan.failed_rows > 0) (void)mark_failed_rolled_back(db, schema, plan.name);
  if (plan.insert) (void)insert_resolved(db, schema, *plan.insert);
}

}  // namespace

const Migration& require_file(const MigrationsFolder& folder, const std::string& name) {
  const auto found = std::find_if(folder.migrations.begin(), folder.migrations.end(),
                                  [&](const Migration& migration) { return migration.name == name; });
  if (found != folder.migrations.end() && found->script) {
    check_name(*found);
    return *found;
  }
  throw Error{Failure::refused, fmt::format("the migration \"{}\" could not be found (P3017)", name),
              found == folder.migrations.end() ? "There is no such folder in " + folder.path.string()
                                               : "There is no readable migration.sql in its folder.",
              whole_name_hint};
}

ResolvePlan plan_resolve(const ResolveFacts& facts) {
  const std::vector<HistoryRow> rows = rows_of(facts);
  ResolvePlan plan{.resolution = facts.resolution, .name = facts.name};
  if (facts.resolution == Resolution::applied) {
    check_provider(facts.folder.value());
    plan.insert = require_file(*facts.folder, facts.name);
    check_applied(facts, rows);
    plan.create_table = !facts.history.table_exists;
  } else {
    check_rolled_back(facts, rows);
  }
  plan.failed_rows = static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const HistoryRow& row) { return row.failed(); }));
  return plan;
}

int run_resolve(const MigrateOptions& options, Tool& tool) {
  ResolveFacts facts = folder_facts(options);
  Bookkeeping books{options, tool, folder_if_found(options.common)};
  facts.history = books.history();
  const ResolvePlan plan = plan_resolve(facts);
  // One transaction: whoever dies before its COMMIT has changed nothing, and after it everything is recorded.
  if (!options.common.dry_run) write(books.db(), books.schema(), plan);
  books.commit();
  const std::string text =
      options.common.dry_run ? "Would be: " + describe(plan) + "Nothing was changed.\n" : describe(plan);
  tool.out.result({text,
                   {{"dry_run", options.common.dry_run},
                    {"name", plan.name},
                    {"resolution", plan.resolution == Resolution::applied ? "applied" : "rolled back"},
                    {"created_history", plan.create_table},
                    {"rows_rolled_back", plan.failed_rows},
                    {"rows_added", plan.insert ? 1 : 0}}});
  return 0;
}

}  // namespace belay
