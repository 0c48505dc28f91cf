#include "restore/run.hpp"

int main(int argc, char** argv) {
  using namespace belay;
  return run_tool("restore-database", argc, argv, [](Tool& tool) {
    const std::optional<RestoreOptions> options = read_restore_options(tool.argc, tool.argv);
    if (!options) return 0;
    configure_tool(tool, options->common);
    return run_restore(*options, tool);
  });
}
