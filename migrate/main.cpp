#include "migrate/guard.hpp"
#include "migrate/recover.hpp"

int main(int argc, char** argv) {
  using namespace belay;
  return run_tool("migrate-production", argc, argv, [](Tool& tool) {
    const std::optional<MigrateOptions> options = read_migrate_options(tool.argc, tool.argv);
    if (!options) return 0;
    configure_tool(tool, options->common);
    return options->verb == "recover" ? run_recover(*options, tool) : run_guarded(*options, tool);
  });
}
