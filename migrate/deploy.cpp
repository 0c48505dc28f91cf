#include "migrate/deploy.hpp"

#include <fmt/format.h>

#include "common/apply_session.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

void show_statement(const Statement& statement, Tool& tool) {
  const std::string what = statement.object.empty() ? statement.kind : statement.kind + " " + statement.object;
  tool.out.progress(fmt::format("line {}: {}", statement.line, what),
                    {{"phase", "deploy"}, {"line", statement.line}, {"statement", what}});
}

void record(Journal* journal, const Json& fields) {
  if (journal != nullptr) journal->record("migration", fields);
}

}  // namespace

ApplySettings deploy_settings(const RunContext& context, const MigrateOptions& options, Tool& tool) {
  ApplySettings settings{.schema = context.history_schema,
                         .lock_timeout = options.common.lock_timeout,
                         .default_lock_timeout = "5s",
                         .statement_timeout = options.common.statement_timeout,
                         .lock_retries = options.lock_retries.value_or(5),
                         .on_wait = [&tool](const std::string& text) { tool.out.note(text); },
                         .may_go_on = options.verb == "deploy"};
  if (context.target.url.schema) settings.search_path = quote_identifier(*context.target.url.schema);
  return settings;
}

DeployReport deploy(const MigrationPlan& plan, const ApplySettings& settings, Connection& db, Connection& books,
                    Tool& tool, const DeployListeners& listeners) {
  DeployReport report;
  db.on_notice([&](const std::string& text) { tool.out.note("server: " + text); });
  const SessionFacts session = read_session(db);
  for (const PendingMigration& pending : plan.pending) {
    StatementMeter meter{db, StatementMeter::What::durations};
    ApplySettings mine = settings;
    mine.meter = &meter;
    mine.session = &session;
    mine.script = &pending.script;
    const std::string& name = pending.migration.name;
    tool.out.note(pending.resume ? fmt::format("Going on with: {} ({} of {} statements are finished)", name,
                                               pending.resume->done, pending.resume->statements)
                                 : "Running: " + name);
    record(listeners.journal, {{"name", name}, {"state", "running"}});
    try {
      if (listeners.before) listeners.before(name);
      const auto show = [&](const Statement& s) { show_statement(s, tool); };
      ApplyOutcome outcome = pending.resume
                                 ? resume_migration(db, books, pending.migration, mine, *pending.resume, show)
                                 : apply_migration(db, books, pending.migration, mine, show);
      report.committed_something = report.committed_something || outcome.committed_something || !outcome.failure;
      if (outcome.failure) {
        report.failure = outcome.failure->error;
        report.in_doubt = outcome.failure->in_doubt;
        report.connection_lost = outcome.failure->connection_lost;
      } else {
        report.applied.push_back({name, outcome.duration, meter.statements()});
        record(listeners.journal,
               {{"name", name},
                {"state", "applied"},
                {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(outcome.duration).count()}});
        if (listeners.after) listeners.after(name);
      }
    } catch (const Error& error) {
      report.failure = error;
      report.connection_lost = is_lost_connection(error);
    }
    if (report.failure) {
      report.failed_migration = name;
      return report;
    }
  }
  tool.out.note("Migration completed successfully!");
  return report;
}

}  // namespace belay
