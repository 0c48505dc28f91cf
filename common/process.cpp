// Children through Boost.Process v2 (1.81). Its traps, each measured: a killed child and `exit 9` look alike in
// exit_code(), so the native status is read; a missing program's error does not name it; there is no option for a
// process group, so an initializer sets one; descriptors without O_CLOEXEC reach the child.
#include "common/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
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
    // The pipes' own ends reach the child beside its three streams: what it leaves in the background would keep them
    // open, and us waiting for their end. An old kernel does not know the call, and is no worse off than before.
    (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (::getppid() != parent) ::_exit(127);  // the parent died before the line above took effect
    return {};
  }
};

enum class Stdin { none, source, pipe };

/// One running child with its three pipes, driven by an io_context on this thread. Two of them can be joined: the
/// first's output becomes the second's input.
class Child {
 public:
  Child(asio::io_context& io, const Command& cmd, Stdin stdin_is, const ByteSource& in, const ByteSink& out)
      : cmd_(cmd),
        in_(in),
        out_(out),
        stdin_(stdin_is),
        io_(io),
        out_pipe_(io_),
        err_pipe_(io_),
        in_pipe_(io_),
        timer_(io_),
        child_(start()) {}

  /// What this one writes goes into `next` too, and they are stopped together.
  void join(Child& next) {
    next_ = &next;
    next.previous_ = this;
  }
  /// Everything that has to be under way before io.run().
  void begin() {
    started_ = std::chrono::steady_clock::now();
    read_out();
    read_err();
    if (stdin_ == Stdin::source) feed();
    watch();
    wait();
  }
  /// After io.run().
  Exit end() {
    if (broken_) std::rethrow_exception(broken_);
    cut_err();
    spdlog::info("{} ended with {}", cmd_.program.string(), end_.how());
    return end_;
  }
  [[nodiscard]] bool next_quit() const { return next_quit_; }

 private:
  process::process start();
  void read_out();
  void read_err();
  void cut_err() {
    if (end_.err.size() <= err_kept) return;
    end_.err.erase(0, end_.err.size() - err_kept);
    end_.err_cut = true;
  }
  void feed();
  void watch();
  void watch_for_the_rest();
  void closed(bool& open);
  void wait();
  void hand_on(std::size_t got);
  void read_out_to_nowhere();
  void close_input();
  void stop(std::exception_ptr why);
  void terminate();
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
  Stdin stdin_;
  Child* next_ = nullptr;
  Child* previous_ = nullptr;
  asio::io_context& io_;
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
  std::chrono::steady_clock::time_point ended_at_;
  bool ended_ = false;
  bool out_open_ = true, err_open_ = true;
  bool next_quit_ = false;
};

process::process Child::start() {
  std::string line = cmd_.program.string();
  for (const std::string& argument : cmd_.args) line += " " + argument;
  spdlog::info("run {}", line);
  fault_point("child start: " + cmd_.program.filename().string());
  throw_if_interrupted();
  const std::vector<std::string> environment = child_environment(cmd_.env, cmd_.unset);
  std::vector<const char*> variables;
  for (const std::string& variable : environment) variables.push_back(variable.c_str());
  variables.push_back(nullptr);
  const OwnGroup setup{variables.data()};
  boost::system::error_code error;
  process::default_process_launcher launcher;
  process::process child = [&] {
    if (stdin_ != Stdin::none) {
      return launcher(io_.get_executor(), error, boost::filesystem::path{cmd_.program.string()}, cmd_.args,
                      process::process_stdio{in_pipe_, out_pipe_, err_pipe_}, setup);
    }
    return launcher(io_.get_executor(), error, boost::filesystem::path{cmd_.program.string()}, cmd_.args,
                    process::process_stdio{nullptr, out_pipe_, err_pipe_}, setup);
  }();
  // pg_dump writes 4 KiB at a time: room for many of them lets it go on while its bytes are being compressed.
  ::fcntl(out_pipe_.native_handle(), F_SETPIPE_SZ, 1 << 20);
  if (error)
    throw Error{Failure::failed, fmt::format("could not start \"{}\"", cmd_.program.string()), error.message()};
  return child;
}

void Child::read_out() {
  out_pipe_.async_read_some(asio::buffer(out_buffer_), [this](boost::system::error_code error, std::size_t got) {
    guarded([&] {
      if (got > 0 && !broken_ && out_) out_(ByteSpan{out_buffer_.data(), got});
    });
    if (next_ != nullptr && got > 0 && !broken_) return hand_on(got);
    if (!error) return read_out();
    closed(out_open_);
    if (next_ != nullptr) next_->close_input();
  });
}

/// Reading goes on when the next one has taken everything, so a slow one slows this one down, and nothing is kept.
void Child::hand_on(std::size_t got) {
  asio::async_write(next_->in_pipe_, asio::buffer(out_buffer_.data(), got),
                    [this](boost::system::error_code error, std::size_t) {
                      if (!error) return read_out();
                      next_quit_ = true;
                      terminate();
                      next_->close_input();
                      read_out_to_nowhere();
                    });
}

void Child::read_out_to_nowhere() {
  out_pipe_.async_read_some(asio::buffer(out_buffer_), [this](boost::system::error_code error, std::size_t) {
    if (!error) return read_out_to_nowhere();
    closed(out_open_);
  });
}

void Child::close_input() {
  boost::system::error_code ignored;
  in_pipe_.close(ignored);
}

void Child::read_err() {
  err_pipe_.async_read_some(asio::buffer(err_buffer_), [this](boost::system::error_code error, std::size_t got) {
    end_.err.append(err_buffer_.data(), got);
    if (end_.err.size() > 2 * err_kept) cut_err();
    if (!error) return read_err();
    closed(err_open_);
  });
}

void Child::closed(bool& open) {
  open = false;
  if (ended_ && !out_open_ && !err_open_) timer_.cancel();
}

void Child::feed() {
  std::size_t got = 0;
  guarded([&] { got = broken_ ? 0 : in_(in_buffer_); });
  if (got == 0) return close_input();
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
    if (error) return;
    if (ended_) return watch_for_the_rest();
    guarded([] { throw_if_interrupted(); });
    const auto now = std::chrono::steady_clock::now();
    if (!broken_ && cmd_.limit && now - started_ > *cmd_.limit) {
      stop(std::make_exception_ptr(Error{Failure::failed,
                                         fmt::format("\"{}\" did not end in time", cmd_.program.filename().string()),
                                         fmt::format("It was stopped after {} ms.", cmd_.limit->count())}));
    }
    const bool stopping = stopping_ != std::chrono::steady_clock::time_point{};
    if (stopping && now - stopping_ > std::chrono::seconds{5}) ::kill(-child_.id(), SIGKILL);
    watch();
  });
}

/// Everything that the child wrote is in the pipes when it has ended. Whoever keeps them open after that is a process
/// that it left in the background, and may live for ever.
void Child::watch_for_the_rest() {
  if (!out_open_ && !err_open_) return;  // they closed when the timer had gone off already
  guarded([] { throw_if_interrupted(); });
  const auto let_go = [this](asio::readable_pipe& pipe) {
    int waiting = 0;
    boost::system::error_code ignored;
    if (broken_ || (::ioctl(pipe.native_handle(), FIONREAD, &waiting) == 0 && waiting == 0)) pipe.cancel(ignored);
  };
  if (broken_ || std::chrono::steady_clock::now() - ended_at_ > std::chrono::seconds{1}) {
    if (out_open_) let_go(out_pipe_);
    if (err_open_) let_go(err_pipe_);
  }
  watch();
}

void Child::stop(std::exception_ptr why) {
  if (broken_) return;
  broken_ = std::move(why);
  terminate();
  for (Child* other : {next_, previous_}) {
    if (other != nullptr) other->stop(broken_);
  }
}

void Child::terminate() {
  if (stopping_ == std::chrono::steady_clock::time_point{}) stopping_ = std::chrono::steady_clock::now();
  if (!ended_) ::kill(-child_.id(), SIGTERM);
}

void Child::wait() {
  child_.async_wait([this](boost::system::error_code, int) {
    ended_ = true;
    ended_at_ = std::chrono::steady_clock::now();
    const int status = child_.native_exit_code();
    if (WIFSIGNALED(status)) end_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) end_.code = WEXITSTATUS(status);
    if (!out_open_ && !err_open_) timer_.cancel();
    close_input();
  });
}

}  // namespace

bool Exit::killed() const { return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP; }

std::string Exit::how() const {
  return signal != 0 ? fmt::format("signal {}", signal) : fmt::format("status {}", code);
}

std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& added,
                                           const std::vector<std::string>& unset) {
  const auto overridden = [&](std::string_view name) {
    for (const auto& [key, value] : added) {
      if (key == name) return true;
    }
    return false;
  };
  // Secrets belong to the child that needs them only. libpq's own variables would redirect a child's connection or its
  // encoding.
  static constexpr std::array<std::string_view, 12> withheld{
      "DATABASE_URL",      "DIRECT_URL",       "BELAY_DATABASE_URL", "SHADOW_DATABASE_URL",
      "BELAY_SIDE_SERVER", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY",   "PGPASSWORD",
      "PGOPTIONS",         "PGAPPNAME",        "PGCLIENTENCODING",   "PGDATABASE"};
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool secret = std::find(withheld.begin(), withheld.end(), name) != withheld.end();
    const bool unwanted = std::find(unset.begin(), unset.end(), name) != unset.end();
    if (!secret && !unwanted && !overridden(name)) all.emplace_back(text);
  }
  for (const auto& [key, value] : added) all.push_back(key + "=" + value);
  return all;
}

Exit RealProcesses::run(const Command& cmd, const ByteSource& in, const ByteSink& out) {
  asio::io_context io;
  Child child{io, cmd, in ? Stdin::source : Stdin::none, in, out};
  child.begin();
  io.run();
  Exit end = child.end();
  fault_point("child ended: " + cmd.program.filename().string());
  return end;
}

PipeEnd RealProcesses::run_pipe(const Command& first, const ByteSink& seen, const Command& second,
                                const ByteSink& out) {
  asio::io_context io;
  const ByteSource no_source;
  Child writer{io, first, Stdin::none, no_source, seen};
  Child reader{io, second, Stdin::pipe, no_source, out};
  writer.join(reader);
  writer.begin();
  reader.begin();
  io.run();
  PipeEnd end{writer.end(), reader.end(), writer.next_quit()};
  fault_point("children ended: " + first.program.filename().string() + ", " + second.program.filename().string());
  return end;
}

}  // namespace belay
