#include "migrate/deploy.hpp"

#include <fmt/format.h>

namespace belay {

namespace {

void show_statement(const Statement& statement, Tool& tool) {
  const std::string what = statement.object.empty() ? statement.kind : statement.kind + " " + statement.object;
  tool.out.progress(fmt::format("line {}: {}", statement.line, what),
                    {{"phase", "deploy"}, {"line", statement.line}, {"statement", what}});
}

}  // namespace

DeployReport deploy(const MigrationPlan& plan, const ApplySettings& settings, Connection& db, Connection& books,
                    Tool& tool, Journal& journal) {
  DeployReport report;
  db.on_notice([&](const std::string& text) { tool.out.note("server: " + text); });
  for (const PendingMigration& pending : plan.pending) {
    const std::string& name = pending.migration.name;
    tool.out.note("Running: " + name);
    journal.record("migration", {{"name", name}, {"state", "running"}});
    try {
      ApplyOutcome outcome =
          apply_migration(db, books, pending.migration, settings, [&](const Statement& s) { show_statement(s, tool); });
      report.committed_something = report.committed_something || outcome.committed_something || !outcome.failure;
      if (outcome.failure) {
        report.failure = outcome.failure->error;
        report.in_doubt = outcome.failure->in_doubt;
      } else {
        report.applied.push_back({name, outcome.duration});
        journal.record("migration",
                       {{"name", name},
                        {"state", "applied"},
                        {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(outcome.duration).count()}});
      }
    } catch (const Error& error) {
      report.failure = error;
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
