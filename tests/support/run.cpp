#include "tests/support/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace belay::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Fd {
  int fd = -1;
  Fd() = default;
  explicit Fd(int f) : fd(f) {}
  Fd(Fd&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

struct Pipe {
  Fd read_end, write_end;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }
};

bool begins(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

/// Variables that the tools or libpq act on. Inherited from whoever runs the tests they would hide a missing password,
/// or change an outcome.
bool steers_the_tools(std::string_view entry) {
  for (const char* prefix : {"PG", "BELAY_", "DATABASE_URL=", "DIRECT_URL=", "SHADOW_DATABASE_URL=", "CI=", "NODE_ENV=",
                             "NO_COLOR=", "MINIO_", "AWS_", "RCLONE_", "LC_", "LANG=", "TZ=", "PRISMA_"})
    if (begins(entry, prefix)) return true;
  return false;
}

std::vector<std::string> environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    if (!steers_the_tools(text) && added.count(name) == 0) result.emplace_back(text);
  }
  if (added.count("LANG") == 0) result.emplace_back("LANG=C.UTF-8");
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::string joined(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& arg : argv) text += (text.empty() ? "" : " ") + arg;
  return text;
}

/// What a child is started with. Everything is allocated before the fork.
struct Launch {
  std::vector<std::string> args, env;
  std::vector<char*> argv, envp;
  std::string cwd;
  Launch(const std::vector<std::string>& command, const std::map<std::string, std::string>& added,
         const std::filesystem::path& folder)
      : args(command), env(environment(added)), argv(pointers(args)), envp(pointers(env)), cwd(folder.string()) {
    if (args.empty()) throw std::runtime_error("no program given");
  }
  /// In the child: never returns. 127 as a shell has it when the program is missing.
  [[noreturn]] void exec() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (!cwd.empty() && ::chdir(cwd.c_str()) != 0) ::_exit(126);
    ::execvpe(argv[0], argv.data(), envp.data());
    const std::string_view text = "test: could not start the program\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(127);
  }
};

/// Appends what is there to read; false at the end.
bool drain(int fd, std::string& into) {
  std::array<char, 65536> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  const ssize_t count = ::read(fd, room.data(), room.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;  // EIO is a terminal's end
  into.append(room.data(), static_cast<std::size_t>(count));
  return count > 0;
}

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

void decode(int wait_status, RunResult& result) {
  result.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  result.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
}

/// Waits until `pid` has ended, or until the deadline: then its group is killed and it throws.
void finish(pid_t pid, Clock::time_point deadline, const std::string& command, RunResult& result) {
  int wait_status = 0;
  while (::waitpid(pid, &wait_status, WNOHANG) == 0) {
    if (Clock::now() >= deadline) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, &wait_status, 0);
      throw std::runtime_error("time is over for: " + command + "\n--- out\n" + result.out + "\n--- err\n" +
                               result.err);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  decode(wait_status, result);
}

/// Feeds standard input and gathers both outputs at once: one after the other deadlocks on a full pipe.
void exchange_streams(Fd in, Fd out, Fd err, std::string_view text, Clock::time_point deadline, RunResult& result) {
  ::fcntl(in.fd, F_SETFL, O_NONBLOCK);
  if (text.empty()) in.close();
  while (out.fd >= 0 || err.fd >= 0) {
    std::array<pollfd, 3> wanted{{{out.fd, POLLIN, 0}, {err.fd, POLLIN, 0}, {in.fd, POLLOUT, 0}}};
    const int ready = ::poll(wanted.data(), wanted.size(), left_ms(deadline));
    if (ready == 0) return;
    if (ready < 0) continue;
    if (wanted[0].revents != 0 && !drain(out.fd, result.out)) out.close();
    if (wanted[1].revents != 0 && !drain(err.fd, result.err)) err.close();
    if (wanted[2].revents == 0) continue;
    const ssize_t count = ::write(in.fd, text.data(), text.size());
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    if (text.empty() || (count < 0 && errno != EAGAIN && errno != EINTR)) in.close();
  }
}

struct IgnoreBrokenPipe {
  IgnoreBrokenPipe() { ::signal(SIGPIPE, SIG_IGN); }
};

}  // namespace

void throw_errno(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

RunResult run(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
              const RunSettings& settings) {
  static const IgnoreBrokenPipe once;
  Launch launch(argv, env, settings.cwd);
  Pipe in, out, err;
  const Clock::time_point deadline = Clock::now() + settings.timeout;
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) {
    ::setpgid(0, 0);
    ::dup2(in.read_end.fd, STDIN_FILENO);
    ::dup2(out.write_end.fd, STDOUT_FILENO);
    ::dup2(err.write_end.fd, STDERR_FILENO);
    launch.exec();
  }
  ::setpgid(pid, pid);
  in.read_end.close();
  out.write_end.close();
  err.write_end.close();
  RunResult result;
  exchange_streams(std::move(in.write_end), std::move(out.read_end), std::move(err.read_end), settings.stdin_text,
                   deadline, result);
  finish(pid, deadline, joined(argv), result);
  return result;
}

namespace {

/// Reads until `prompt` stands in the part not yet matched; returns false if the program ended or the time is over.
bool wait_for_prompt(int terminal, const std::string& prompt, Clock::time_point deadline, std::string& shown,
                     std::size_t& matched) {
  while (true) {
    const std::size_t at = shown.find(prompt, matched);
    if (at != std::string::npos) {
      matched = at + prompt.size();
      return true;
    }
    pollfd wanted{terminal, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, left_ms(deadline));
    if (ready == 0 || (ready > 0 && !drain(terminal, shown))) return false;
  }
}

void read_to_end(int terminal, Clock::time_point deadline, std::string& shown) {
  pollfd wanted{terminal, POLLIN, 0};
  while (::poll(&wanted, 1, left_ms(deadline)) != 0)
    if (!drain(terminal, shown)) return;
}

}  // namespace

RunResult run_on_terminal(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
                          const std::vector<std::pair<std::string, std::string>>& dialogue,
                          const RunSettings& settings) {
  Launch launch(argv, env, settings.cwd);
  const Clock::time_point deadline = Clock::now() + settings.timeout;
  int fd = -1;
  winsize size{};
  size.ws_row = 50;
  size.ws_col = 200;
  const pid_t pid = ::forkpty(&fd, nullptr, nullptr, &size);
  if (pid < 0) throw_errno("forkpty");
  if (pid == 0) {
    termios mode{};
    ::tcgetattr(STDOUT_FILENO, &mode);
    mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);  // a newline stays a newline, so that tests can look for whole lines
    ::tcsetattr(STDOUT_FILENO, TCSANOW, &mode);
    launch.exec();
  }
  const Fd terminal(fd);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  RunResult result;
  std::size_t matched = 0;
  for (const auto& [prompt, answer] : dialogue) {
    if (!wait_for_prompt(fd, prompt, deadline, result.out, matched)) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      throw std::runtime_error("the prompt \"" + prompt + "\" did not come from: " + joined(argv) + "\n--- shown\n" +
                               result.out);
    }
    if (::write(fd, answer.data(), answer.size()) != static_cast<ssize_t>(answer.size()))
      throw_errno("write to the terminal");
  }
  read_to_end(fd, deadline, result.out);
  finish(pid, deadline, joined(argv), result);
  return result;
}

Background::Background(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
                       const std::filesystem::path& cwd) {
  Launch launch(argv, env, cwd);
  std::array<std::string, 2> names{"/tmp/belay-test-out-XXXXXX", "/tmp/belay-test-err-XXXXXX"};
  const Fd out(::mkostemp(names[0].data(), O_CLOEXEC));
  const Fd err(::mkostemp(names[1].data(), O_CLOEXEC));
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (out.fd < 0 || err.fd < 0 || nothing.fd < 0) throw_errno("mkostemp");
  out_ = names[0];
  err_ = names[1];
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ == 0) {
    ::setpgid(0, 0);
    ::dup2(nothing.fd, STDIN_FILENO);
    ::dup2(out.fd, STDOUT_FILENO);
    ::dup2(err.fd, STDERR_FILENO);
    launch.exec();
  }
  ::setpgid(pid_, pid_);
}

Background::~Background() {
  if (!ended_) {
    ::kill(-pid_, SIGKILL);
    reap(0);
  }
  std::error_code ignored;
  std::filesystem::remove(out_, ignored);
  std::filesystem::remove(err_, ignored);
}

bool Background::reap(int flags) {
  if (!ended_) ended_ = ::waitpid(pid_, &wait_status_, flags) == pid_;
  return ended_;
}

bool Background::running() { return !reap(WNOHANG); }

void Background::kill(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

RunResult Background::wait(std::chrono::seconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  while (!reap(WNOHANG)) {
    if (Clock::now() >= deadline)
      throw std::runtime_error("time is over for a background program\n" + read_text(out_) + read_text(err_));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  RunResult result;
  decode(wait_status_, result);
  result.out = read_text(out_);
  result.err = read_text(err_);
  return result;
}

std::string read_proc(const std::filesystem::path& file) {
  // read() and no iterator: that one throws where the process ends between opening and reading.
  std::ifstream in(file, std::ios::binary);
  std::string bytes(std::size_t{256} * 1024, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

std::string command_line(pid_t pid) {
  std::string text = read_proc("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

std::string program(const std::string& name) { return std::string(BELAY_PROGRAM_FOLDER) + "/" + name; }

ScratchFolder::ScratchFolder(const std::string& place) {
  std::string name = place + "/belay-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp");
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw_errno("could not read " + file.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& file, std::string_view text) {
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out) throw_errno("could not write " + file.string());
}

}  // namespace belay::test
