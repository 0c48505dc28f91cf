#include "tests/support/standby.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"
#include "tests/support/session.hpp"

namespace belay::test {

namespace {

using Words = std::vector<std::string>;

void wait_for(const std::string& what, const std::function<bool()>& question) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!question()) {
    INFO("waited for: " << what);
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Standby::Standby(OwnServer& primary, const std::string& settings) : primary_(primary.url()) {
  primary.allow("host replication all 127.0.0.1/32 scram-sha-256");
  // Whoever runs the primary owns the standby too: PostgreSQL refuses to run as root.
  struct stat owner {};
  REQUIRE(::stat(primary.data_directory().c_str(), &owner) == 0);
  REQUIRE(::chown(folder_.path().c_str(), owner.st_uid, owner.st_gid) == 0);
  if (::geteuid() == 0)
    as_owner_ = {"setpriv",       "--reuid", std::to_string(owner.st_uid), "--regid", std::to_string(owner.st_gid),
                 "--clear-groups"};
  must({(pg_bin() / "pg_basebackup").string(), "-D", data().string(), "-R", "-X", "stream", "--checkpoint=fast", "-d",
        url_text(primary.url())});
  url_ = primary.url();
  url_.hosts[0].port = std::to_string(free_port());
  write_text(data() / "postgresql.auto.conf", read_text(data() / "postgresql.auto.conf") +
                                                  "port = " + *url_.hosts[0].port + "\nunix_socket_directories = '" +
                                                  folder_.path().string() + "'\n" + settings);
  Words argv = as_owner_.empty() ? Words{"setpriv"} : as_owner_;
  argv.insert(argv.end(), {"--pdeathsig", "QUIT", (pg_bin() / "postgres").string(), "-D", data().string()});
  server_.emplace(argv, std::map<std::string, std::string>{}, folder_.path());
  wait_for("the standby to answer", [&] {
    REQUIRE(server_->running());
    return Session(url_, "postgres").usable();
  });
}

Standby::~Standby() {
  server_->kill(SIGQUIT);
  (void)server_->wait();
}

DatabaseUrl Standby::here(DatabaseUrl url) const {
  url.hosts = url_.hosts;
  return url;
}

void Standby::catch_up() const {
  const std::string lsn = run_sql(primary_, "SELECT pg_current_wal_insert_lsn()").at(0);
  wait_for("the standby to catch up",
           [&] { return run_sql(url_, "SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'").at(0) == "t"; });
}

void Standby::must(Words argv) const {
  argv.insert(argv.begin(), as_owner_.begin(), as_owner_.end());
  const RunResult result = run(argv, {}, {.cwd = folder_.path()});
  INFO(result.err);
  REQUIRE(result.status == 0);
}

}  // namespace belay::test
