#include "backup/run.hpp"
#include "restore/prove.hpp"

int main(int argc, char** argv) {
  using namespace belay;
  return run_tool("backup-db", argc, argv, [](Tool& tool) {
    const std::optional<BackupOptions> options = read_backup_options(tool.argc, tool.argv);
    if (!options) return 0;
    configure_tool(tool, options->common);
    SideTrial trial;
    return run_backup(*options, trial, tool);
  });
}
