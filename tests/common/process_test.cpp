#include "common/process.hpp"

#include <csignal>
#include <cstring>

#include "common/error.hpp"
#include "tests/support/catch.hpp"

using namespace belay;

namespace {

Exit shell(const std::string& script, std::string& out, std::vector<std::pair<std::string, std::string>> env = {}) {
  RealProcesses processes;
  return processes.run({.program = "/bin/sh", .args = {"-c", script}, .env = std::move(env), .limit = {}}, {},
                       [&](ByteSpan bytes) { out += as_text(bytes); });
}

}  // namespace

TEST_CASE("a killed child is told from one that exits with the same number") {
  std::string out;
  CHECK(shell("exit 9", out).code == 9);
  const Exit killed = shell("kill -9 $$", out);
  CHECK(killed.signal == 9);
  CHECK(killed.how() == "signal 9");
  CHECK_FALSE(killed.ok());
}

TEST_CASE("megabytes on both streams and on input pass without a deadlock") {
  RealProcesses processes;
  std::size_t left = 20'000'000;
  std::size_t got = 0;
  const ByteSource in = [&](std::span<std::byte> room) {
    const std::size_t count = std::min(left, room.size());
    std::memset(room.data(), 'x', count);
    left -= count;
    return count;
  };
  const Exit end = processes.run({.program = "/bin/sh", .args = {"-c", "tee /dev/stderr"}, .env = {}, .limit = {}}, in,
                                 [&](ByteSpan bytes) { got += bytes.size(); });
  CHECK(end.ok());
  CHECK(got == 20'000'000);
  CHECK(end.err.size() == 8192);
}

TEST_CASE("a program that is not there is named") {
  RealProcesses processes;
  CHECK_THROWS_WITH(processes.run({.program = "/nowhere/pg_dump", .args = {}, .env = {}, .limit = {}}, {}, {}),
                    Catch::Contains("/nowhere/pg_dump"));
}

TEST_CASE("a child that ignores SIGTERM is stopped all the same when its time is up") {
  RealProcesses processes;
  const Command command{.program = "/bin/sh",
                        .args = {"-c", "trap '' TERM; sleep 60"},
                        .env = {},
                        .limit = std::chrono::milliseconds{300}};
  CHECK_THROWS_WITH(processes.run(command, {}, {}), Catch::Contains("did not end in time"));
}

TEST_CASE("an error of whoever takes the output stops the child and comes back") {
  RealProcesses processes;
  CHECK_THROWS_WITH(processes.run({.program = "/bin/cat", .args = {"/dev/zero"}, .env = {}, .limit = {}}, {},
                                  [](ByteSpan) {
                                    throw Error{Failure::storage, "no space left"};
                                  }),
                    Catch::Contains("no space left"));
}

TEST_CASE("a child gets no secret that is not meant for it") {
  ::setenv("DATABASE_URL", "postgresql://u:s3cret@h/d", 1);
  ::setenv("PGPASSWORD", "s3cret", 1);
  std::string out;
  CHECK(shell("env", out).ok());
  CHECK(out.find("s3cret") == std::string::npos);
  out.clear();
  CHECK(shell("echo $PGPASSWORD", out, {{"PGPASSWORD", "own"}}).ok());
  CHECK(out == "own\n");
  ::unsetenv("DATABASE_URL");
  ::unsetenv("PGPASSWORD");
}

TEST_CASE("a child leads a process group of its own") {
  std::string out;
  CHECK(shell("ps -o pgid= -p $$; echo $$", out).ok());
  const std::string group = out.substr(out.find_first_not_of(' '), out.find('\n') - out.find_first_not_of(' '));
  CHECK(out.substr(out.find('\n') + 1) == group + "\n");
}

namespace {

Command in_shell(const std::string& script) {
  return {.program = "/bin/sh", .args = {"-c", script}, .env = {}, .limit = {}};
}

PipeEnd pipe_of(const std::string& first, const std::string& second, std::string& seen, std::string& out) {
  std::signal(SIGPIPE, SIG_IGN);  // as in every tool
  RealProcesses processes;
  return processes.run_pipe(
      in_shell(first), [&](ByteSpan bytes) { seen += as_text(bytes); }, in_shell(second),
      [&](ByteSpan bytes) { out += as_text(bytes); });
}

}  // namespace

TEST_CASE("what one child writes is seen and then read by the other, whole") {
  std::string seen, out;
  const PipeEnd end = pipe_of("head -c 30000000 /dev/zero | tr '\\0' x", "tr x y", seen, out);
  CHECK(end.first.ok());
  CHECK(end.second.ok());
  CHECK_FALSE(end.second_quit);
  CHECK(seen == std::string(30'000'000, 'x'));
  CHECK(out == std::string(30'000'000, 'y'));
}

TEST_CASE("a second child that stops reading ends the first, and is to blame") {
  std::string seen, out;
  const PipeEnd end = pipe_of("while :; do echo line; done", "head -n 1; exit 3", seen, out);
  CHECK(end.second_quit);
  CHECK(end.second.code == 3);
  CHECK(out == "line\n");
}

TEST_CASE("a first child that fails half-way is to blame, whatever the second makes of its half") {
  std::string seen, out;
  const PipeEnd end = pipe_of("echo half; exit 7", "cat", seen, out);
  CHECK(end.first.code == 7);
  CHECK_FALSE(end.second_quit);
  CHECK(end.second.ok());
  CHECK(out == "half\n");
}

TEST_CASE("an exception while the bytes pass stops both children") {
  RealProcesses processes;
  const auto began = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(processes.run_pipe(in_shell("while :; do echo line; done"),
                                       [](ByteSpan) {
                                         throw Error{Failure::storage, "the disk is full"};
                                       },
                                       in_shell("cat"), {}),
                    Catch::Contains("the disk is full"));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{20});
}

TEST_CASE("a child does not inherit what it must not know, nor what was taken away from it") {
  ::setenv("MINIO_SECRET_KEY", "s3cret", 1);
  ::setenv("BELAY_TEST_UNWANTED", "there", 1);
  std::string out;
  RealProcesses processes;
  Command command = in_shell("env");
  command.unset = {"BELAY_TEST_UNWANTED"};
  (void)processes.run(command, {}, [&](ByteSpan bytes) { out += as_text(bytes); });
  CHECK_THAT(out, !Catch::Contains("s3cret") && !Catch::Contains("BELAY_TEST_UNWANTED"));
  ::unsetenv("MINIO_SECRET_KEY");
  ::unsetenv("BELAY_TEST_UNWANTED");
}

TEST_CASE("what a child leaves in the background keeps nobody waiting, once it let go of the child's streams") {
  std::string out;
  const auto began = std::chrono::steady_clock::now();
  CHECK(shell("sleep 3 >/dev/null 2>&1 & echo done", out).ok());
  CHECK(out == "done\n");
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{2});
}

TEST_CASE("what a child leaves in the background with the child's streams is not waited for to its end") {
  std::string out, seen, piped;
  const auto began = std::chrono::steady_clock::now();
  CHECK(shell("sleep 20 & echo done", out).ok());
  CHECK(pipe_of("sleep 20 & echo line", "cat", seen, piped).second.ok());
  CHECK(out == "done\n");
  CHECK(piped == "line\n");
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{15});
}
