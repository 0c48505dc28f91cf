#include "migrate/health.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include <memory>
#include <thread>

#include "common/error.hpp"
#include "common/interrupt.hpp"

namespace belay {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int default_retries = 5;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using ParsedUrl = std::unique_ptr<CURLU, UrlDeleter>;

milliseconds length(const std::optional<std::string>& given, const char* otherwise) {
  return parse_duration(given.value_or(otherwise)).value();
}

/// Null if it is no URL.
ParsedUrl parsed(const std::string& text) {
  ParsedUrl url{curl_url()};
  const bool good = url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  return good ? std::move(url) : nullptr;
}

/// Empty if it has none.
std::string part(const ParsedUrl& url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owned{text, &curl_free};
  return text;
}

std::size_t ignore_body(char* /*data*/, std::size_t size, std::size_t count, void* /*nothing*/) { return size * count; }

int stop_if_interrupted(void* /*nothing*/, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return interrupted() ? 1 : 0;
}

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw Error{Failure::bug, "could not start libcurl", curl_easy_strerror(started)};
}

/// A new connection each time: what answers on an old one may be a process that is being replaced.
void prepare(CURL* easy, const std::string& url, milliseconds limit, char* message) {
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit.count()));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stop_if_interrupted);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "belay/" BELAY_VERSION);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message);
}

/// In pieces, so that an interruption is not kept waiting.
void pause_for(milliseconds time) {
  const steady_clock::time_point until = steady_clock::now() + time;
  while (steady_clock::now() < until) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::min<steady_clock::duration>(until - steady_clock::now(), milliseconds{100}));
  }
  throw_if_interrupted();
}

std::string took(steady_clock::time_point since) {
  return human_duration(std::chrono::duration_cast<Duration>(steady_clock::now() - since));
}

void check_length(const std::optional<std::string>& given, const char* option) {
  if (!given || parse_duration(*given).value_or(milliseconds{1}) > milliseconds::zero()) return;
  throw Error{Failure::usage, fmt::format("{} has to be longer than 0", option)};
}

}  // namespace

void add_health_options(OptionSet& set, HealthOptions& options) {
  set.text("--health-check", options.url, "URL",
           "has to answer well before the run, and after the deploy; else it is put back");
  set.text("--health-command", options.command, "COMMAND",
           "has to succeed before the run, and after the deploy; else it is put back");
  set.number("--health-status", options.status, 100, 599, "--health-check: the one good status [any of 200 to 299]");
  set.number("--health-retries", options.retries, 0, 10000, "further tries after a bad one [5]");
  set.duration("--health-interval", options.interval, "pause between two tries [2s]");
  set.duration("--health-timeout", options.timeout, "how long one try may take [10s]");
  set.duration("--watch", options.watch, "after the deploy: how long the health check must stay good");
}

void check_health_options(const HealthOptions& options) {
  if (!options.any() && (options.status || options.retries || options.interval || options.timeout || options.watch)) {
    throw Error{Failure::usage,
                "there is no health check that the --health-… options could be for",
                {},
                "Give --health-check URL or --health-command COMMAND."};
  }
  if (options.status && !options.url)
    throw Error{
        Failure::usage, "--health-status needs --health-check URL", {}, "A command is judged by its own status."};
  check_length(options.timeout, "--health-timeout");
  if (!options.url) return;
  const ParsedUrl url = parsed(*options.url);
  const std::string scheme = url ? part(url, CURLUPART_SCHEME) : "";
  if (scheme != "http" && scheme != "https") {
    throw Error{Failure::usage,
                "--health-check is no URL that begins with http:// or https://",
                {},
                "Write it as http://127.0.0.1:3000/health."};
  }
  if (part(url, CURLUPART_PASSWORD).empty()) return;
  throw Error{Failure::usage,
              "--health-check holds a password",
              {},
              "Leave it out; where one is needed let --health-command ask, with the password in its environment."};
}

std::string shown_health_url(const std::string& text) {
  const ParsedUrl url = parsed(text);
  if (!url) return "a URL that cannot be read";
  const bool with_query = !part(url, CURLUPART_QUERY).empty();
  for (const CURLUPart hidden : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT})
    curl_url_set(url.get(), hidden, nullptr, 0);
  return part(url, CURLUPART_URL) + (with_query ? "?…" : "");
}

HealthCheck::HealthCheck(HealthOptions options, CommandSetting setting, Tool& tool)
    : options_(std::move(options)), setting_(std::move(setting)), tool_(tool) {}

std::optional<std::string> HealthCheck::try_url() const {
  start_curl();
  const std::unique_ptr<CURL, EasyDeleter> easy{curl_easy_init()};
  std::string message(CURL_ERROR_SIZE, '\0');
  prepare(easy.get(), *options_.url, length(options_.timeout, "10s"), message.data());
  const CURLcode code = curl_easy_perform(easy.get());
  throw_if_interrupted();
  const std::string shown = shown_health_url(*options_.url);
  if (code != CURLE_OK) {
    const std::string said = message.c_str();
    return fmt::format("{}: {}", shown, said.empty() ? curl_easy_strerror(code) : said);
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (options_.status ? status == *options_.status : status >= 200 && status < 300) return std::nullopt;
  return fmt::format("{}: status {}, expected {}", shown, status,
                     options_.status ? std::to_string(*options_.status) : "200 to 299");
}

std::optional<std::string> HealthCheck::try_command() {
  constexpr std::size_t most = 3;  // psql's error stands first, a stack trace's last
  std::vector<std::string> last;
  const auto keep = [&last](const std::string& line) {
    const bool says_something =
        std::any_of(line.begin(), line.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
    if (says_something) last.push_back(line.substr(line.find_first_not_of(" \t")));
    if (last.size() > most) last.erase(last.begin());
  };
  const std::string shown = masked(*options_.command, setting_.secrets);
  try {
    const Exit end = run_operator_command(*options_.command, setting_, length(options_.timeout, "10s"), keep, tool_);
    if (end.ok()) return std::nullopt;
    return fmt::format("`{}` ended with {}{}", shown, end.how(),
                       last.empty() ? "" : fmt::format(": {}", fmt::join(last, " / ")));
  } catch (const Error& error) {
    if (error.kind != Failure::failed) throw;
    return fmt::format("`{}`: {} {}", shown, error.message, error.detail);
  }
}

std::optional<std::string> HealthCheck::try_once() {
  if (options_.url) {
    if (std::optional<std::string> bad = try_url()) return bad;
  }
  return options_.command ? try_command() : std::nullopt;
}

std::optional<std::string> HealthCheck::failure() {
  if (!options_.any()) return std::nullopt;
  const int tries = options_.retries.value_or(default_retries) + 1;
  const steady_clock::time_point began = steady_clock::now();
  for (int n = 1;; ++n) {
    const std::optional<std::string> bad = try_once();
    if (!bad) return std::nullopt;
    if (n == tries) return fmt::format("{} ({} {}, {})", *bad, tries, tries == 1 ? "try" : "tries", took(began));
    tool_.out.note(fmt::format("Health check, try {} of {}: {}", n, tries, *bad));
    pause_for(length(options_.interval, "2s"));
  }
}

std::optional<std::string> HealthCheck::failure_while_watched() {
  if (!options_.any() || !options_.watch) return std::nullopt;
  const steady_clock::time_point began = steady_clock::now();
  const steady_clock::time_point until = began + length(options_.watch, "0s");
  while (steady_clock::now() < until) {
    const milliseconds left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    pause_for(std::min(length(options_.interval, "2s"), left));
    if (const std::optional<std::string> bad = failure()) return fmt::format("after {}: {}", took(began), *bad);
  }
  return std::nullopt;
}

}  // namespace belay
