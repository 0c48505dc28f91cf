// Ctrl-C while a migration runs. A signal that came in stays remembered for the process's life, so each case runs in a
// child of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "common/interrupt.hpp"
#include "tests/server/apply_support.hpp"
#include "tests/support/catch.hpp"

using belay::ApplyOutcome;
using belay::Failure;
using belay::test::ApplyBench;

namespace {

/// Applies `script` in a child which gets SIGINT while the statement of kind `during` runs. Returns the child's
/// judgement: 0 = as expected.
int interrupted_child(const ApplyBench& bench, const std::string& script, const std::string& during,
                      const std::function<bool(const ApplyOutcome&)>& expected) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(60);
    int status = 2;
    try {
      belay::catch_interrupts();
      belay::Connection db = bench.database.connect();
      belay::Connection books = bench.database.connect();
      const ApplyOutcome outcome = belay::apply_migration(
          db, books, belay::test::sql_migration("m", script), bench.settings, [&](const belay::Statement& statement) {
            if (statement.kind != during) return;
            std::thread{[] {
              std::this_thread::sleep_for(std::chrono::milliseconds{300});
              ::kill(::getpid(), SIGINT);
            }}.detach();
          });
      status = expected(outcome) ? 0 : 1;
    } catch (const std::exception&) {
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("an interrupted atomic migration is rolled back, and says so in its row") {
  ApplyBench bench;
  CHECK(interrupted_child(bench, "CREATE TABLE t (); SELECT pg_sleep(50); CREATE TABLE u ();", "SELECT",
                          [](const ApplyOutcome& outcome) {
                            return outcome.failure && outcome.failure->error.kind == Failure::interrupted &&
                                   !outcome.committed_something && !outcome.failure->in_doubt;
                          }) == 0);
  CHECK_FALSE(bench.has_table("t"));
  CHECK(bench.rows() == std::vector<std::string>{"m unfinished log 0"});
}

TEST_CASE("an interrupted migration that had committed something is not called interrupted but unresolved") {
  ApplyBench bench;
  CHECK(interrupted_child(bench, "CREATE TABLE t (); SELECT pg_sleep(50); VACUUM;", "SELECT",
                          [](const ApplyOutcome& outcome) {
                            return outcome.failure && outcome.failure->error.kind == Failure::unresolved &&
                                   outcome.committed_something;
                          }) == 0);
  CHECK(bench.has_table("t"));
  CHECK(bench.rows() == std::vector<std::string>{"m unfinished log 0"});
}

TEST_CASE("an interruption inside the script's own transaction leaves nothing of it") {
  ApplyBench bench;
  CHECK(interrupted_child(bench, "BEGIN; CREATE TABLE t (); SELECT pg_sleep(50); COMMIT;", "SELECT",
                          [](const ApplyOutcome& outcome) {
                            return outcome.failure && outcome.failure->error.kind == Failure::interrupted &&
                                   !outcome.committed_something;
                          }) == 0);
  CHECK_FALSE(bench.has_table("t"));
}
