// The lint: what migrations will do to a database that is in use, told before they run. Data that is lost, tables that
// are written anew or locked, what breaks the application that is still running, what the server will refuse.
//
// Pure: scripts and a catalog in, findings out. Every judgement comes from the server's own parser and the catalog's
// facts. docs/lint.md has all rules, and a test runs every example that stands there.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/script.hpp"
#include "migrate/lint_catalog.hpp"

namespace belay {

enum class LintSeverity { note, warning, error };
[[nodiscard]] std::string_view to_string(LintSeverity severity);

struct LintScript {
  std::string migration;  ///< the folder's name
  std::string file;       ///< as it is to be shown
  Script script;
  bool has_down = false;  ///< a down.sql lies beside it
};

struct LintFinding {
  std::string rule;
  LintSeverity severity = LintSeverity::warning;
  std::string migration, file;
  int line = 0;  ///< 1-based; 0 = the migration as a whole
  std::string message, hint;
  std::optional<std::string> allowed;  ///< the reason given with `-- belay:allow RULE: reason`
};

struct LintRule {
  std::string_view name;
  std::string_view about;  ///< what it finds, one line
};
/// All there are, in the order of docs/lint.md.
[[nodiscard]] std::span<const LintRule> lint_rules();

/// True if it names a table that is known only when it runs: executed_by calls such a name %I.
[[nodiscard]] bool has_unknown_name(const ParseNode& statement);

struct LintSettings {
  /// The scripts are the folder's whole history: what one of them made is in use when the next one runs. Otherwise they
  /// run together, and what the first makes is still empty for the last.
  bool history = false;
  /// What a migration's whole name has to match, instead of the rules of docs/lint.md (an ECMAScript regular
  /// expression).
  std::optional<std::string> name_pattern = {};
};

/// In the order of the scripts and their lines.
[[nodiscard]] std::vector<LintFinding> lint(const std::vector<LintScript>& scripts, LintCatalog catalog,
                                            const LintSettings& settings = {});

}  // namespace belay
