#include "rollback/run.hpp"

int main(int argc, char** argv) {
  using namespace belay;
  return run_tool("rollback-migration", argc, argv, [](Tool& tool) {
    const std::optional<RollbackOptions> options = read_rollback_options(tool.argc, tool.argv);
    if (!options) return 0;
    configure_tool(tool, options->common);
    return run_rollback(*options, tool);
  });
}
