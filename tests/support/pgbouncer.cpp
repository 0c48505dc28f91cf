#include "tests/support/pgbouncer.hpp"

#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/session.hpp"

namespace belay::test {

namespace {

/// Names a file in its folder, not a TCP port.
constexpr const char* socket_port = "6432";

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

/// Servers that were cut off are tried again at once, as somebody who cannot wait 15 s would set it.
std::string settings(const DatabaseUrl& url, const std::string& mode, const std::filesystem::path& folder) {
  return "[databases]\n* = host=" + url.hosts.at(0).name + " port=" + url.hosts.at(0).port.value_or("5432") +
         " user=" + quoted(url.user.value()) + " password=" + quoted(url.password.value_or("")) +
         "\n[pgbouncer]\nlisten_addr =\nlisten_port = " + socket_port + "\nunix_socket_dir = " + folder.string() +
         "\nauth_type = any\npool_mode = " + mode +
         "\ndefault_pool_size = 20\nmax_client_conn = 200\nserver_login_retry = 0.1\nignore_startup_parameters = "
         "extra_float_digits\nlogfile = " +
         (folder / "log").string() + "\n";
}

}  // namespace

PgBouncer::PgBouncer(const DatabaseUrl& url, const std::string& mode) : url_(url) {
  const std::filesystem::path file = folder_ / "pgbouncer.ini";
  write_text(file, settings(url, mode, folder_.path()));
  std::vector<std::string> argv{"setpriv", "--pdeathsig", "KILL"};
  if (::geteuid() == 0) {
    const passwd* nobody = ::getpwnam("nobody");
    REQUIRE(nobody != nullptr);
    REQUIRE(::chown(folder_.path().c_str(), nobody->pw_uid, nobody->pw_gid) == 0);
    REQUIRE(::chown(file.c_str(), nobody->pw_uid, nobody->pw_gid) == 0);
    argv.insert(argv.end(), {"--reuid", std::to_string(nobody->pw_uid), "--regid", std::to_string(nobody->pw_gid),
                             "--clear-groups"});
  }
  const bool system_path = ::access("/usr/sbin/pgbouncer", X_OK) == 0;
  argv.insert(argv.end(), {system_path ? "/usr/sbin/pgbouncer" : "pgbouncer", "-q", file.string()});
  bouncer_.emplace(argv, std::map<std::string, std::string>{}, folder_.path());
  url_.hosts = {{folder_.path().string(), socket_port}};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!Session(url_, url_.database).usable()) {
    INFO(log() << read_text(bouncer_->err_file()));
    REQUIRE(bouncer_->running());
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

PgBouncer::~PgBouncer() {
  bouncer_->kill(SIGKILL);
  (void)bouncer_->wait();
}

std::string PgBouncer::log() const {
  const std::filesystem::path file = folder_ / "log";
  return std::filesystem::exists(file) ? read_text(file) : "";
}

}  // namespace belay::test
