// `migrate-production runs` and `migrate-production show RUN`: what earlier guarded runs did, by their reports. Nothing
// is connected to and nothing changed.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"
#include "migrate/runs_folder.hpp"

namespace belay {

/// A line for each run, newest first. Pure.
[[nodiscard]] Result describe_runs(const std::filesystem::path& catalogue, const std::vector<PastRun>& runs);

/// Always 0.
int run_runs(const MigrateOptions& options, Tool& tool);

/// 0; 9 if there is no such run, or no report of it. Throws storage for a report that cannot be read.
int run_show(const MigrateOptions& options, Tool& tool);

/// --html and --bundle, for show.
void add_show_options(OptionSet& set, MigrateOptions& options);

}  // namespace belay
