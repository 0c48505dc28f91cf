#include "migrate/guard_lint.hpp"

#include "common/error.hpp"
#include "migrate/lint_report.hpp"

namespace belay {

std::vector<ReportedFinding> lint_before_run(const MigrationPlan& plan, Connection& db, const MigrateOptions& options) {
  const LintReport report = lint_pending(plan, db, options.name_pattern);
  if (options.fail_on && report.reaches(fail_on(options.fail_on))) {
    throw Error{Failure::refused, "the lint found what --fail-on " + *options.fail_on + " stops a run for",
                describe_lint(report).text,
                "Nothing was changed. Correct it, or allow it in the SQL: -- belay:allow RULE: reason."};
  }
  std::vector<ReportedFinding> findings;
  for (const LintFinding& f : report.findings)
    findings.push_back(
        {f.rule, std::string{to_string(f.severity)}, f.migration, f.file, f.line, f.message, f.hint, f.allowed});
  return findings;
}

}  // namespace belay
