// What the lint found, for people and for programs.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/output.hpp"
#include "migrate/lint.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct LintReport {
  std::vector<LintFinding> findings;
  std::size_t migrations = 0;
  bool live = false;     ///< judged by a database's own tables; else every table is taken to be filled
  std::string database;  ///< its name
  [[nodiscard]] std::size_t count(LintSeverity severity) const;  ///< without those that are allowed
  [[nodiscard]] std::size_t allowed() const;
  /// A finding that is not allowed is as bad as that.
  [[nodiscard]] bool reaches(LintSeverity severity) const;
};

/// "error" or "warning", as --fail-on takes them; none = error.
[[nodiscard]] LintSeverity fail_on(const std::optional<std::string>& word);

/// The plan's pending migrations against the catalog of `db`, an idle session on the target: one READ ONLY transaction.
/// `name_pattern`: see LintSettings. Throws ServerError.
[[nodiscard]] LintReport lint_pending(const MigrationPlan& plan, Connection& db,
                                      const std::optional<std::string>& name_pattern = {});

/// A line for each finding as compilers print them, `FILE:LINE: warning: MESSAGE [RULE]`, its hint below it, and a line
/// that counts them.
[[nodiscard]] Result describe_lint(const LintReport& report);
/// SARIF 2.1.0, which code hosts show beside the lines of a change.
[[nodiscard]] Json lint_sarif(const LintReport& report);

/// `file` as seen from the current folder if it lies below it, and whether a down.sql lies beside it.
[[nodiscard]] LintScript lint_script(const Migration& migration, Script script);

}  // namespace belay
