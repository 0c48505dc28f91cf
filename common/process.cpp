// Children through Boost.Process v2 (1.81). Its traps, each measured: a killed child and `exit 9` look alike in
// exit_code(), so the native status is read; a missing program's error does not name it; there is no option for a
// process group, so an initializer sets one; descriptors without O_CLOEXEC reach the child.
#include "common/process.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>

#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace belay {

namespace asio = boost::asio;
namespace process = boost::process::v2;

namespace {

constexpr std::size_t err_kept = 8192;
constexpr std::size_t out_room = std::size_t{256} * 1024;

/// Own environment (1.81's process_environment does not link when used header-only); own process group, so that a
/// terminal's Ctrl-C reaches belay alone and belay stops the whole group; and death with the parent.
struct OwnGroup {
  const char* const* environment;
  pid_t parent = ::getpid();
  template <typename Launcher, typename Path, typename Args>
  boost::system::error_code on_setup(Launcher& launcher, const Path& /*program*/, Args& /*args*/) const {
    launcher.env = environment;
    return {};
  }
  template <typename Launcher, typename Path, typename Args>
  boost::system::error_code on_exec_setup(Launcher& /*launcher*/, const Path& /*program*/, Args& /*args*/) const {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // the parent died before the line above took effect
    return {};
  }
};

/// One running child with its three pipes, driven by one io_context on this thread.
class Child {
 public:
  Child(const Command& cmd, const ByteSource& in, const ByteSink& out)
      : cmd_(cmd), in_(in), out_(out), out_pipe_(io_), err_pipe_(io_), in_pipe_(io_), timer_(io_), child_(start()) {}

  Exit run() {
    started_ = std::chrono::steady_clock::now();
    read_out();
    read_err();
    if (in_) feed();
    watch();
    wait();
    io_.run();
    if (broken_) std::rethrow_exception(broken_);
    return end_;
  }

 private:
  process::process start();
  void read_out();
  void read_err();
  void feed();
  void watch();
  void wait();
  void stop(std::exception_ptr why);
  void guarded(const std::function<void()>& work) {
    try {
      work();
    } catch (...) {  // carried across the event loop and thrown again by run()
      stop(std::current_exception());
    }
  }

  const Command& cmd_;
  const ByteSource& in_;
  const ByteSink& out_;
  asio::io_context io_;
  asio::readable_pipe out_pipe_, err_pipe_;
  asio::writable_pipe in_pipe_;
  asio::steady_timer timer_;
  process::process child_;
  std::array<std::byte, out_room> out_buffer_{};
  std::array<char, 4096> err_buffer_{};
  std::vector<std::byte> in_buffer_ = std::vector<std::byte>(out_room);
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point stopping_;
  std::exception_ptr broken_;
  Exit end_;
  bool ended_ = false;
};

process::process Child::start() {
  const std::vector<std::string> environment = child_environment(cmd_.env);
  std::vector<const char*> variables;
  for (const std::string& variable : environment) variables.push_back(variable.c_str());
  variables.push_back(nullptr);
  const OwnGroup setup{variables.data()};
  boost::system::error_code error;
  process::default_process_launcher launcher;
  process::process child = [&] {
    if (in_) {
      return launcher(io_.get_executor(), error, boost::filesystem::path{cmd_.program.string()}, cmd_.args,
                      process::process_stdio{in_pipe_, out_pipe_, err_pipe_}, setup);
    }
    return launcher(io_.get_executor(), error, boost::filesystem::path{cmd_.program.string()}, cmd_.args,
                    process::process_stdio{nullptr, out_pipe_, err_pipe_}, setup);
  }();
  if (error)
    throw Error{Failure::failed, fmt::format("could not start \"{}\"", cmd_.program.string()), error.message()};
  return child;
}

void Child::read_out() {
  out_pipe_.async_read_some(asio::buffer(out_buffer_), [this](boost::system::error_code error, std::size_t got) {
    guarded([&] {
      if (got > 0 && !broken_ && out_) out_(ByteSpan{out_buffer_.data(), got});
    });
    if (!error) read_out();
  });
}

void Child::read_err() {
  err_pipe_.async_read_some(asio::buffer(err_buffer_), [this](boost::system::error_code error, std::size_t got) {
    end_.err.append(err_buffer_.data(), got);
    if (end_.err.size() > 2 * err_kept) end_.err.erase(0, end_.err.size() - err_kept);
    if (!error) read_err();
  });
}

void Child::feed() {
  std::size_t got = 0;
  guarded([&] { got = broken_ ? 0 : in_(in_buffer_); });
  if (got == 0) {
    boost::system::error_code ignored;
    in_pipe_.close(ignored);
    return;
  }
  asio::async_write(in_pipe_, asio::buffer(in_buffer_.data(), got),
                    [this](boost::system::error_code error, std::size_t) {
                      // EPIPE: the child stopped reading; its exit status says why.
                      if (!error) feed();
                    });
}

/// Looks five times a second for an interruption, the time limit, and a child that does not stop.
void Child::watch() {
  timer_.expires_after(std::chrono::milliseconds{200});
  timer_.async_wait([this](boost::system::error_code error) {
    if (error || ended_) return;
    guarded([] { throw_if_interrupted(); });
    const auto now = std::chrono::steady_clock::now();
    if (!broken_ && cmd_.limit && now - started_ > *cmd_.limit) {
      stop(std::make_exception_ptr(Error{Failure::failed,
                                         fmt::format("\"{}\" did not end in time", cmd_.program.filename().string()),
                                         fmt::format("It was stopped after {} ms.", cmd_.limit->count())}));
    }
    if (broken_ && now - stopping_ > std::chrono::seconds{5}) ::kill(-child_.id(), SIGKILL);
    watch();
  });
}

void Child::stop(std::exception_ptr why) {
  if (broken_) return;
  broken_ = std::move(why);
  stopping_ = std::chrono::steady_clock::now();
  if (!ended_) ::kill(-child_.id(), SIGTERM);
}

void Child::wait() {
  child_.async_wait([this](boost::system::error_code, int) {
    ended_ = true;
    const int status = child_.native_exit_code();
    if (WIFSIGNALED(status)) end_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) end_.code = WEXITSTATUS(status);
    timer_.cancel();
    boost::system::error_code ignored;
    in_pipe_.close(ignored);
  });
}

}  // namespace

std::string Exit::how() const {
  return signal != 0 ? fmt::format("signal {}", signal) : fmt::format("status {}", code);
}

std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& added) {
  const auto overridden = [&](std::string_view name) {
    for (const auto& [key, value] : added) {
      if (key == name) return true;
    }
    return false;
  };
  // Secrets belong to the child that needs them only. libpq's own variables would redirect a child's connection or its
  // encoding.
  const std::array<std::string_view, 9> withheld{"DATABASE_URL",        "DIRECT_URL",       "BELAY_DATABASE_URL",
                                                 "SHADOW_DATABASE_URL", "PGPASSWORD",       "PGOPTIONS",
                                                 "PGAPPNAME",           "PGCLIENTENCODING", "PGDATABASE"};
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool secret = std::find(withheld.begin(), withheld.end(), name) != withheld.end();
    if (!secret && !overridden(name)) all.emplace_back(text);
  }
  for (const auto& [key, value] : added) all.push_back(key + "=" + value);
  return all;
}

Exit RealProcesses::run(const Command& cmd, const ByteSource& in, const ByteSink& out) {
  std::string line = cmd.program.string();
  for (const std::string& argument : cmd.args) line += " " + argument;
  spdlog::info("run {}", line);
  fault_point("child start: " + cmd.program.filename().string());
  throw_if_interrupted();
  Exit end = Child{cmd, in, out}.run();
  if (end.err.size() > err_kept) end.err.erase(0, end.err.size() - err_kept);
  spdlog::info("{} ended with {}", cmd.program.string(), end.how());
  fault_point("child ended: " + cmd.program.filename().string());
  return end;
}

}  // namespace belay
