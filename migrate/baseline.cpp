#include "migrate/baseline.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "migrate/bookkeeping.hpp"
#include "migrate/plan.hpp"
#include "migrate/resolve.hpp"

namespace belay {

namespace {

/// Anything of a user's own: a relation, a function or a type, outside the server's schemas and not part of an
/// extension. The history itself does not count.
bool holds_objects(Connection& db) {
  return db.value(
             "WITH own AS (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> "
             "'information_schema'), "
             "part AS (SELECT d.classid, d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e') "
             "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN own ON own.oid = c.relnamespace WHERE c.relkind "
             "IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relname <> '_prisma_migrations' AND NOT EXISTS (SELECT FROM part "
             "WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = c.oid)) "
             "OR EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN own ON own.oid = p.pronamespace WHERE NOT EXISTS "
             "(SELECT FROM part WHERE classid = 'pg_catalog.pg_proc'::regclass AND objid = p.oid)) "
             "OR EXISTS (SELECT FROM pg_catalog.pg_type t JOIN own ON own.oid = t.typnamespace WHERE t.typtype IN "
             "('e', 'd', 'r') AND NOT EXISTS (SELECT FROM part WHERE classid = 'pg_catalog.pg_type'::regclass AND "
             "objid = t.oid))") == "t";
}

void check_database(const BaselineFacts& facts) {
  if (!facts.history.rows.empty()) {
    throw Error{Failure::refused,
                fmt::format("the database has a history already: {} row{}", facts.history.rows.size(),
                            facts.history.rows.size() == 1 ? "" : "s"),
                {},
                "Nothing was changed. `migrate-production status` shows it; a single migration is marked with "
                "`migrate-production resolve --applied NAME`."};
  }
  if (facts.holds_objects) return;
  throw Error{Failure::refused,
              "the database is empty: there is nothing that the migrations could have made",
              {},
              "Nothing was changed. `migrate-production` applies them; `migrate-production resolve --applied NAME` "
              "records one all the same."};
}

std::string describe(const BaselinePlan& plan) {
  std::string text;
  for (const Migration& migration : plan.applied)
    text += fmt::format("Migration {} marked as applied.\n", migration.name);
  text += fmt::format("{} marked as applied, {} pending.\n", plan.applied.size(), plan.pending.size());
  return text;
}

void write(Connection& db, const std::string& schema, const BaselinePlan& plan) {
  if (plan.create_table) create_history_table(db, schema);
  for (const Migration& migration : plan.applied) (void)insert_resolved(db, schema, migration);
}

Json names_of(const std::vector<Migration>& migrations) {
  Json names = Json::array();
  for (const Migration& migration : migrations) names.push_back(migration.name);
  return names;
}

}  // namespace

BaselinePlan plan_baseline(const BaselineFacts& facts) {
  check_provider(facts.folder);
  check_database(facts);
  if (facts.up_to) (void)require_file(facts.folder, *facts.up_to);
  if (facts.folder.migrations.empty()) {
    throw Error{Failure::refused, "there is no migration to be marked as applied",
                fmt::format("No migration found in {}.", facts.folder.path.string()),
                "Name the folder with --migrations DIR."};
  }
  BaselinePlan plan{.create_table = !facts.history.table_exists};
  bool reached = false;
  for (const Migration& migration : facts.folder.migrations) {
    if (reached) {
      plan.pending.push_back(migration.name);
      continue;
    }
    plan.applied.push_back(require_file(facts.folder, migration.name));
    reached = facts.up_to == migration.name;
  }
  return plan;
}

int run_baseline(const MigrateOptions& options, Tool& tool) {
  const std::filesystem::path folder = migrations_folder(options.common);
  BaselineFacts facts{.folder = read_migrations(folder), .history = {}, .up_to = options.up_to};
  Bookkeeping books{options, tool, folder};
  facts.history = books.history();
  facts.holds_objects = holds_objects(books.db());
  const BaselinePlan plan = plan_baseline(facts);
  // One transaction: whoever dies before its COMMIT has changed nothing, and after it everything is recorded.
  if (!options.common.dry_run) write(books.db(), books.schema(), plan);
  books.commit();
  const std::string text =
      options.common.dry_run ? "Would be:\n" + describe(plan) + "Nothing was changed.\n" : describe(plan);
  tool.out.result({text,
                   {{"dry_run", options.common.dry_run},
                    {"applied", names_of(plan.applied)},
                    {"pending", plan.pending},
                    {"created_history", plan.create_table}}});
  return 0;
}

}  // namespace belay
