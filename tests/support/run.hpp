// Programs started by tests, with their output in hand, and folders that are gone afterwards.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace belay::test {

/// std::runtime_error: what failed, and why the system says it did.
[[noreturn]] void throw_errno(const std::string& what);

struct RunResult {
  int status = 0;  ///< exit status; -1 if a signal ended it
  int signal = 0;  ///< 0 = it ended by itself
  std::string out;
  std::string err;
};

struct RunSettings {
  std::filesystem::path cwd = {};  ///< empty = the test's own
  std::string stdin_text = {};     ///< everything the program can read; then end of input
  std::chrono::seconds timeout{120};
};

/// Runs argv[0] (searched on PATH if it has no slash) to its end, in its own process group. The environment is the
/// test's own without what steers the tools or libpq (PG*, BELAY_*, DATABASE_URL, CI, …), with `env` added: whatever a
/// program needs, the test has to give it. Throws std::runtime_error, with the output so far, when the time is over;
/// the whole group is killed first.
[[nodiscard]] RunResult run(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                            const RunSettings& settings = {});

/// Runs argv in a terminal of its own. Each prompt is waited for, in order, before its answer is typed; an answer of
/// "\x04" is end of input, "\x03" is Ctrl-C. The result's `out` is everything that the terminal showed (both streams,
/// the typed answers echoed). Throws std::runtime_error if a prompt does not come.
[[nodiscard]] RunResult run_on_terminal(const std::vector<std::string>& argv,
                                        const std::map<std::string, std::string>& env,
                                        const std::vector<std::pair<std::string, std::string>>& dialogue,
                                        const RunSettings& settings = {});

/// A program that goes on while the test does something else: to kill it, or to look at what it is doing. Killed and
/// reaped at the end if still there.
class Background {
 public:
  explicit Background(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                      const std::filesystem::path& cwd = {});
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  [[nodiscard]] const std::filesystem::path& out_file() const { return out_; }  ///< what it has written so far
  [[nodiscard]] const std::filesystem::path& err_file() const { return err_; }
  /// To the program alone.
  void kill(int signal) const;
  /// Waits for its end. Throws std::runtime_error when the time is over.
  RunResult wait(std::chrono::seconds timeout = std::chrono::seconds(120));

 private:
  bool reap(int flags);
  pid_t pid_ = -1;
  int wait_status_ = 0;
  bool ended_ = false;
  std::filesystem::path out_, err_;  // files, not pipes: a program that writes much never waits for the test to read
};

/// A file of /proc, as far as it can be read: a process that ends meanwhile is no error.
[[nodiscard]] std::string read_proc(const std::filesystem::path& file);
/// The command line of a running process, words parted by spaces; empty where it has ended.
[[nodiscard]] std::string command_line(pid_t pid);

/// The path of one of our built programs, e.g. program("backup-db").
[[nodiscard]] std::string program(const std::string& name);

/// A new empty folder (absolute path, mode 0700), removed with everything in it at the end.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& place = "/tmp");
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The whole file. Throws std::runtime_error.
[[nodiscard]] std::string read_text(const std::filesystem::path& file);
/// Writes `text`, making the parent folders. Throws std::runtime_error.
void write_text(const std::filesystem::path& file, std::string_view text);

}  // namespace belay::test
