// The tests' own ground: a fixture that leaks or lies makes every other test doubtful.
#include <unistd.h>

#include <csignal>

#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

TEST_CASE("a test database with odd bytes in its name is gone afterwards, with its side databases, sessions and role") {
  std::string name, role, side;
  {
    const TestDatabase db("it's \"odd\"\n;x é", Owner::plain);
    name = db.name();
    role = db.owner_name();
    side = "side_of_" + role;
    db.sql("CREATE TABLE t AS SELECT generate_series(1, 3) AS a");
    CHECK(db.value("SELECT count(*) FROM t") == "3");
    CHECK(db.value("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == role);
    CHECK_THAT(db.dump(), Catch::Contains("CREATE TABLE public.t"));
    run_sql(server_url(), "CREATE DATABASE " + side);
    CHECK(db.side_databases().empty());
    const std::string json_name = "it''s \\\"odd\\\"\\n;x é" + name.substr(name.find('_'));
    run_sql(server_url(), "COMMENT ON DATABASE " + side + " IS '{\"target\":\"" + json_name + "\"}'");
    CHECK(db.side_databases() == std::vector<std::string>{side});
    db.sql("BEGIN; INSERT INTO t VALUES (4); PREPARE TRANSACTION 'left open'");
  }
  const std::string left = "SELECT count(*) FROM pg_database WHERE position('" + role.substr(5) + "' IN datname) > 0";
  CHECK(run_sql(server_url(), left).at(0) == "0");
  CHECK(run_sql(server_url(), "SELECT count(*) FROM pg_roles WHERE rolname = '" + role + "'").at(0) == "0");
}

TEST_CASE("the owner's URL works for libpq as text, and only with the password in it") {
  const TestDatabase db("url", Owner::plain);
  const RunResult whoami = run({"psql", url_text(db.owner_url()), "-XAtc", "SELECT current_user"});
  CHECK(whoami.err.empty());
  CHECK(whoami.out == db.owner_name() + "\n");
  DatabaseUrl bare = db.owner_url();
  bare.password.reset();
  CHECK(run({"psql", "-w", url_text(bare), "-XAtc", "SELECT 1"}).status == 2);
}

TEST_CASE("an own server keeps what was committed, through a crash and through kill -9 of all its processes") {
  OwnServer server({{"max_connections", "17"}});
  CHECK(run_sql(server.url(), "SHOW max_connections").at(0) == "17");
  run_sql(server.url(), "CREATE TABLE t AS SELECT 1 AS a");
  server.kill_all();
  CHECK_THROWS(run_sql(server.url(), "SELECT 1"));
  server.start();
  run_sql(server.url(), "INSERT INTO t VALUES (2)");
  server.stop_immediate();
  CHECK_THROWS(run_sql(server.url(), "SELECT 1"));
  server.start();
  CHECK(run_sql(server.url(), "SELECT count(*) FROM t").at(0) == "2");
}

TEST_CASE(
    "a program's status, both streams and input reach the test, and nothing of the tester's environment steers it") {
  ::setenv("PGPASSWORD", "inherited", 1);
  const std::string much(1'000'000, 'x');
  RunSettings settings;
  settings.cwd = "/tmp";
  settings.stdin_text = much;
  const RunResult result =
      run({"sh", "-c", "cat; echo err >&2; echo \"[$PGPASSWORD] $A\"; pwd; exit 3"}, {{"A", "b c"}}, settings);
  ::unsetenv("PGPASSWORD");
  CHECK(result.status == 3);
  CHECK(result.out == much + "[] b c\n/tmp\n");
  CHECK(result.err == "err\n");
  CHECK(run({"sh", "-c", "kill -9 $$"}).signal == SIGKILL);
  CHECK(run({"/nonexistent"}).status == 127);
}

TEST_CASE("a program that takes too long is killed, and its output so far is told") {
  RunSettings settings;
  settings.timeout = std::chrono::seconds(1);
  CHECK_THROWS_WITH(run({"sh", "-c", "echo so far; sleep 60"}, {}, settings), Catch::Contains("so far"));
}

TEST_CASE("a terminal is a terminal, answers follow their prompts, and a prompt that does not come fails") {
  const std::string script = "read -p 'sure? ' a; echo got $a; read -p 'really? ' b || echo eof; test -t 0 && exit 4";
  const RunResult result = run_on_terminal({"bash", "-c", script}, {}, {{"sure? ", "yes\n"}, {"really? ", "\x04"}});
  CHECK(result.out == "sure? yes\ngot yes\nreally? eof\n");
  CHECK(result.status == 4);
  CHECK_THROWS_WITH(run_on_terminal({"true"}, {}, {{"never", "x"}}), Catch::Contains("never"));
}

TEST_CASE("a background program can be killed, and its output read afterwards") {
  Background program({"sh", "-c", "echo started; exec sleep 60"});
  while (program.running() && read_text(program.out_file()).empty()) ::usleep(1000);
  program.kill(SIGTERM);
  const RunResult result = program.wait();
  CHECK(result.signal == SIGTERM);
  CHECK(result.out == "started\n");
}

}  // namespace
}  // namespace belay::test
