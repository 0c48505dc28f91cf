#include "migrate/guard_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "restore/kept.hpp"

namespace belay {

namespace {

std::string restored_in(const RunSketch& run) {
  if (run.last) return fmt::format("took {} for run {}", human_duration(run.last->restored), run.last->run);
  if (!run.context.server.database) return "takes as long as pg_restore needs";
  return fmt::format("takes as long as pg_restore needs for {}", human_size(run.context.server.database->size_bytes));
}

std::string way_back(const RunSketch& run) {
  const MigrationPlan& plan = run.plan;
  if (run.options.skip_backup) {
    return plan.all_atomic() ? "Way back: each migration is one transaction; a failing one undoes itself, earlier ones "
                               "of this run stay (no backup)\n"
                             : "Way back: none for what is committed (--skip-backup)\n";
  }
  std::string text = plan.pending.size() == 1 && plan.all_atomic()
                         ? "Way back: it is one transaction, which undoes itself; if it fails after its commit, "
                         : "Way back: if something was committed, ";
  if (run.choice.rehearse) text += "the reversals that the rehearsal has proven; else ";
  text += run.choice.spare
              ? "the spare is swapped in, which takes less than a second"
              : fmt::format("the backup is restored beside, proven and swapped in, which {}", restored_in(run));
  return text + "; the half-migrated database is then kept\n          if the run dies: migrate-production recover\n";
}

std::string backup_lines(const RunSketch& run) {
  if (run.options.skip_backup) return "Backup: none (--skip-backup)\n";
  std::string text = fmt::format("Backup: level archive, into {}\n", run.catalogue);
  if (run.options.copy_to) text += fmt::format("        copied to {} before the deploy\n", *run.options.copy_to);
  if (run.options.backup_minio) text += "        copied to MinIO before the deploy\n";
  return text;
}

std::string rehearsal_lines(const RunSketch& run) {
  std::string text =
      run.choice.rehearse ? "Rehearsal: on a restored copy of that backup\n" : "Rehearsal: none (--no-rehearse)\n";
  if (run.last)
    text += fmt::format("           run {} rehearsed {}: {}, the longest lock that others wait for was held for {}\n",
                        run.last->run, run.last->same ? "the same migrations" : "other migrations", run.last->state,
                        human_duration(run.last->longest_lock));
  return text;
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

Json statement_counts(const MigrationPlan& plan) {
  Json counts = Json::object();
  for (const PendingMigration& p : plan.pending) counts[p.migration.name] = p.script.statements.size();
  return counts;
}

/// What the checklist warns of, and who is connected; what is as it should be is only counted.
std::string worth_knowing(const std::vector<Check>& checks) {
  std::vector<Check> shown;
  std::size_t good = 0;
  for (const Check& check : checks) {
    if (check.state == CheckState::ok) ++good;
    if (check.state != CheckState::ok || check.name == "sessions") shown.push_back(check);
  }
  return fmt::format("Checklist: {} of {} points are as they should be\n", good, checks.size()) +
         describe_checks(shown);
}

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// What weighs most first is at the top of the lint's own order; a question has room for some of it.
std::string describe_findings(const std::vector<ReportedFinding>& findings) {
  constexpr std::size_t most = 12;
  std::string text;
  std::size_t shown = 0, errors = 0, warnings = 0, notes = 0, allowed = 0;
  for (const ReportedFinding& f : findings) {
    ++(f.allowed ? allowed : f.severity == "note" ? notes : f.severity == "error" ? errors : warnings);
    if (f.allowed || f.severity == "note") continue;
    if (shown++ < most) text += fmt::format("  {}:{}: {}: {} [{}]\n", f.file, f.line, f.severity, f.message, f.rule);
  }
  if (shown > most) text += fmt::format("  … and {} more\n", shown - most);
  std::string head =
      "Lint: " + counted(errors, "error") + ", " + counted(warnings, "warning") + ", " + counted(notes, "note");
  if (allowed > 0) head += fmt::format(", {} allowed in the SQL", allowed);
  if (!findings.empty()) head += "; all of it: migrate-production lint";
  return head + "\n" + text;
}

std::string report_file(const Rope& rope) {
  return fmt::format("{}/runs/{}/report.html", rope.record.catalogue, rope.marker.run);
}

std::string report_lines(const Rope& rope) {
  return fmt::format("Report    {}\n          migrate-production show {}   (--bundle FILE packs it)\n",
                     report_file(rope), rope.marker.run);
}

std::string way_of(const PutBackReport& report, const Rope& rope) {
  if (report.restored) return rope.record.spare ? "spare" : "restore";
  return report.by_reversals > 0 ? "reversals" : "uncommitted";
}

}  // namespace

std::string describe_run(const RunSketch& run) {
  std::string text = describe_status(run.plan) + worth_knowing(run.checks) + describe_findings(run.lint);
  text += backup_lines(run) + rehearsal_lines(run) + way_back(run) + describe_checks(run.options);
  if (run.context.target.url.schema)
    text += fmt::format("The URL names schema \"{}\"; a put-back puts the whole database back.\n",
                        *run.context.target.url.schema);
  text.pop_back();
  return text;
}

Result show_dry_run(const RunSketch& run) {
  return {describe_target(run.context.server, run.context.database(), run.context.target.source) + "\n" +
              describe_run(run) + "\nNothing was changed.\n",
          {{"dry_run", true},
           {"database", run.context.database()},
           {"role", run.context.server.role},
           {"pending", names(run.plan)},
           {"statements", statement_counts(run.plan)},
           {"backup_level", run.options.skip_backup ? Json(nullptr) : Json("archive")},
           {"catalogue", run.catalogue},
           {"rehearsal", run.choice.rehearse},
           {"spare", run.choice.spare},
           {"last_rehearsal", run.last ? to_json(*run.last) : Json(nullptr)},
           {"checks", to_json(run.checks)},
           {"lint", to_json(run.lint)},
           {"one_transaction_each", run.plan.all_atomic()}}};
}

std::string describe_rehearsed(const Rehearsal& rehearsal, const RehearsalChoice& choice) {
  std::string text = fmt::format("Rehearsed: the longest lock that others wait for was held for {}\n",
                                 human_duration(rehearsal.longest_lock()));
  for (const RehearsedMigration& m : rehearsal.migrations)
    text += fmt::format("  {}  {}, reversal {}{}{}\n", m.name, human_duration(m.took), m.reversal,
                        m.reversal_why.empty() ? "" : ": ", m.reversal_why);
  return text + (choice.spare ? "Way back: proven reversals; else the spare is swapped in"
                              : fmt::format("Way back: proven reversals; else the backup is restored, about {}",
                                            human_duration(rehearsal.restored_in)));
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
      "VALID{}{}\n",
      report.not_verified.empty() ? ", no table lost rows that the SQL does not account for" : "",
      rehearsal ? ", the schema is the one that the rehearsal led to" : "");
  for (const std::string& line : report.verified) text += "Verified: " + line + "\n";
  const bool asked =
      std::find(report.verified.begin(), report.verified.end(), "the health check is good") != report.verified.end();
  std::vector<std::string> not_verified = report.not_verified;
  for (const std::string& line : not_verified) text += "Not verified: rows, " + line + "\n";
  if (!asked) {
    not_verified.emplace_back("that the application works with it");
    text += "Not verified: that the application works with it\n";
  }
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
           {"not_verified", not_verified},
           {"row_counts", report.row_counts},
           {"report", report_file(rope)},
           {"rehearsal", rehearsal ? describe_rehearsal(*rehearsal).json : Json(nullptr)},
           {"backup", rope.record.archive ? Json(*rope.record.archive) : Json(nullptr)}}};
}

std::string what_next(const std::optional<std::string>& kept) {
  if (!kept) return "Correct what failed, and run `migrate-production` again.";
  return fmt::format(
      "Correct what failed, look at the kept database for what is only there, remove it with `restore-database drop "
      "{}`, and run `migrate-production` again.",
      shell_word(*kept));
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
  text += "Next      the migrations of this run are pending again. " + what_next(report.kept) + "\n";
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
       {"report", report_file(rope)},
       {"kept", report.kept ? Json(*report.kept) : Json(nullptr)},
       {"backup", rope.record.archive ? Json(*rope.record.archive) : Json(nullptr)}}};
}

}  // namespace belay
