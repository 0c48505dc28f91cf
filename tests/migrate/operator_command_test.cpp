#include "migrate/operator_command.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/run.hpp"

namespace belay {
namespace {

using Catch::Contains;

std::string value_of(const CommandSetting& setting, const std::string& name) {
  for (const auto& [key, value] : setting.env) {
    if (key == name) return value;
  }
  return "(not set)";
}

TEST_CASE("a URL's parameter is added, replaced, and options are added to those that are there") {
  CHECK(with_url_parameter("postgresql://h/d", "application_name", "belay/1") ==
        "postgresql://h/d?application_name=belay%2F1");
  CHECK(with_url_parameter("postgresql://h/d?", "a", "b") == "postgresql://h/d?a=b");
  CHECK(with_url_parameter("postgresql://h/d?schema=x&application_name=mine&a=1", "application_name", "b") ==
        "postgresql://h/d?schema=x&application_name=b&a=1");
  CHECK(with_url_parameter("postgresql://h/d?my_options=1", "options", "-c a=b") ==
        "postgresql://h/d?my_options=1&options=-c%20a%3Db");
  CHECK(with_url_parameter("postgresql://h/d?options=-c%20x%3Dy&z=1", "options", "-c a=b") ==
        "postgresql://h/d?options=-c%20x%3Dy%20-c%20a%3Db&z=1");
}

TEST_CASE("a command gets the URLs as they were given, and none of their secrets is shown") {
  DatabaseTarget target;
  target.given_database_url = "postgresql://o:p%40ss%20word@pooler/d?schema=app&pgbouncer=true";
  target.given_direct_url = "postgresql://o:other-pw@direct/d?schema=app";
  target.url = parse_database_url(*target.given_direct_url);
  Tool tool;
  tool.name = "migrate-production";
  tool.run = "r1";
  const CommandSetting plain = command_setting(target, tool);
  CHECK(value_of(plain, "DATABASE_URL") == target.given_database_url);
  CHECK(value_of(plain, "DIRECT_URL") == *target.given_direct_url);
  CHECK(value_of(plain, "BELAY_DATABASE") == "d");
  const CommandSetting deploying = deploying_setting(target, tool, "-c default_transaction_read_only=off");
  CHECK(value_of(deploying, "DATABASE_URL") ==
        target.given_database_url +
            "&application_name=belay%2Fr1%2Fcommand&options=-c%20default_transaction_read_only%3Doff");
  for (const std::string& url :
       {value_of(deploying, "DATABASE_URL"), value_of(deploying, "DIRECT_URL"), value_of(plain, "DATABASE_URL")}) {
    const std::string shown =
        masked("could not connect to " + url + " with p%40ss%20word or other-pw", deploying.secrets);
    CHECK_THAT(shown, !Contains("p%40ss") && !Contains("other-pw") && Contains("could not connect to"));
  }
}

TEST_CASE("a password in any URL is masked") {
  CHECK(masked("redis://x:secret@h:1/2 and http://y:p@q@h/", {}) == "redis://x:***@h:1/2 and http://y:***@h/");
  CHECK(masked("http://h:80/a@b https://h", {}) == "http://h:80/a@b https://h");
  CHECK(masked("ab ab", {"ab", ""}) == "ab ab");
}

TEST_CASE("both streams of a command come line by line, in order") {
  Tool tool;
  std::vector<std::string> lines;
  const Exit end = run_operator_command(
      "echo one; echo two >&2; printf 'three is pw-1'; exit 3", {.env = {}, .secrets = {"pw-1"}}, std::nullopt,
      [&](const std::string& line) { lines.push_back(line); }, tool);
  CHECK(end.code == 3);
  CHECK(lines == std::vector<std::string>{"one", "two", "three is ***"});
}

TEST_CASE("what a command started ends soon after belay is gone, however that went") {
  const test::ScratchFolder folder;
  const std::string file = (folder / "alive").string();
  const pid_t belay = ::fork();
  if (belay == 0) {
    Tool tool;
    run_operator_command(
        "while :; do echo x >>" + file + "; sleep 0.05; done; true", {}, std::nullopt, [](const std::string&) {}, tool);
    ::_exit(0);
  }
  while (!std::filesystem::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  ::kill(belay, SIGKILL);
  ::waitpid(belay, nullptr, 0);
  std::string before;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  do {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    before = test::read_text(file);
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
  } while (test::read_text(file) != before);
}

}  // namespace
}  // namespace belay
