// Commands of the operator's that a run starts at its edges: to stop the application, to start it again, to tell
// somebody.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "common/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

struct HookCommands {
  std::optional<std::string> before, after, on_failure;
};

/// --before, --after, --on-failure.
void add_hook_options(OptionSet& set, HookCommands& commands);

/// Runs `before` once, and then exactly one of `after` and `on_failure`. Each is given to `sh -c` with BELAY_HOOK
/// (before, after, on-failure), BELAY_TOOL, BELAY_RUN, BELAY_DATABASE and BELAY_STATUS (the exit status to come; empty
/// before) in its environment, and one line of JSON with the same on its standard input. No secret of belay's is in
/// either. What it prints goes to standard error.
class Hooks {
 public:
  Hooks(HookCommands commands, std::string database, Tool& tool);
  /// Throws refused, with `act` not called, if `before` fails, and whatever `act` throws. The other two are warnings if
  /// they fail: what was done is done.
  void around(const std::function<void()>& act);

 private:
  void failed(const Error& error);
  bool run(const std::string& hook, const std::string& command, const std::string& status);
  HookCommands commands_;
  std::string database_;
  Tool& tool_;
};

}  // namespace belay
