#include "tests/support/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/support/session.hpp"

namespace belay::test {
namespace fs = std::filesystem;
namespace {

/// PostgreSQL refuses to run as root.
const passwd* server_user() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  return user != nullptr ? user : ::getpwnam("nobody");
}

std::vector<std::string> as_server_user(std::vector<std::string> argv) {
  const passwd* user = server_user();
  if (user == nullptr) return argv;
  std::vector<std::string> result{
      "setpriv", "--reuid", std::to_string(user->pw_uid), "--regid", std::to_string(user->pw_gid), "--clear-groups"};
  result.insert(result.end(), argv.begin(), argv.end());
  return result;
}

std::string random_word(std::size_t length) {
  static std::mt19937_64 random(std::random_device{}());
  std::string word;
  while (word.size() < length) word += "abcdefghijkmnpqrstuvwxyz23456789"[random() % 32];
  return word;
}

void must(const RunResult& result, const std::string& what) {
  if (result.status != 0) throw std::runtime_error(what + " failed: " + result.out + result.err);
}

std::string quoted_setting(const std::string& value) {
  std::string text = "'";
  for (const char c : value) text += c == '\'' ? std::string("''") : std::string(1, c);
  return text + "'";
}

DatabaseUrl local_url(const std::string& password, int port) {
  DatabaseUrl url;
  url.hosts = {{"127.0.0.1", std::to_string(port)}};
  url.user = "postgres";
  url.password = password;
  url.database = "postgres";
  return url;
}

}  // namespace

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

fs::path pg_bin() {
  if (const char* given = std::getenv("BELAY_TEST_PG_BIN")) return given;
  int newest = 0;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql"))
    if (fs::exists(entry.path() / "bin" / "postgres"))
      newest = std::max(newest, std::atoi(entry.path().filename().c_str()));
  if (newest == 0) throw std::runtime_error("no PostgreSQL server in /usr/lib/postgresql: run scripts/setup");
  return fs::path("/usr/lib/postgresql") / std::to_string(newest) / "bin";
}

const DatabaseUrl& server_url() {
  static std::unique_ptr<OwnServer> own;
  static const DatabaseUrl url = [] {
    if (const char* given = std::getenv("BELAY_TEST_SERVER")) return parse_database_url(given);
    own = std::make_unique<OwnServer>();
    return own->url();
  }();
  return url;
}

std::string server_place() {
  const char* place = std::getenv("BELAY_TEST_PLACE");
  return place == nullptr ? "/tmp" : place;
}

OwnServer::OwnServer(std::initializer_list<std::pair<std::string, std::string>> options) {
  create(options);
  for (int attempt = 0; attempt < 5; ++attempt) {
    url_.hosts[0].port = std::to_string(free_port());
    if (launch()) return;
  }
  throw std::runtime_error("the test server did not start:\n" + log());
}

OwnServer::~OwnServer() { stop(SIGQUIT); }

void OwnServer::create(std::initializer_list<std::pair<std::string, std::string>> options) {
  url_ = local_url(random_word(12), 0);
  write_text(folder_ / "password", *url_.password + "\n");
  if (const passwd* user = server_user())
    for (const fs::path& path : {folder_.path(), folder_ / "password"})
      if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
        throw std::runtime_error("could not give " + path.string() + " away");
  RunSettings in_folder;
  in_folder.cwd = folder_.path();
  must(run(as_server_user({(pg_bin() / "initdb").string(), "--pgdata", data_directory().string(), "--username",
                           "postgres", "--pwfile", (folder_ / "password").string(), "--auth-local", "trust",
                           "--auth-host", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"}),
           {}, in_folder),
       "initdb");
  std::string conf = read_text(data_directory() / "postgresql.conf") +
                     "\nfsync = off\nfull_page_writes = off\nlisten_addresses = "
                     "'127.0.0.1'\nmax_prepared_transactions = 5\n"
                     "unix_socket_directories = '" +
                     folder_.path().string() + "'\n";
  for (const auto& [name, value] : options) conf += name + " = " + quoted_setting(value) + "\n";
  write_text(data_directory() / "postgresql.conf", conf);
}

bool OwnServer::launch() {
  const std::string binary = (pg_bin() / "postgres").string(), data = data_directory().string(),
                    log_file = (folder_ / "log").string();
  const std::string port = *url_.hosts[0].port;
  const passwd* user = server_user();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("could not fork");
  if (pid_ == 0) {
    ::setsid();
    const int out = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int in = ::open("/dev/null", O_RDONLY);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::close_range(3, ~0U, 0);
    if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
      ::_exit(1);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it: a killed test leaves no server behind
    ::execl(binary.c_str(), "postgres", "-D", data.c_str(), "-p", port.c_str(), nullptr);
    ::_exit(1);
  }
  return answers_before_it_ends();
}

bool OwnServer::answers_before_it_ends() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (std::chrono::steady_clock::now() < deadline) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    // Asking for its own folder tells our server from another one that took the port in between.
    if (const Session session(url_, "postgres"); session.usable())
      return session.run("SHOW data_directory").at(0) == data_directory().string();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  stop(SIGKILL);
  return false;
}

std::string OwnServer::log() const { return fs::exists(folder_ / "log") ? read_text(folder_ / "log") : std::string(); }

void OwnServer::stop(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void OwnServer::stop_immediate() { stop(SIGQUIT); }

void OwnServer::kill_all() {
  if (pid_ <= 0) return;
  const RunResult children = run({"pgrep", "-P", std::to_string(pid_)});
  ::kill(pid_, SIGSTOP);  // so that the postmaster does not notice the first dead child and tidy up
  for (std::size_t at = 0; at < children.out.size(); at = children.out.find('\n', at) + 1)
    ::kill(std::atoi(children.out.c_str() + at), SIGKILL);
  stop(SIGKILL);
}

void OwnServer::start() {
  if (pid_ > 0) return;
  for (int attempt = 0; attempt < 20; ++attempt) {  // after a kill the shared memory may take a moment to be free
    if (launch()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw std::runtime_error("the test server did not start again:\n" + log());
}

void OwnServer::allow(const std::string& pg_hba_lines) {
  const fs::path file = data_directory() / "pg_hba.conf";
  write_text(file, pg_hba_lines + "\n" + read_text(file));
  if (pid_ > 0) run_sql(url_, "SELECT pg_reload_conf()");
}

}  // namespace belay::test
