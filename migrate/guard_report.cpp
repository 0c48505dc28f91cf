#include "migrate/guard_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "restore/kept.hpp"

namespace belay {

namespace {

std::string way_back(const MigrationPlan& plan, const MigrateOptions& options) {
  if (options.skip_backup) {
    return plan.all_atomic() ? "Way back: each migration is one transaction; a failing one undoes itself, earlier ones "
                               "of this run stay (no backup)"
                             : "Way back: none for what is committed (--skip-backup)";
  }
  if (plan.pending.size() == 1 && plan.all_atomic())
    return "Way back: it is one transaction, which undoes itself; else the backup is restored beside and swapped in";
  return "Way back: if something was committed, the backup is restored beside, proven and swapped in; the "
         "half-migrated database is kept";
}

/// What is asked or run besides, a line each.
std::string describe_checks(const MigrateOptions& options) {
  std::string text;
  const auto add = [&text](const char* what, const std::string& which) {
    text += fmt::format("{}: {}\n", what, which);
  };
  if (options.deploy_command) add("Deployed by", masked(*options.deploy_command, {}));
  if (options.health.url) add("Health check", shown_health_url(*options.health.url));
  if (options.health.command) add("Health check", masked(*options.health.command, {}));
  for (const std::string& file : options.verify_sql) add("Verified by", file);
  for (const std::string& table : options.critical_table) add("Critical table", table);
  return text;
}

Json names(const MigrationPlan& plan) {
  Json list = Json::array();
  for (const PendingMigration& p : plan.pending) list.push_back(p.migration.name);
  return list;
}

/// What the checklist warns of; what is as it should be is only counted.
std::string worth_knowing(const std::vector<Check>& checks) {
  std::vector<Check> warned;
  for (const Check& check : checks) {
    if (check.state != CheckState::ok || check.name == "sessions") warned.push_back(check);
  }
  return fmt::format("Checklist: {} of {} points are as they should be\n", checks.size() - warned.size(),
                     checks.size()) +
         describe_checks(warned);
}

/// What weighs most first is at the top of the lint's own order; a question has room for some of it.
std::string describe_findings(const std::vector<ReportedFinding>& findings) {
  constexpr std::size_t most = 12;
  std::string text;
  std::size_t shown = 0, open = 0;
  for (const ReportedFinding& f : findings) {
    if (f.allowed || f.severity == "note") continue;
    ++open;
    if (shown++ < most) text += fmt::format("  {}:{}: {}: {} [{}]\n", f.file, f.line, f.severity, f.message, f.rule);
  }
  if (open == 0) return "Lint: nothing to say\n";
  if (open > most) text += fmt::format("  … and {} more: migrate-production lint\n", open - most);
  return fmt::format("Lint: {} finding{}\n", open, open == 1 ? "" : "s") + text;
}

std::string report_lines(const Rope& rope) {
  const std::string& run = rope.marker.run;
  return fmt::format(
      "Report    {}/runs/{}/report.html\n          migrate-production show {}   (--bundle FILE packs it)\n",
      rope.record.catalogue, run, run);
}

std::string way_of(const PutBackReport& report, const Rope& rope) {
  if (report.restored) return rope.record.spare ? "spare" : "restore";
  return report.by_reversals > 0 ? "reversals" : "uncommitted";
}

}  // namespace

std::string describe_run(const MigrationPlan& plan, const RunContext& context, const std::string& catalogue,
                         const MigrateOptions& options, const RehearsalChoice& choice, const std::vector<Check>& checks,
                         const std::vector<ReportedFinding>& lint) {
  std::string text = describe_status(plan) + worth_knowing(checks) + describe_findings(lint);
  text += options.skip_backup ? "Backup: none (--skip-backup)\n"
                              : fmt::format("Backup: level archive, into {}\n", catalogue);
  text += choice.rehearse ? "Rehearsal: on a restored copy of that backup\n" : "Rehearsal: none (--no-rehearse)\n";
  text += choice.spare
              ? "Way back: if something was committed, a second copy is ready and swapped in; the half-migrated "
                "database is kept\n"
              : way_back(plan, options) + "\n";
  text += describe_checks(options);
  if (context.target.url.schema)
    text += fmt::format("The URL names schema \"{}\"; a put-back puts the whole database back.\n",
                        *context.target.url.schema);
  return text;
}

Result show_dry_run(const MigrationPlan& plan, const RunContext& context, const std::string& catalogue,
                    const MigrateOptions& options, const RehearsalChoice& choice, const std::vector<Check>& checks,
                    const std::vector<ReportedFinding>& lint) {
  return {describe_target(context.server, context.database(), context.target.source) + "\n" +
              describe_run(plan, context, catalogue, options, choice, checks, lint) + "Nothing was changed.\n",
          {{"dry_run", true},
           {"database", context.database()},
           {"pending", names(plan)},
           {"catalogue", catalogue},
           {"rehearsal", choice.rehearse},
           {"spare", choice.spare},
           {"checks", to_json(checks)},
           {"one_transaction_each", plan.all_atomic()}}};
}

Result show_done(const RunContext& context, const Rope& rope, const MigrationPlan& plan, const DeployReport& report,
                 const std::optional<Rehearsal>& rehearsal) {
  std::string text = fmt::format("{} migration{} applied to database \"{}\":\n", report.applied.size(),
                                 report.applied.size() == 1 ? "" : "s", context.database());
  Json applied = Json::array();
  for (const DeployedMigration& m : report.applied) {
    text += fmt::format("  {}  {}\n", m.name, human_duration(m.duration));
    applied.push_back(
        {{"name", m.name}, {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(m.duration).count()}});
  }
  text += fmt::format(
      "Verified: the history says so for each of them, none failed, no index was left invalid and no constraint NOT "
      "VALID, no table lost rows that the SQL does not account for{}\n",
      rehearsal ? ", the schema is the one that the rehearsal led to" : "");
  for (const std::string& line : report.verified) text += "Verified: " + line + "\n";
  const bool asked =
      std::find(report.verified.begin(), report.verified.end(), "the health check is good") != report.verified.end();
  if (!asked) text += "Not verified: that the application works with it\n";
  if (rope.record.archive)
    text += fmt::format("Backup from before: {}\nTo go back to it:   restore-database --backup-file {}\n",
                        *rope.record.archive, shell_word(*rope.record.archive));
  text += report_lines(rope);
  return {text,
          {{"state", "done"},
           {"database", context.database()},
           {"found", plan.found},
           {"applied", applied},
           {"verified", report.verified},
           {"row_counts", report.row_counts},
           {"rehearsal", rehearsal ? describe_rehearsal(*rehearsal).json : Json(nullptr)},
           {"backup", rope.record.archive ? Json(*rope.record.archive) : Json(nullptr)}}};
}

Result show_put_back(const RunContext& context, const Rope& rope, const DeployReport& deployed,
                     const PutBackReport& report) {
  std::string text = fmt::format("Database \"{}\" is as it was before the run.\n", context.database());
  if (!deployed.failed_migration.empty()) text += fmt::format("Failed    migration {}\n", deployed.failed_migration);
  text += report.restored
              ? (rope.record.spare ? "Put back  by swapping the spare in\n" : "Put back  from this run's backup\n")
          : report.by_reversals > 0
              ? fmt::format("Put back  by the reversals of {} migration{}, proven in the rehearsal\n",
                            report.by_reversals, report.by_reversals == 1 ? "" : "s")
              : "Put back  nothing had been committed\n";
  for (const std::string& check : report.checks) text += "Checked   " + check + "\n";
  if (report.kept) {
    text += fmt::format("Kept      the half-migrated database as \"{}\"\nRemove    restore-database drop {}\n",
                        *report.kept, shell_word(*report.kept));
  }
  if (rope.record.archive) text += fmt::format("Backup    {}\n", *rope.record.archive);
  text += report_lines(rope);
  text += "The migrations of this run are pending again. Correct the failed one and run again.\n";
  return {
      text,
      {{"state", "put back"},
       {"database", context.database()},
       {"failed_migration", deployed.failed_migration},
       {"error", deployed.failure ? Json{{"message", deployed.failure->message}, {"detail", deployed.failure->detail}}
                                  : Json(nullptr)},
       {"restored", report.restored},
       {"way", way_of(report, rope)},
       {"spare", rope.record.spare},
       {"checks", report.checks},
       {"lost", report.lost},
       {"kept", report.kept ? Json(*report.kept) : Json(nullptr)},
       {"backup", rope.record.archive ? Json(*rope.record.archive) : Json(nullptr)}}};
}

}  // namespace belay
