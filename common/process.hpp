// Child processes as a seam: one verb. No shell, arguments as a vector, secrets in the environment only.
#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.hpp"
#include "common/error.hpp"

namespace belay {

struct Command {
  std::filesystem::path program;                         ///< full path
  std::vector<std::string> args;                         ///< never holds a secret
  std::vector<std::pair<std::string, std::string>> env;  ///< added to (and overriding) the inherited environment
  std::optional<std::chrono::milliseconds> limit;        ///< none = as long as it takes
  std::vector<std::string> unset = {};                   ///< variables that the child must not inherit
};

struct Exit {
  int code = 0;          ///< exit status; meaningless if signal != 0
  int signal = 0;        ///< the signal that ended it, 0 = none
  std::string err;       ///< the last 8 KiB of its standard error
  bool err_cut = false;  ///< there was more before
  [[nodiscard]] bool ok() const { return code == 0 && signal == 0; }
  /// By a signal that a program does not give itself.
  [[nodiscard]] bool killed() const;
  /// "status 1" or "signal 9".
  [[nodiscard]] std::string how() const;
};

/// A child that was ended from outside, by a person or by a system short of memory, and not by what it worked on: that
/// says nothing about it.
struct ChildKilled : Error {
  using Error::Error;
};

/// How two children in a pipe ended.
struct PipeEnd {
  Exit first, second;
  /// The second one stopped reading before the first had said everything; the first was stopped then, and its Exit says
  /// only that.
  bool second_quit = false;
};

struct ProcessRunner {
  virtual ~ProcessRunner() = default;
  /// Runs to the end or to cmd.limit. Standard output goes to `out` as it comes, `in` (if any) feeds standard input,
  /// else it is /dev/null. An exception from `in` or `out`, or an interruption, stops the child (SIGTERM to its group,
  /// wait, SIGKILL) and goes on to the caller. Throws Failure::failed if the program cannot be started. Judging the
  /// Exit is the caller's.
  virtual Exit run(const Command& cmd, const ByteSource& in, const ByteSink& out) = 0;
  /// Both at once: what `first` writes goes to `seen` as it comes, then into `second`, whose output goes to `out`.
  /// Limits of the commands, exceptions and interruptions as above; both are stopped then.
  virtual PipeEnd run_pipe(const Command& first, const ByteSink& seen, const Command& second, const ByteSink& out) = 0;
};

class RealProcesses final : public ProcessRunner {
 public:
  Exit run(const Command& cmd, const ByteSource& in, const ByteSink& out) override;
  PipeEnd run_pipe(const Command& first, const ByteSink& seen, const Command& second, const ByteSink& out) override;
};

/// The child's environment: ours, with `added` put over it, without `unset`, and without belay's own secrets
/// (DATABASE_URL, DIRECT_URL, BELAY_DATABASE_URL, PGPASSWORD, …) unless `added` names them.
[[nodiscard]] std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& added,
                                                         const std::vector<std::string>& unset = {});

}  // namespace belay
