// What the four mains share: the suite's only try/catch, the exit status, the run's id, and the real clock, disk,
// processes and terminal.
#pragma once
#include <functional>
#include <string>

#include "common/clock.hpp"
#include "common/connection.hpp"
#include "common/files.hpp"
#include "common/output.hpp"
#include "common/process.hpp"
#include "common/prompt.hpp"

namespace belay {

struct Tool {
  std::string name;
  int argc = 0;
  const char* const* argv = nullptr;
  std::string run;  ///< this run's id
  Output out;
  SystemClock clock;
  RealFiles files;
  RealProcesses processes;
  TerminalPrompt prompt;

  /// Settings of a session of this run: application_name belay/<run>.
  [[nodiscard]] SessionSettings session() const { return {.application_name = "belay/" + run}; }
};

/// Runs `body`, turns whatever it throws into a message and an exit status, and returns that status. `body` returns 0,
/// or 9 for "the answer is no".
int run_tool(const std::string& name, int argc, const char* const* argv, const std::function<int(Tool&)>& body);

/// Sets up output and log from the common options. Throws storage if the log file cannot be written.
struct CommonOptions;
void configure_tool(Tool& tool, const CommonOptions& options);

}  // namespace belay
