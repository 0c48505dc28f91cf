#include "common/run_tool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/interrupt.hpp"
#include "common/options.hpp"

namespace belay {

namespace {

int report(Tool& tool, const Error& error) {
  spdlog::error("{} | {} | {}", error.message, error.detail, error.hint);
  tool.out.error(error);
  return static_cast<int>(error.kind);
}

/// A standard stream that the caller has closed would be opened again as the first file or connection, and messages
/// written into it.
void keep_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is taken, which is this one: those below it are open by now.
    if (::fcntl(number, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
  }
}

bool color_wanted(bool no_color) {
  const char* variable = std::getenv("NO_COLOR");
  return !no_color && (variable == nullptr || *variable == '\0') && ::isatty(STDERR_FILENO) != 0;
}

}  // namespace

void configure_tool(Tool& tool, const CommonOptions& options) {
  tool.out.configure({.json = options.json,
                      .quiet = options.quiet,
                      .verbose = options.verbose,
                      .color = color_wanted(options.no_color),
                      .terminal = ::isatty(STDERR_FILENO) != 0},
                     tool.name);
  if (!options.log_file) return;
  try {
    auto log = spdlog::basic_logger_mt("belay", options.log_file->string());
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l " + tool.name + " " + tool.run + " %v");
    log->flush_on(spdlog::level::info);
    log->set_error_handler([&tool, said = false](const std::string& reason) mutable {
      // Once: what fails now would fail at every line. The run goes on without its diary.
      if (!std::exchange(said, true)) tool.out.warn("the log file has gaps: " + reason);
    });
    spdlog::set_default_logger(log);
  } catch (const spdlog::spdlog_ex& error) {
    throw Error{Failure::usage, fmt::format("could not write the log file \"{}\"", options.log_file->string()),
                error.what()};
  }
}

int run_tool(const std::string& name, int argc, const char* const* argv, const std::function<int(Tool&)>& body) {
  ::umask(077);  // whatever is written holds, or may hold, the database's content
  keep_standard_streams();
  catch_interrupts();
  spdlog::set_default_logger(spdlog::null_logger_mt("null"));
  Tool tool;
  tool.name = name;
  tool.argc = argc;
  tool.argv = argv;
  tool.run = new_run_id(tool.clock.now());
  // Until the options are read: an error in them should have the form that was asked for.
  const bool json =
      std::any_of(argv, argv + argc, [](const char* argument) { return std::string_view{argument} == "--json"; });
  tool.out.configure({.json = json, .color = color_wanted(false), .terminal = ::isatty(STDERR_FILENO) != 0}, name);
  // They would send a connection elsewhere than to the host that the URL names.
  ::unsetenv("PGHOSTADDR");
  ::unsetenv("PGSERVICE");
  try {
    return body(tool);
  } catch (const Error& error) {
    return report(tool, error);
  } catch (const std::exception& error) {
    return report(
        tool, Error{Failure::bug, fmt::format("{} met an error it does not know", name), error.what(),
                    "Run `migrate-production recover` to see what state the database is in, and please report this."});
  }
}

}  // namespace belay
