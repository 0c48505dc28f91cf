#include "migrate/baseline.hpp"
#include "migrate/check_verb.hpp"
#include "migrate/deploy_verb.hpp"
#include "migrate/diff.hpp"
#include "migrate/guard.hpp"
#include "migrate/history_verb.hpp"
#include "migrate/lint_verb.hpp"
#include "migrate/recover.hpp"
#include "migrate/rehearse_verb.hpp"
#include "migrate/resolve.hpp"
#include "migrate/runs_verb.hpp"
#include "migrate/status.hpp"
#include "migrate/validate.hpp"

int main(int argc, char** argv) {
  using namespace belay;
  return run_tool("migrate-production", argc, argv, [](Tool& tool) {
    const std::optional<MigrateOptions> options = read_migrate_options(tool.argc, tool.argv);
    if (!options) return 0;
    configure_tool(tool, options->common);
    if (options->verb == "deploy") return run_deploy(*options, tool);
    if (options->verb == "status") return run_status(*options, tool);
    if (options->verb == "history") return run_history(*options, tool);
    if (options->verb == "lint") return run_lint(*options, tool);
    if (options->verb == "validate") return run_validate(*options, tool);
    if (options->verb == "rehearse" && options->backup_file) return run_rehearse_on_file(*options, tool);
    if (options->verb == "check") return run_check(*options, tool);
    if (options->verb == "diff") return run_diff(*options, tool);
    if (options->verb == "resolve") return run_resolve(*options, tool);
    if (options->verb == "baseline") return run_baseline(*options, tool);
    if (options->verb == "runs") return run_runs(*options, tool);
    if (options->verb == "show") return run_show(*options, tool);
    return options->verb == "recover" ? run_recover(*options, tool) : run_guarded(*options, tool);
  });
}
