// Real PostgreSQL servers and databases for tests. Nothing here uses belay's own code to reach the server, so a fault
// in that code cannot hide in here.
#pragma once
#include <sys/types.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/database_url.hpp"
#include "tests/support/run.hpp"

namespace belay::test {

/// Free at this moment; whoever uses it must be ready to lose the race and try another.
[[nodiscard]] int free_port();

/// A superuser's URL on the server that all tests of a run share, maintenance database postgres. It comes from
/// BELAY_TEST_SERVER (set by scripts/with-test-server); without that variable the process starts a private server at
/// the first call and stops it at its end. Other tests use the server at the same time: whoever changes it, fills it up
/// or crashes it starts an OwnServer instead.
[[nodiscard]] const DatabaseUrl& server_url();

/// `url` as text with its password, percent-encoded: what goes into DATABASE_URL. `query` is appended after a ?, e.g.
/// "schema=app".
[[nodiscard]] std::string url_text(const DatabaseUrl& url, const std::string& query = {});

/// The server programs' folder: BELAY_TEST_PG_BIN, else the newest /usr/lib/postgresql/*/bin.
[[nodiscard]] std::filesystem::path pg_bin();

/// Where servers have their data: in memory if scripts/with-test-server found room there.
[[nodiscard]] std::string server_place();

/// A server of the test's own: fsync off, socket in its folder, a free port on 127.0.0.1, passwords asked for over TCP.
/// As root it runs as an unprivileged user. It dies with the thread that started it, so it is started in the test's
/// main thread.
class OwnServer {
 public:
  /// `options`: postgresql.conf settings, e.g. {{"max_connections", "20"}}.
  explicit OwnServer(std::initializer_list<std::pair<std::string, std::string>> options = {});
  ~OwnServer();
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;

  [[nodiscard]] const DatabaseUrl& url() const { return url_; }
  [[nodiscard]] std::filesystem::path data_directory() const { return folder_ / "data"; }
  [[nodiscard]] std::string log() const;
  /// As a crash: no checkpoint, sessions cut off. Returns when the server is gone.
  void stop_immediate();
  /// SIGKILL to the postmaster and all its children, as the kernel's out-of-memory killer or a power cut would.
  void kill_all();
  /// Starts it again on the same port, and returns when it answers (crash recovery included).
  void start();
  /// Further lines for pg_hba.conf, put in front of the present ones; effective at once if the server runs.
  void allow(const std::string& pg_hba_lines);

 private:
  void create(std::initializer_list<std::pair<std::string, std::string>> options);
  bool launch();
  bool answers_before_it_ends();
  void stop(int signal);
  ScratchFolder folder_{server_place()};
  DatabaseUrl url_;
  pid_t pid_ = -1;
};

enum class Owner { superuser, plain };

/// A database that is gone at the end of the test, with every side database made from it and its role, whoever is still
/// connected.
class TestDatabase {
 public:
  /// The name contains `hint` (any bytes that are valid UTF-8; cut to 40 bytes) and is unique. Owner::plain: it belongs
  /// to a role made for it, LOGIN CREATEDB, not a superuser, with a password.
  explicit TestDatabase(const std::string& hint, Owner owner = Owner::superuser,
                        const DatabaseUrl& server = server_url());
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const DatabaseUrl& url() const { return url_; }  ///< as superuser
  [[nodiscard]] const DatabaseUrl& owner_url() const;            ///< as the owner; throws unless made with Owner::plain
  [[nodiscard]] const std::string& owner_name() const { return role_; }  ///< empty unless Owner::plain

  /// A session as the owner (Owner::plain) or superuser.
  [[nodiscard]] Connection connect() const;
  [[nodiscard]] Connection connect_as_superuser() const;
  /// Runs a script in this database as the owner (Owner::plain) or superuser; statements are sent one simple query.
  /// Throws std::runtime_error.
  void sql(const std::string& script) const;
  void sql_as_superuser(const std::string& script) const;
  /// The first column of all rows, NULL as "(null)". Throws std::runtime_error.
  [[nodiscard]] std::vector<std::string> column(const std::string& query) const;
  /// The one value of the one row. Throws std::runtime_error.
  [[nodiscard]] std::string value(const std::string& query) const;
  /// pg_dump's plain text of this database, as superuser; the random \restrict lines of newer versions left out.
  [[nodiscard]] std::string dump(const std::vector<std::string>& further_options = {}) const;
  /// Databases on the server, other than this one, that were made from it: by name, or by the target in their comment.
  [[nodiscard]] std::vector<std::string> side_databases() const;

 private:
  void create(Owner owner);
  void drop_all() noexcept;
  std::string name_, role_;
  DatabaseUrl server_, url_, owner_url_;
};

/// Runs a script (one simple query) in `url`'s database, for what belongs to no TestDatabase. Returns the last result's
/// first column. Throws std::runtime_error with the server's message.
std::vector<std::string> run_sql(const DatabaseUrl& url, const std::string& script);

}  // namespace belay::test
