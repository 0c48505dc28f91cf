#include "migrate/deploy_verb.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/remote_place.hpp"
#include "common/history_rights.hpp"
#include "common/interrupt.hpp"
#include "common/run_context.hpp"
#include "migrate/deploy.hpp"
#include "migrate/plan.hpp"

namespace belay {

namespace {

/// As long as Prisma waits for its own: replicas that start together all deploy, and all but one find nothing pending.
constexpr std::chrono::seconds usual_patience{10};

class EngineDeploy {
 public:
  EngineDeploy(const MigrateOptions& options, Tool& tool)
      : options_(options),
        tool_(tool),
        folder_(read_migrations(migrations_folder(options.common))),
        context_(open_run(tool, options.common, folder_.path)) {}

  int run() {
    if (!context_.server.database) {
      throw Error{Failure::refused,
                  fmt::format("there is no database \"{}\" on this server (P1003)", context_.database()),
                  {},
                  "Create it, or correct its name in the URL."};
    }
    lock();
    if (options_.common.dry_run || plan_.pending.empty()) return nothing_done();
    tool_.out.note("No backup is taken and nothing is put back by `deploy`: a guarded run is `migrate-production`.");
    const DeployReport report = apply();
    if (report.failure) fail(report);
    tool_.out.result(show(report));
    return 0;
  }

 private:
  void lock();
  int nothing_done();
  DeployReport apply();
  [[noreturn]] void fail(const DeployReport& report) const;
  [[nodiscard]] Result show(const DeployReport& report) const;
  enum class Record { failed, resumable, applied, none, unknown };  ///< the history's word on the failed migration
  [[nodiscard]] Record read_record(const std::string& name) const;
  [[nodiscard]] std::string describe_now(const DeployReport& report, bool half_done, Record record) const;
  [[nodiscard]] static std::string what_to_type(const DeployReport& report, bool half_done, Record record);
  [[nodiscard]] bool had_begun(const std::string& name) const;
  [[nodiscard]] std::string applied_lines(const DeployReport& report) const;

  const MigrateOptions& options_;
  Tool& tool_;
  MigrationsFolder folder_;
  RunContext context_;
  std::optional<Connection> books_;
  MigrationPlan plan_;
};

/// A journal whose migration somebody else has settled, with Prisma's CLI for instance, is of no use to anybody, and
/// hides the table's own comment. Died before: the next deploy finds it again.
void remove_settled_journal(Connection& books, const std::string& schema, const History& history) {
  if (history.journal) return;
  const JournalOnServer found = read_journal(books, schema);
  if (found.journal && found.writable) remove_journal(books, schema, *found.journal);
}

/// Died here: the locks are gone with the sessions, nothing else exists.
void EngineDeploy::lock() {
  const std::chrono::milliseconds patience = lock_patience(options_, usual_patience);
  if (!options_.common.dry_run) {
    lock_run(context_, tool_, patience);
    check_leftovers(context_, tool_.out, Leftovers::refuse);
  }
  books_.emplace(context_.target.url, context_.database(), tool_.session());
  if (!options_.common.dry_run) take_prisma_lock(*books_, patience);
  const std::string& schema = context_.history_schema;
  check_history_rights(*books_, schema, options_.common.dry_run ? HistoryAccess::read : HistoryAccess::write);
  const MigrationFacts facts{folder_, read_history(*books_, schema), foreign_tables_before_history(*books_, schema),
                             true};
  plan_ = stop_at(plan_migrations(facts), {options_.to, options_.steps}, folder_);
  for (const std::string& warning : plan_.warnings) tool_.out.warn(warning);
  if (const std::string before = taken_back_before(plan_); !before.empty()) tool_.out.warn(before);
  if (!options_.common.dry_run) remove_settled_journal(*books_, schema, facts.history);
}

/// Prisma makes its table even if the folder is empty; so the next `status` of either says "up to date".
int EngineDeploy::nothing_done() {
  const bool dry = options_.common.dry_run;
  if (!dry && plan_.creates_history && plan_.left.empty()) create_history_table(*books_, context_.history_schema);
  Json pending = Json::array();
  for (const PendingMigration& p : plan_.pending) pending.push_back(p.migration.name);
  tool_.out.result({describe_status(plan_) + (dry ? "Nothing was changed.\n" : ""),
                    {{"state", dry ? "dry run" : "nothing pending"},
                     {"database", context_.database()},
                     {"found", plan_.found},
                     {"pending", pending},
                     {"left_pending", plan_.left},
                     {"applied", Json::array()}}});
  return 0;
}

/// Died here: each migration that is one transaction is there with its row, or not at all; any other has its row, and
/// the journal of its statements, before its first statement.
DeployReport EngineDeploy::apply() {
  SessionSettings session = tool_.session();
  session.keep_timeouts = true;
  Connection db{context_.target.url, context_.database(), session};
  if (plan_.creates_history) create_history_table(*books_, context_.history_schema);
  return deploy(plan_, deploy_settings(context_, options_, tool_), db, *books_, tool_, {});
}

/// The tree that Prisma's CLI prints.
std::string EngineDeploy::applied_lines(const DeployReport& report) const {
  std::string text = "The following migration(s) have been applied:\n\nmigrations/\n";
  for (const DeployedMigration& m : report.applied)
    text += fmt::format("  └─ {}/  {}\n    └─ migration.sql\n", m.name, human_duration(m.duration));
  return text + "\n";
}

Result EngineDeploy::show(const DeployReport& report) const {
  Json applied = Json::array();
  for (const DeployedMigration& m : report.applied) {
    applied.push_back(
        {{"name", m.name}, {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(m.duration).count()}});
  }
  std::string text =
      fmt::format("{} migration{} found in {}\n\n", plan_.found, plan_.found == 1 ? "" : "s", plan_.folder.string()) +
      applied_lines(report);
  text += plan_.left.empty() ? "All migrations have been successfully applied.\n"
                             : fmt::format("{} left pending, the first: {}\n", plan_.left.size(), plan_.left.front());
  return {text,
          {{"state", "done"},
           {"database", context_.database()},
           {"found", plan_.found},
           {"left_pending", plan_.left},
           {"applied", applied}}};
}

/// Asked afresh: whether its row could be written is not known from the failure.
EngineDeploy::Record EngineDeploy::read_record(const std::string& name) const {
  try {
    const InterruptShield shield;
    Connection db{context_.target.url, context_.database(), tool_.session()};
    const History history = read_history(db, context_.history_schema);
    Record record = Record::none;
    for (const HistoryRow& row : history.rows) {
      if (row.migration_name != name || row.rolled_back_at) continue;
      const bool resumable = history.journal && history.journal->row_id == row.id && !history.journal->finished_at;
      record = row.finished_at ? Record::applied : resumable ? Record::resumable : Record::failed;
    }
    return record;
  } catch (const Error&) {
    return Record::unknown;
  }
}

/// An earlier run has finished statements of it.
bool EngineDeploy::had_begun(const std::string& name) const {
  return std::any_of(plan_.pending.begin(), plan_.pending.end(), [&](const PendingMigration& pending) {
    return pending.migration.name == name && pending.resume && (pending.resume->done > 0 || pending.resume->begun);
  });
}

/// What the database holds now, and what the history says of it.
std::string EngineDeploy::describe_now(const DeployReport& report, bool half_done, Record record) const {
  std::string text;
  for (const DeployedMigration& m : report.applied)
    text += fmt::format("\nApplied by this run before it, and there: {}", m.name);
  if (report.failed_migration.empty()) return text;
  text += half_done ? "\nA part of the failed migration is, or may be, in the database. "
                    : "\nNothing of the failed migration is in the database. ";
  switch (record) {
    case Record::failed:
    case Record::resumable:
      return text + "The history says failed.";
    case Record::applied:
      return text + "The history says applied.";
    case Record::none:
      return text + "The history has no row of it: it is pending.";
    case Record::unknown:
      break;
  }
  return text + "What the history says could not be read: migrate-production status.";
}

std::string EngineDeploy::what_to_type(const DeployReport& report, bool half_done, Record record) {
  const std::string name = shell_word(report.failed_migration);
  if (half_done || record == Record::unknown)
    return fmt::format(" Look at it first: migrate-production history {}", name);
  if (record == Record::none) return " When the cause is gone: migrate-production deploy.";
  if (record == Record::applied) return " migrate-production status says what is left.";
  const std::string again =
      fmt::format("migrate-production resolve --rolled-back {}, then migrate-production deploy.", name);
  if (record == Record::resumable)
    return " When the cause is gone: migrate-production deploy. If the script is changed, first: " + again;
  return " When it is corrected: " + again;
}

void EngineDeploy::fail(const DeployReport& report) const {
  Error error = *report.failure;
  const bool half_done = report.in_doubt || error.kind == Failure::unresolved || had_begun(report.failed_migration);
  const Record record = report.failed_migration.empty() ? Record::none : read_record(report.failed_migration);
  error.detail += describe_now(report, half_done, record);
  if (!report.failed_migration.empty()) error.hint += what_to_type(report, half_done, record);
  if (report.committed_something || half_done || !report.applied.empty()) {
    error.kind = Failure::unresolved;
  } else if (error.kind != Failure::interrupted && error.kind != Failure::bug) {
    error.kind = Failure::failed;
  }
  throw Error{error};
}

}  // namespace

int run_deploy(const MigrateOptions& options, Tool& tool) { return EngineDeploy{options, tool}.run(); }

}  // namespace belay
