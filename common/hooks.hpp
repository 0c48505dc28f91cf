// Commands of the operator's that a run starts at its edges: to stop the application, to start it again, to tell
// somebody.
#pragma once
#include <optional>
#include <string>

#include "common/run_tool.hpp"

namespace belay {

struct HookCommands {
  std::optional<std::string> before, after, on_failure;
};

/// Runs `before` once, and then exactly one of `after` and `on_failure`. Each is given to `sh -c` with BELAY_HOOK
/// (before, after, on-failure), BELAY_TOOL, BELAY_RUN, BELAY_DATABASE and BELAY_STATUS (the exit status to come; empty
/// before) in its environment, and one line of JSON with the same on its standard input. No secret of belay's is in
/// either. What it prints goes to standard error.
class Hooks {
 public:
  Hooks(HookCommands commands, std::string database, Tool& tool);
  /// Throws refused if the command fails: nothing was done yet.
  void before();
  /// What follows a success. A command that fails is a warning: what was done is done.
  void after();
  /// What follows a failure, if before() got through or there is none.
  void failed(const Error& error);

 private:
  bool run(const std::string& hook, const std::string& command, const std::string& status);
  HookCommands commands_;
  std::string database_;
  Tool& tool_;
  bool began_ = false;
};

}  // namespace belay
