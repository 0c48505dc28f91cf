// A password is never visible: not in an argument list, not in a file, not in a message, not on the server.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

const std::string secret = R"(s3cr@:/?#% '"x)";

/// Looks at all processes below `root` again and again while a program runs.
class Watcher {
 public:
  explicit Watcher(const std::string& hidden) : hidden_(hidden), thread_([this] { watch(); }) {}
  ~Watcher() { stop(); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Words findings;
  std::map<std::string, int> children;  ///< PostgreSQL's programs seen at work, and how often

 private:
  void watch() {
    while (!stop_) {
      for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) look(entry.path());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void look(const fs::path& process) {
    if (process.filename().string().find_first_not_of("0123456789") != std::string::npos) return;
    const std::string arguments = read_proc(process / "cmdline");
    if (arguments.find(hidden_) != std::string::npos) findings.push_back("arguments: " + arguments);
    std::error_code gone;
    const std::string name = fs::read_symlink(process / "exe", gone).filename();
    if (name != "pg_dump" && name != "pg_restore") return;
    ++children[name];
    std::istringstream environment(read_proc(process / "environ"));
    for (std::string entry; std::getline(environment, entry, '\0');) {
      const bool allowed = entry.rfind("PGPASSWORD=", 0) == 0;
      if (!allowed && entry.find(hidden_) != std::string::npos)
        findings.push_back("environment of " + name + ": " + entry);
    }
  }
  std::string hidden_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// A plain owner whose password holds every character that is hard in a URL, in a database that takes a while to dump.
class SecretBench : public ToolBench {
 public:
  explicit SecretBench(int rows = 100) : ToolBench("secret") {
    const Session server(server_url(), "postgres");
    server.run("ALTER ROLE " + db.owner_name() + " PASSWORD " + server.literal(secret));
    url = db.owner_url();
    url.password = secret;
    env["DATABASE_URL"] = url_text(url);
    migration("20240101000000_init",
              "CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, " + std::to_string(rows) + ") i;");
  }
  DatabaseUrl url;
};

void check_hidden(const std::string& where, const std::string& text) {
  CAPTURE(where);
  for (const std::string& form : {secret, std::string("s3cr"),
                                  url_text([] {
                                    DatabaseUrl u;
                                    u.password = secret;
                                    u.database = "x";
                                    return u;
                                  }())
                                      .substr(14, 20)})
    CHECK(text.find(form) == std::string::npos);
}

void check_files(const fs::path& folder) {
  int files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    check_hidden(entry.path().string(), read_text(entry.path()));
  }
  CHECK(files > 0);
}

TEST_CASE("during a backup, a failing migration, its put-back, a rollback and a restore the password is never seen") {
  const SecretBench bench(200000);
  Watcher watcher(secret);
  const auto watched = [&](const std::string& name, Words words, int status) {
    CAPTURE(name);
    words.insert(words.end(), {"--log-file", name + ".log", "--verbose"});
    if (name != "backup-db") words.insert(words.end(), {"--keep", "9"});
    Background program = bench.start(name, words);
    while (program.running()) {
      const Session server(server_url(), "postgres");
      for (const std::string& query : server.run(
               "SELECT concat_ws(' ', query, application_name) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
        CHECK(query.find(secret) == std::string::npos);
      for (const std::string& comment : server.run("SELECT description FROM pg_shdescription"))
        CHECK(comment.find(secret) == std::string::npos);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const RunResult result = program.wait();
    INFO(result.err);
    REQUIRE(result.status == status);
    check_hidden(name + "'s result", result.out);
    check_hidden(name + "'s messages", result.err);
  };
  watched("migrate-production", {"--no-rehearse", "--force"}, 0);
  bench.migration("20240102000000_bad", "DELETE FROM t WHERE i > 5; COMMIT; SELECT 1/0;");
  watched("migrate-production", {"--no-rehearse", "--force", "--json"}, 6);
  watched("backup-db", {"--output-path", "backups"}, 0);
  watched("restore-database", {"--backup-file", bench.archives().back().string(), "--force"}, 0);
  watched("rollback-migration", {"--migration-name", "init", "--restore-backup", "--force"}, 0);
  watcher.stop();
  for (const std::string& finding : watcher.findings) FAIL_CHECK(finding);
  CHECK(watcher.children["pg_dump"] > 0);
  CHECK(watcher.children["pg_restore"] > 0);
  check_files(bench.work.path());
}

TEST_CASE("a wrong password is status 5, and no message shows it") {
  SecretBench bench;
  DatabaseUrl wrong = bench.url;
  wrong.password = secret + "wrong";
  bench.env["DATABASE_URL"] = url_text(wrong);
  for (const std::string form : {"", "--json"}) {
    Words words{"--output-path", "x", "--log-file", "log"};
    if (!form.empty()) words.push_back(form);
    const RunResult result = bench.tool("backup-db", words);
    INFO(result.err);
    CHECK(result.status == 5);
    CHECK_THAT(result.err, Catch::Contains("P1000"));
    check_hidden("messages", result.out + result.err + read_text(bench.work / "log"));
  }
  CHECK(bench.migrate().status == 5);
}

TEST_CASE("a password in an argument is a usage error, and is not repeated") {
  const SecretBench bench;
  DatabaseUrl plain = bench.url;
  plain.password = "s3cret";
  const Words tools{"backup-db", "restore-database", "rollback-migration", "migrate-production"};
  for (const std::string& name : tools) {
    CAPTURE(name);
    for (const Words& words : {Words{"--database-url", url_text(bench.url)}, Words{"--database-url=" + url_text(plain)},
                               Words{"--database-url", "host=x password=s3cret"}, Words{url_text(plain)}}) {
      const RunResult result = bench.tool(name, words);
      CHECK(result.status == 2);
      CHECK_THAT(result.err, Catch::Contains("password") && !Catch::Contains("s3cr"));
    }
  }
}

TEST_CASE("a URL that cannot be read is refused without showing its password") {
  SecretBench bench;
  for (const std::string url :
       {"postgresql://u:s3cret@host:notaport/x", "mysql://u:s3cret@host/x", "postgresql://u:s3cret@[::1/x",
        "postgresql://u:s3cret%zz@host/x", "postgres//u:s3cret@host/x"}) {
    CAPTURE(url);
    bench.env["DATABASE_URL"] = url;
    const RunResult result = bench.backup();
    CHECK((result.status == 2 || result.status == 5));
    CHECK_THAT(result.err, !Catch::Contains("s3cret"));
  }
}

TEST_CASE("a migration that fails at a statement with the password in it is the operator's own text: belay adds none") {
  const SecretBench bench;
  bench.migration("20240102000000_bad", "SELECT * FROM nowhere;");
  const RunResult result = bench.migrate({"--log-file", "log"});
  CHECK(result.status == 6);
  check_hidden("messages", result.out + result.err + read_text(bench.work / "log"));
}

}  // namespace
}  // namespace belay::test
