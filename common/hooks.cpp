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

bool run_hook(const HookCall& call, Tool& tool) {
  tool.out.note(fmt::format("Running --{}: {}", call.hook, call.command));
  Json json = {{"hook", call.hook},
               {"tool", tool.name},
               {"run", tool.run},
               {"database", call.database},
               {"status", call.status.empty() ? Json(nullptr) : Json(std::stoi(call.status))}};
  Command shell{.program = "/bin/sh",
                .args = {"-c", call.command},
                .env = {{"BELAY_HOOK", call.hook},
                        {"BELAY_TOOL", tool.name},
                        {"BELAY_RUN", tool.run},
                        {"BELAY_DATABASE", call.database},
                        {"BELAY_STATUS", call.status}},
                .limit = {}};
  if (!call.migration.empty()) {
    json["migration"] = call.migration;
    shell.env.emplace_back("BELAY_MIGRATION", call.migration);
  }
  std::string input = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const ByteSource source = [&input](std::span<std::byte> room) {
    const std::size_t count = std::min(room.size(), input.size());
    std::memcpy(room.data(), input.data(), count);
    input.erase(0, count);
    return count;
  };
  std::string said;
  const Exit end = tool.processes.run(shell, source, [&said](ByteSpan bytes) { said += as_text(bytes); });
  said += end.err;
  while (said.ends_with('\n')) said.pop_back();
  if (!said.empty()) tool.out.note(said);
  if (!end.ok()) tool.out.warn(fmt::format("--{} ended with {}", call.hook, end.how()));
  return end.ok();
}

bool Hooks::run(const std::string& hook, const std::string& command, const std::string& status) {
  return run_hook({.hook = hook, .command = command, .database = database_, .status = status, .migration = {}}, tool_);
}

void Hooks::begin() {
  if (!commands_.before || run("before", *commands_.before, "")) return;
  throw Error{Failure::refused, "--before failed, so nothing was begun", *commands_.before,
              "Nothing was changed. Mend the command, then run again."};
}

void Hooks::ended(int status) {
  const std::optional<std::string>& command = status == 0 ? commands_.after : commands_.on_failure;
  if (!command) return;
  std::optional<InterruptShield> shield;
  if (status != 0) shield.emplace();  // Ctrl-C may be why we are here
  (void)run(status == 0 ? "after" : "on-failure", *command, std::to_string(status));
}

void Hooks::around(const std::function<void()>& act) {
  (void)around_status([&act] {
    act();
    return 0;
  });
}

int Hooks::around_status(const std::function<int()>& act) {
  begin();
  int status = 0;
  try {
    status = act();
  } catch (const Error& error) {
    ended(static_cast<int>(error.kind));
    throw;
  }
  ended(status);
  return status;
}

}  // namespace belay
