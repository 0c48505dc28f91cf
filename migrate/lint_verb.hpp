// `migrate-production lint`: what the pending migrations will do to the database as it is now. Changes nothing.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/lint_report.hpp"
#include "migrate/options.hpp"

namespace belay {

void add_lint_options(OptionSet& set, MigrateOptions& options);
/// Throws usage if it is no regular expression.
void check_name_pattern(const std::optional<std::string>& pattern);

/// 0: nothing that --fail-on names; 9: a finding that is not allowed reaches it.
int run_lint(const MigrateOptions& options, Tool& tool);

}  // namespace belay
