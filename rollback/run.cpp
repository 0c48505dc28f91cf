#include "rollback/run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/catalogue.hpp"
#include "common/error.hpp"
#include "common/history.hpp"
#include "common/interrupt.hpp"
#include "common/replay.hpp"
#include "common/run_lock.hpp"
#include "restore/facts.hpp"
#include "restore/replicas.hpp"
#include "restore/run.hpp"
#include "rollback/list.hpp"
#include "rollback/plan.hpp"
#include "rollback/take_back.hpp"

namespace belay {

namespace {

constexpr const char* marking_warning =
    "Prisma does not automatically reverse migration changes. You must manually reverse the database changes or "
    "restore from backup.";

/// Prisma hides from `status` that a migration of which every row is rolled back will be applied again.
constexpr const char* again_warning =
    "Its folder is still there, so the next deploy (Prisma's or belay's) applies it again, although `prisma migrate "
    "status` says \"up to date\".";

class Rollback {
 public:
  Rollback(const RollbackOptions& options, Tool& tool)
      : options_(options),
        tool_(tool),
        folder_(migrations_folder(options.common)),
        context_(open_run(tool, options.common, folder_)),
        hooks_(options.hooks, context_.database(), tool) {}

  int run() {
    require_database();
    const bool reverses = !options_.mark_only && !options_.restore_backup;
    const bool asks = !options_.common.dry_run && !options_.write_down && options_.verb.empty();
    if (asks) require_answerable(options_.common);
    if (!options_.common.dry_run || reverses) {
      lock_run(context_, tool_, run_lock_patience);
      drop_dead_replays(context_.maintenance, context_.database(), tool_);
      context_.sides = find_side_databases(context_.maintenance, context_.database());
      check_leftovers(context_, tool_.out, Leftovers::refuse);
      if (options_.restore_backup) check_kept(context_, options_.common.keep.value_or(1));
    }
    if (options_.verb == "list") return list_reversals(options_, context_, folder_, tool_);
    const std::vector<RollbackPlan> plans = read_plans();
    for (const RollbackPlan& plan : plans) tool_.out.note(describe_migration(plan));
    plan_ = plans.front();
    if (!plan_.usual_name) tool_.out.warn("Migration name doesn't match expected format (YYYYMMDDHHMMSS_name).");
    if (reverses) return take_back({options_, context_, hooks_, plans, folder_}, tool_);
    return options_.restore_backup ? restore() : mark();
  }

 private:
  void require_database() const;
  [[nodiscard]] std::vector<RollbackPlan> read_plans() const;
  int mark();
  void mark_in_history();
  int restore();
  void act(const RestoreFacts& facts, const RestorePlan& plan);
  [[nodiscard]] std::filesystem::path choose_backup() const;
  [[nodiscard]] std::optional<BackupReport> back_up_present(const std::filesystem::path& folder);

  const RollbackOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_;
  RunContext context_;
  Hooks hooks_;
  RollbackPlan plan_;
};

void Rollback::require_database() const {
  if (context_.server.database) return;
  throw Error{Failure::refused,
              fmt::format("there is no database \"{}\" on this server (P1003)", context_.database()),
              {},
              "Correct its name in the URL."};
}

std::vector<RollbackPlan> Rollback::read_plans() const {
  Connection db{context_.target.url, context_.database(), tool_.session()};
  const std::vector<JoinedMigration> migrations =
      join_history(read_migrations(folder_), read_history(db, context_.history_schema));
  if (options_.to) return plan_rollback_to(*options_.to, migrations);
  if (options_.steps) return plan_rollback_steps(*options_.steps, migrations);
  return {plan_rollback(*options_.migration_name, migrations)};
}

/// One transaction on the history: died before its COMMIT nothing happened, after it the mark is there.
int Rollback::mark() {
  const std::string& name = plan_.migration.name;
  if (options_.common.dry_run) {
    tool_.out.result({fmt::format("Would mark migration \"{}\" as rolled back in the history; schema and data would "
                                  "stay as they are.\nNothing was changed.\n",
                                  name),
                      {{"dry_run", true}, {"migration", name}, {"way", "mark"}}});
    return 0;
  }
  hooks_.around([this] { mark_in_history(); });
  return 0;
}

void Rollback::mark_in_history() {
  const std::string& name = plan_.migration.name;
  tool_.out.warn(fmt::format("This will mark migration '{}' as rolled back. {}", name, marking_warning));
  if (!options_.common.force && tool_.prompt.ask("Mark it as rolled back? (yes/no)", "yes") != Answer::yes)
    throw Error{Failure::cancelled, "cancelled; nothing was changed"};
  Connection db{context_.target.url, context_.database(), tool_.session()};
  take_prisma_lock(db, prisma_lock_patience);
  const InterruptShield shield;
  Transaction transaction{db};
  const bool failed = plan_.migration.state == MigrationState::failed;
  const std::uint64_t rows = failed ? mark_failed_rolled_back(db, context_.history_schema, name)
                                    : mark_taken_back(db, context_.history_schema, name);
  if (rows == 0)
    throw Error{Failure::refused,
                fmt::format("the history of migration \"{}\" changed meanwhile", name),
                {},
                "Nothing was changed. Run again."};
  transaction.commit();
  std::string text = fmt::format("Migration {} marked as rolled back ({} row{}).\nSchema and data are as they were.\n",
                                 name, rows, rows == 1 ? "" : "s");
  if (plan_.migration.local) text += std::string{again_warning} + "\n";
  tool_.out.result({text,
                    {{"migration", name},
                     {"way", "mark"},
                     {"rows", rows},
                     {"applied_again_by_next_deploy", plan_.migration.local.has_value()}}});
}

std::filesystem::path Rollback::choose_backup() const {
  if (!options_.restore_backup->empty()) return *options_.restore_backup;
  std::vector<CatalogueEntry> all;
  std::string looked;
  const std::vector<std::filesystem::path> folders =
      options_.backup_path ? std::vector{*options_.backup_path} : default_folders();
  for (const std::filesystem::path& folder : folders) {
    for (CatalogueEntry& entry : list_backups(folder)) all.push_back(std::move(entry));
    looked += folder.string() + " ";
  }
  const std::optional<CatalogueEntry> newest =
      newest_before_migration(all, context_.database(), context_.server.system_identifier, plan_.migration.name);
  if (newest) return newest->archive;
  throw Error{Failure::refused,
              fmt::format("no good backup of database \"{}\" from before migration \"{}\" was found",
                          context_.database(), plan_.migration.name),
              fmt::format("Looked at {} backups in {}", all.size(), looked),
              "Name one: --restore-backup FILE. Nothing was changed."};
}

std::optional<BackupReport> Rollback::back_up_present(const std::filesystem::path& folder) {
  tool_.out.heading("Step 1: Creating Pre-Restore Backup");
  if (options_.skip_pre_restore_backup) {
    tool_.out.warn("Skipped by --skip-pre-restore-backup: the present state will exist only as the kept database.");
    return std::nullopt;
  }
  return back_up_before_restore(folder, "pre-rollback", context_, options_.common, tool_);
}

int Rollback::restore() {
  const std::filesystem::path archive = choose_backup();
  const RestoreFacts facts = read_restore_facts(tool_, context_, open_backup(archive), {});
  const RestorePlan plan = plan_restore(facts);
  for (const RecordedMigration& recorded : facts.source.manifest.history) {
    if (recorded.name != plan_.migration.name || recorded.state == "rolled back") continue;
    throw Error{
        Failure::refused,
        fmt::format("the backup \"{}\" was taken after migration \"{}\"", archive.string(), plan_.migration.name),
        "Its history has that migration as " + recorded.state + ".",
        "Name a backup from before it. Nothing was changed."};
  }
  for (const std::string& name : plan_.later)
    tool_.out.warn(fmt::format("migration \"{}\" was applied later and goes back too", name));
  if (options_.common.dry_run) {
    tool_.out.result(show_plan(plan, facts));
    return 0;
  }
  hooks_.around([&] { act(facts, plan); });
  return 0;
}

void Rollback::act(const RestoreFacts& facts, const RestorePlan& plan) {
  std::optional<Connection> hold = hold_off_deploys(context_, tool_);
  const std::filesystem::path folder = options_.pre_restore_backup_path.value_or("./backups/pre-restore");
  const std::optional<BackupReport> present = back_up_present(folder);
  std::optional<GuardedSwap> guard = guard_swap(context_, facts, plan, present, options_.common, tool_);
  confirm_restore(tool_, options_.common, restore_question(context_, facts, plan, guard, tool_));
  Journal journal{tool_.files, tool_.clock, folder, tool_.run};
  const RebuildReport report = restore_backup(facts, plan, context_, options_.common, hold, guard, tool_, journal);
  Result result = show_restored(plan, facts, report, guard, present ? std::optional{present->archive} : std::nullopt);
  add_replicas(result, {}, report.replicas);
  const bool has_old_row = std::any_of(facts.source.manifest.history.begin(), facts.source.manifest.history.end(),
                                       [&](const RecordedMigration& r) { return r.name == plan_.migration.name; });
  result.text += fmt::format(
      "Migration {} is pending now{}. The next deploy applies it, unless its folder is moved away.\n",
      plan_.migration.name, plan_.later.empty() ? "" : fmt::format(", and so are {} later ones", plan_.later.size()));
  result.text += has_old_row ? "An older row of it, marked as rolled back, is in the history again: `prisma migrate "
                               "status` therefore says \"up to date\".\n"
                             : "No row of it is in the history.\n";
  result.json["migration"] = plan_.migration.name;
  result.json["way"] = "restore";
  result.json["later_taken_back"] = plan_.later;
  tool_.out.result(result);
}

}  // namespace

int run_rollback(const RollbackOptions& options, Tool& tool) { return Rollback{options, tool}.run(); }

}  // namespace belay
