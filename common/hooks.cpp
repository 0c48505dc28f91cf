#include "common/hooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/error.hpp"
#include "common/interrupt.hpp"

namespace belay {

void add_hook_options(OptionSet& set, HookCommands& commands) {
  set.text("--before", commands.before, "COMMAND",
           "run when everything is checked and nothing is done yet; if it fails nothing is done");
  set.text("--after", commands.after, "COMMAND", "run after success");
  set.text("--on-failure", commands.on_failure, "COMMAND", "run after a failure");
}

Hooks::Hooks(HookCommands commands, std::string database, Tool& tool)
    : commands_(std::move(commands)), database_(std::move(database)), tool_(tool) {}

bool Hooks::run(const std::string& hook, const std::string& command, const std::string& status) {
  tool_.out.note(fmt::format("Running --{}: {}", hook, command));
  const Json json = {{"hook", hook},
                     {"tool", tool_.name},
                     {"run", tool_.run},
                     {"database", database_},
                     {"status", status.empty() ? Json(nullptr) : Json(std::stoi(status))}};
  std::string input = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const ByteSource source = [&input](std::span<std::byte> room) {
    const std::size_t count = std::min(room.size(), input.size());
    std::memcpy(room.data(), input.data(), count);
    input.erase(0, count);
    return count;
  };
  const Command shell{.program = "/bin/sh",
                      .args = {"-c", command},
                      .env = {{"BELAY_HOOK", hook},
                              {"BELAY_TOOL", tool_.name},
                              {"BELAY_RUN", tool_.run},
                              {"BELAY_DATABASE", database_},
                              {"BELAY_STATUS", status}},
                      .limit = {}};
  std::string said;
  const Exit end = tool_.processes.run(shell, source, [&said](ByteSpan bytes) { said += as_text(bytes); });
  said += end.err;
  while (said.ends_with('\n')) said.pop_back();
  if (!said.empty()) tool_.out.note(said);
  if (!end.ok()) tool_.out.warn(fmt::format("--{} ended with {}", hook, end.how()));
  return end.ok();
}

void Hooks::failed(const Error& error) {
  if (!commands_.on_failure) return;
  const InterruptShield shield;  // Ctrl-C may be why we are here
  (void)run("on-failure", *commands_.on_failure, std::to_string(static_cast<int>(error.kind)));
}

void Hooks::around(const std::function<void()>& act) {
  if (commands_.before && !run("before", *commands_.before, "")) {
    throw Error{Failure::refused, "--before failed, so nothing was begun", *commands_.before,
                "Nothing was changed. Mend the command, then run again."};
  }
  try {
    act();
  } catch (const Error& error) {
    failed(error);
    throw;
  }
  if (commands_.after) (void)run("after", *commands_.after, "0");
}

}  // namespace belay
