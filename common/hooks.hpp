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

/// One call of one hook.
struct HookCall {
  std::string hook;  ///< "before", "before-migration", …
  std::string command;
  std::string database;
  std::string status;     ///< the exit status to come; empty = not known yet
  std::string migration;  ///< the one that it is about; empty = the whole run
};
/// Given to `sh -c` with BELAY_HOOK, BELAY_TOOL, BELAY_RUN, BELAY_DATABASE, BELAY_STATUS and, where it is about one,
/// BELAY_MIGRATION in its environment, and one line of JSON with the same on its standard input. No secret of belay's
/// is in either. What it prints goes to standard error. False, with a warning, if it fails. Throws interrupted.
bool run_hook(const HookCall& call, Tool& tool);

/// Runs `before` once, and then exactly one of `after` and `on_failure`. See run_hook.
class Hooks {
 public:
  Hooks(HookCommands commands, std::string database, Tool& tool);
  /// Throws refused, with `act` not called, if `before` fails, and whatever `act` throws. The other two are warnings if
  /// they fail: what was done is done.
  void around(const std::function<void()>& act);
  /// The same for an `act` that returns the exit status to come: anything but 0 is a failure. Returns it.
  int around_status(const std::function<int()>& act);

 private:
  void begin();
  void ended(int status);
  bool run(const std::string& hook, const std::string& command, const std::string& status);
  HookCommands commands_;
  std::string database_;
  Tool& tool_;
};

}  // namespace belay
