#include "migrate/health.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "common/interrupt.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/run.hpp"

namespace belay {
namespace {

using Catch::Contains;
using test::HttpServer;

Tool quiet_tool() {
  Tool tool;
  tool.name = "migrate-production";
  tool.run = "test";
  tool.out.configure({.quiet = true}, tool.name);
  return tool;
}

/// With three tries, 10 ms apart. None = good.
std::string failure_of(HealthOptions options, const CommandSetting& setting = {}) {
  options.retries = options.retries.value_or(2);
  options.interval = "10ms";
  check_health_options(options);
  Tool tool = quiet_tool();
  return HealthCheck{options, setting, tool}.failure().value_or("good");
}

HealthOptions of_url(const std::string& url) {
  HealthOptions options;
  options.url = url;
  options.timeout = "300ms";
  return options;
}

HealthOptions of_command(const std::string& command) {
  HealthOptions options;
  options.command = command;
  options.timeout = "300ms";
  return options;
}

TEST_CASE("a health check that answers 2xx is good at once, and no other status is") {
  for (const int status : {200, 204, 299, 301, 404, 500, 503}) {
    CAPTURE(status);
    const HttpServer server{[status](int) { return HttpServer::response(status, "Location: /elsewhere\r\n"); }};
    const std::string found = failure_of(of_url(server.url()));
    if (status < 300) {
      CHECK(found == "good");
      CHECK(server.requests() == 1);
    } else {
      CHECK_THAT(found, Contains(server.url() + ": status " + std::to_string(status) + ", expected 200 to 299") &&
                            Contains("3 tries"));
      CHECK(server.requests() == 3);
    }
  }
}

TEST_CASE("a status that was asked for is the only good one") {
  for (const int status : {200, 301, 401}) {
    const HttpServer server{[status](int) { return HttpServer::response(status); }};
    HealthOptions options = of_url(server.url());
    options.status = 401;
    CHECK((failure_of(options) == "good") == (status == 401));
  }
}

TEST_CASE("an application that needs a moment is tried again, as often as was said") {
  const HttpServer server{[](int n) { return HttpServer::response(n < 3 ? 503 : 200); }};
  CHECK(failure_of(of_url(server.url())) == "good");
  CHECK(server.requests() == 3);
  const HttpServer later{[](int n) { return HttpServer::response(n < 4 ? 503 : 200); }};
  CHECK_THAT(failure_of(of_url(later.url())), Contains("status 503"));
  HealthOptions once = of_url(later.url());
  once.retries = 0;
  CHECK(failure_of(once) == "good");
}

TEST_CASE("a server that takes the connection and says nothing fails by the time limit") {
  const HttpServer server{[](int) { return std::string{}; }};
  HealthOptions options = of_url(server.url());
  options.retries = 0;
  const auto began = std::chrono::steady_clock::now();
  CHECK_THAT(failure_of(options), Contains("timed out") && Contains("1 try"));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{5});
}

TEST_CASE("an answer that is no HTTP, or ends in the middle, is no good one") {
  for (const char* answer : {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"}) {
    const HttpServer server{[answer](int) { return std::string{answer}; }};
    CHECK(failure_of(of_url(server.url())) != "good");
  }
}

TEST_CASE("a refused connection is told with the URL, without its user and query") {
  const int unused = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(unused, reinterpret_cast<sockaddr*>(&address), size) == 0);  // taken, and nobody listens
  REQUIRE(::getsockname(unused, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string place = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const std::string found = failure_of(of_url("http://someone@" + place + "/up?token=abc"));
  CHECK_THAT(found, Contains("http://" + place + "/up?…: ") && Contains("3 tries"));
  CHECK_THAT(found, !Contains("someone") && !Contains("abc"));
  ::close(unused);
}

TEST_CASE("what cannot be a health check is refused before anything is done") {
  struct Case {
    std::string url, why;
  };
  for (const Case& c : {Case{"file:///etc/passwd", "http://"}, Case{"ftp://host/x", "http://"},
                        Case{"nonsense", "http://"}, Case{"http://user:secret@host/x", "holds a password"}}) {
    HealthOptions options = of_url(c.url);
    try {
      check_health_options(options);
      FAIL(c.url);
    } catch (const Error& error) {
      CHECK(error.kind == Failure::usage);
      CHECK_THAT(error.message, Contains(c.why));
      CHECK_THAT(error.message + error.detail + error.hint, !Contains("secret"));
    }
  }
  HealthOptions alone;
  alone.retries = 3;
  CHECK_THROWS_AS(check_health_options(alone), Error);
  HealthOptions status = of_command("true");
  status.status = 200;
  CHECK_THROWS_AS(check_health_options(status), Error);
  HealthOptions endless = of_command("true");
  endless.timeout = "0";
  CHECK_THROWS_AS(check_health_options(endless), Error);
}

TEST_CASE("a health command is judged by its status, with the last lines it printed, and gets the URL") {
  const CommandSetting setting{.env = {{"DATABASE_URL", "postgresql://o:pw123@h/d"}},
                               .secrets = {"postgresql://o:pw123@h/d", "pw123"}};
  CHECK(failure_of(of_command("[ \"$DATABASE_URL\" = postgresql://o:pw123@h/d ]"), setting) == "good");
  const std::string found = failure_of(of_command("echo first; echo \"no $DATABASE_URL, pw123\" >&2; exit 7"), setting);
  CHECK_THAT(found, Contains("ended with status 7: first / no ***, ***") && Contains("3 tries"));
  CHECK_THAT(found, !Contains("pw123"));
}

TEST_CASE("a health command that hangs is stopped with all that it started, even if it does not heed SIGTERM") {
  const test::ScratchFolder folder;
  const std::string file = (folder / "alive").string();
  for (const std::string& command :
       {std::string{"sleep 60"}, "trap '' TERM; while :; do echo x >>" + file + "; sleep 0.05; done"}) {
    HealthOptions options = of_command(command);
    options.retries = 0;
    const auto began = std::chrono::steady_clock::now();
    CHECK_THAT(failure_of(options), Contains("did not end in time"));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{15});
  }
  const std::string written = test::read_text(file);
  std::this_thread::sleep_for(std::chrono::milliseconds{200});
  CHECK(test::read_text(file) == written);
}

TEST_CASE("a watched health check has to stay good to the end") {
  Tool tool = quiet_tool();
  HealthOptions options;
  options.interval = "20ms";
  options.watch = "200ms";
  options.retries = 0;
  const HttpServer good{[](int) { return HttpServer::response(200); }};
  options.url = good.url();
  CHECK_FALSE(HealthCheck(options, {}, tool).failure_while_watched());
  CHECK(good.requests() > 2);
  const HttpServer dies{[](int n) { return HttpServer::response(n < 3 ? 200 : 500); }};
  options.url = dies.url();
  CHECK_THAT(HealthCheck(options, {}, tool).failure_while_watched().value_or("good"), Contains("status 500"));
}

}  // namespace
}  // namespace belay
