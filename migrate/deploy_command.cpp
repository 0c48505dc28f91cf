#include "migrate/deploy_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <thread>

#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/files.hpp"
#include "common/history.hpp"
#include "common/interrupt.hpp"
#include "migrate/development_command.hpp"
#include "migrate/operator_command.hpp"
#include "restore/writes.hpp"

namespace belay {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds sessions_patience{10};
constexpr Bytes largest_script = Bytes{1} << 20U;
constexpr std::size_t lines_kept = 12;

std::optional<std::string> text_of(const std::filesystem::path& path) {
  try {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
    return read_small_file(path, largest_script);
  } catch (const Error&) {  // what cannot be read cannot be looked at; the shell will say more
    return std::nullopt;
  }
}

/// One whose files are not what they were when the run was planned; empty if all are.
std::string changed_file(const MigrationPlan& plan, const MigrationsFolder& now) {
  for (const PendingMigration& pending : plan.pending) {
    const bool same = std::any_of(now.migrations.begin(), now.migrations.end(), [&](const Migration& migration) {
      return migration.name == pending.migration.name && migration.checksum == pending.migration.checksum;
    });
    if (!same) return pending.migration.name;
  }
  return {};
}

const PendingMigration* find_pending(const MigrationPlan& plan, const std::string& name) {
  for (const PendingMigration& pending : plan.pending) {
    if (pending.migration.name == name) return &pending;
  }
  return nullptr;
}

/// What the rows say that came since.
class CommandJudgement {
 public:
  CommandJudgement(const MigrationPlan& plan, const History& before, const AfterCommand& after)
      : plan_(plan), before_(before), after_(after) {}

  DeployReport report() {
    if (after_.failure) fail("", *after_.failure);
    look_at_old_rows();
    for (const HistoryRow& row : after_.history.rows) {
      if (!known_.contains(row.id)) look_at_new(row);
    }
    look_for_missing();
    if (const std::string name = changed_file(plan_, after_.folder); !name.empty())
      fail(name, problem(fmt::format("the files of migration \"{}\" were changed while the command ran", name)));
    return std::move(report_);
  }

 private:
  void look_at_old_rows();
  void look_at_new(const HistoryRow& row);
  void look_for_missing();
  static Error problem(const std::string& message, const std::string& detail = {}) {
    return Error{Failure::failed, message, detail};
  }
  void fail(const std::string& migration, const Error& error) {
    if (!report_.failure) {
      report_.failure = error;
    } else if (report_.failure->message != error.message) {
      report_.failure->detail += (report_.failure->detail.empty() ? "" : "\n") + error.message;
    }
    if (report_.failed_migration.empty()) report_.failed_migration = migration;
  }

  const MigrationPlan& plan_;
  const History& before_;
  const AfterCommand& after_;
  std::set<std::string> known_;
  std::set<std::string> applied_;
  DeployReport report_;
};

void CommandJudgement::look_at_old_rows() {
  for (const HistoryRow& row : before_.rows) {
    known_.insert(row.id);
    const auto now = std::find_if(after_.history.rows.begin(), after_.history.rows.end(),
                                  [&](const HistoryRow& other) { return other.id == row.id; });
    const bool same = now != after_.history.rows.end() && now->finished_at == row.finished_at &&
                      now->rolled_back_at == row.rolled_back_at && now->checksum == row.checksum;
    if (same) continue;
    report_.committed_something = true;
    fail("", problem(fmt::format("the command changed the earlier history of migration \"{}\"", row.migration_name)));
  }
}

void CommandJudgement::look_at_new(const HistoryRow& row) {
  const PendingMigration* pending = find_pending(plan_, row.migration_name);
  if (row.applied() || pending == nullptr || !pending->script.atomic()) report_.committed_something = true;
  if (pending == nullptr)
    return fail("", problem(fmt::format("the command recorded migration \"{}\", which this run did not have pending",
                                        row.migration_name)));
  if (!row.applied()) {
    return fail(row.migration_name, problem(fmt::format("the history says that migration \"{}\" {}", row.migration_name,
                                                        row.rolled_back_at ? "was rolled back" : "failed"),
                                            row.logs.value_or("")));
  }
  if (!checksum_matches(row.checksum, pending->migration.script.value_or("")))
    fail(row.migration_name,
         problem(fmt::format("migration \"{}\" was applied from a file other than the one that is here",
                             row.migration_name)));
  applied_.insert(row.migration_name);
  report_.applied.push_back({row.migration_name, std::chrono::duration_cast<Duration>(parse_iso_utc(*row.finished_at) -
                                                                                      parse_iso_utc(row.started_at))});
}

void CommandJudgement::look_for_missing() {
  for (const PendingMigration& pending : plan_.pending) {
    const std::string& name = pending.migration.name;
    if (!applied_.contains(name)) fail(name, problem(fmt::format("the command did not apply migration \"{}\"", name)));
  }
}

/// Ends the command's sessions and waits until they are gone: a client that was stopped leaves a server process behind
/// that goes on to the end of its statement, and may commit it.
void end_command_sessions(RunContext& context, const Tool& tool) {
  const Params mine{context.database(), command_application_name(tool)};
  const std::string where = " FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND application_name = $2";
  const steady_clock::time_point until = steady_clock::now() + sessions_patience;
  for (;;) {
    context.maintenance.run("SELECT pg_catalog.pg_terminate_backend(pid)" + where, mine);
    if (context.maintenance.value("SELECT pg_catalog.count(*)" + where, mine) == "0") return;
    if (steady_clock::now() >= until)
      throw Error{Failure::unresolved, "sessions of the command do not end",
                  "They are in pg_stat_activity as " + command_application_name(tool) + "."};
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

/// Its own failure; none = it ended with 0.
std::optional<Error> run_command(const CommandDeploy& deploy, Tool& tool) {
  const CommandSetting setting = deploying_setting(deploy.context.target, tool, deploy.server_options);
  std::vector<std::string> last;
  const auto pass_on = [&](const std::string& line) {
    tool.out.note(line);
    if (last.size() == lines_kept) last.erase(last.begin());
    last.push_back(line);
  };
  try {
    const Exit end = run_operator_command(deploy.command, setting, std::nullopt, pass_on, tool);
    if (end.ok()) return std::nullopt;
    std::string said;
    for (const std::string& line : last) said += line + "\n";
    return Error{Failure::failed, fmt::format("--deploy-command ended with {}", end.how()), said};
  } catch (const Error& error) {
    return error;
  }
}

/// The history does not show what a script does beside it.
bool changed_something(const CommandDeploy& deploy, Connection& books) {
  if (!deploy.backup || !deploy.schema_before) return true;
  const SchemaFingerprint now = read_schema_fingerprint(books, deploy.context.history_schema);
  if (!compare_schema(*deploy.schema_before, now, &books).empty()) return true;
  return !count_writes_since(books, *deploy.backup, Tables::moved).empty();
}

void name_problem_after(DeployReport& report, const Error& error) {
  report.committed_something = true;
  if (!report.failure) report.failure = error;
}

}  // namespace

void require_deploying_command(const std::string& command) {
  const std::optional<std::string> why = development_command(command, std::filesystem::current_path(), text_of);
  if (!why) return;
  throw Error{Failure::refused, "--deploy-command is not one for production", *why,
              "Nothing was changed. `npx prisma migrate deploy` is the command that only applies what is pending."};
}

DeployReport judge_command(const MigrationPlan& plan, const History& before, const AfterCommand& after) {
  return CommandJudgement{plan, before, after}.report();
}

DeployReport deploy_by_command(const CommandDeploy& deploy, Connection& books, Tool& tool) {
  const MigrationsFolder before = read_migrations(deploy.plan.folder);
  DeployReport report;
  if (const std::string name = changed_file(deploy.plan, before); !name.empty()) {
    report.failure = Error{Failure::failed,
                           fmt::format("the files of migration \"{}\" were changed since it was planned for", name)};
    report.failed_migration = name;
    return report;
  }
  const CommandSetting shown = deploying_setting(deploy.context.target, tool, deploy.server_options);
  tool.out.note("Running: " + masked(deploy.command, shown.secrets));
  report.committed_something = true;  // until it is known better
  release_prisma_lock(books);
  AfterCommand after{.failure = run_command(deploy, tool), .history = {}, .folder = {}};
  const InterruptShield shield;  // what was done has to be found out, however it ended
  try {
    fault_point("deploy command: ended");
    end_command_sessions(deploy.context, tool);
    take_prisma_lock(books, prisma_lock_patience);
    after.history = read_history(books, deploy.context.history_schema);
    after.folder = read_migrations(deploy.plan.folder);
    report = judge_command(deploy.plan, deploy.before, after);
    if (report.failure && !report.committed_something) report.committed_something = changed_something(deploy, books);
  } catch (const Error& error) {
    name_problem_after(report, after.failure.value_or(error));
    report.connection_lost = !after.failure && is_lost_connection(error);
  }
  return report;
}

}  // namespace belay
