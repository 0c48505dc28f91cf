#include "migrate/operator_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace belay {

namespace {

constexpr std::size_t longest_line = 65536;
constexpr std::size_t shortest_secret = 3;  // a shorter one would be found in every other word

/// Runs "$1". Both streams are one, so that lines come in the order in which they were written, and all of them. Dying
/// with belay reaches the first shell only, and what it started would go on changing the database beside `recover`: so
/// a second one watches belay ({0}) and ends the whole group when it is gone. After a SIGTERM whatever did not heed it
/// goes too.
constexpr const char* supervisor =
    "exec 2>&1; (while kill -0 {0}; do sleep 1; done; kill -KILL 0) >/dev/null 2>&1 & watch=$!; stopped=; trap "
    "'stopped=1' TERM; /bin/sh -c \"$1\"; status=$?; [ -z \"$stopped\" ] || kill -KILL 0; kill $watch; exit $status";

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string out;
  for (const char c : text)
    out += unreserved.find(c) == std::string_view::npos ? fmt::format("%{:02X}", static_cast<unsigned char>(c))
                                                        : std::string{c};
  return out;
}

/// What stands between the first colon of the user information and its @, as it is written there.
std::string written_password(const std::string& url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string::npos) return {};
  const std::string_view rest = std::string_view{url}.substr(begin + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return {};
  return std::string{authority.substr(colon + 1, at - colon - 1)};
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  if (what.size() < shortest_secret) return;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// user:password@ in any URL.
void mask_url_passwords(std::string& text) {
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const std::size_t begin = at + 3;
    const std::size_t end = std::min(text.find_first_of("/?# \t\"'", begin), text.size());
    const std::size_t last = text.rfind('@', end);
    const std::size_t colon = text.find(':', begin);
    if (last == std::string::npos || last < begin || colon >= last) continue;
    text.replace(colon + 1, last - colon - 1, "***");
  }
}

/// Whole lines of what comes in pieces.
class WholeLines {
 public:
  WholeLines(const std::vector<std::string>& secrets, const std::function<void(const std::string&)>& line)
      : secrets_(secrets), line_(line) {}
  void take(std::string_view piece) {
    for (const char c : piece) {
      if (c == '\n' || part_.size() >= longest_line) end();
      if (c != '\n' && c != '\r') part_ += c;
    }
  }
  void end() {
    if (!part_.empty()) line_(masked(part_, secrets_));
    part_.clear();
  }

 private:
  const std::vector<std::string>& secrets_;
  const std::function<void(const std::string&)>& line_;
  std::string part_;
};

CommandSetting make_setting(const DatabaseTarget& target, const Tool& tool, const std::string& server_options,
                            const std::string& application_name) {
  CommandSetting setting{
      .env = {{"BELAY_TOOL", tool.name}, {"BELAY_RUN", tool.run}, {"BELAY_DATABASE", target.url.database}},
      .secrets = {}};
  const auto add = [&](const char* name, std::string url) {
    setting.secrets.push_back(url);
    setting.secrets.push_back(written_password(url));
    if (!application_name.empty()) url = with_url_parameter(url, "application_name", application_name);
    if (!server_options.empty()) url = with_url_parameter(url, "options", server_options);
    setting.secrets.push_back(url);
    setting.env.emplace_back(name, url);
  };
  add("DATABASE_URL", target.given_database_url);
  if (target.given_direct_url) add("DIRECT_URL", *target.given_direct_url);
  if (target.url.password) setting.secrets.push_back(*target.url.password);
  // Where the URL has no password, libpq's own variable is where belay has it from as well.
  const char* password = std::getenv("PGPASSWORD");
  if (password != nullptr) {
    setting.env.emplace_back("PGPASSWORD", password);
    setting.secrets.emplace_back(password);
  }
  if (!application_name.empty()) setting.env.emplace_back("PGAPPNAME", application_name);
  return setting;
}

}  // namespace

DatabaseTarget with_database(DatabaseTarget target, const std::string& database) {
  const auto replace = [&](std::string& url) {
    const std::size_t authority = url.find("://");
    if (authority == std::string::npos) return;
    const std::size_t query = std::min(url.find('?', authority + 3), url.size());
    const std::size_t path = std::min(url.find('/', authority + 3), query);
    url = url.substr(0, path) + "/" + percent_encoded(database) + url.substr(query);
  };
  replace(target.given_database_url);
  if (target.given_direct_url) replace(*target.given_direct_url);
  target.url.database = database;
  return target;
}

CommandSetting command_setting(const DatabaseTarget& target, const Tool& tool, const std::string& server_options) {
  return make_setting(target, tool, server_options, {});
}

CommandSetting deploying_setting(const DatabaseTarget& target, const Tool& tool, const std::string& server_options) {
  return make_setting(target, tool, server_options, command_application_name(tool));
}

std::string command_application_name(const Tool& tool) { return tool.session().application_name + "/command"; }

std::string masked(std::string text, const std::vector<std::string>& secrets) {
  std::vector<std::string> longest_first = secrets;
  std::sort(longest_first.begin(), longest_first.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  for (const std::string& secret : longest_first) replace_all(text, secret, "***");
  mask_url_passwords(text);
  return text;
}

std::string with_url_parameter(const std::string& url, const std::string& key, const std::string& value) {
  const std::string encoded = percent_encoded(value);
  const std::size_t query = url.find('?');
  if (query == std::string::npos) return url + "?" + key + "=" + encoded;
  for (std::size_t begin = query + 1; begin < url.size();) {
    const std::size_t end = std::min(url.find('&', begin), url.size());
    if (url.compare(begin, key.size() + 1, key + "=") == 0) {
      const std::string kept = key == "options" ? url.substr(begin, end - begin) + "%20" : key + "=";
      return url.substr(0, begin) + kept + encoded + url.substr(end);
    }
    begin = end + 1;
  }
  const bool open = url.back() == '?' || url.back() == '&';
  return url + (open ? "" : "&") + key + "=" + encoded;
}

Exit run_operator_command(const std::string& command, const CommandSetting& setting,
                          std::optional<std::chrono::milliseconds> limit,
                          const std::function<void(const std::string&)>& line, Tool& tool) {
  const Command shell{.program = "/bin/sh",
                      .args = {"-c", fmt::format(supervisor, ::getpid()), "sh", command},
                      .env = setting.env,
                      .limit = limit};
  WholeLines lines{setting.secrets, line};
  const ByteSink take = [&lines](ByteSpan bytes) { lines.take(as_text(bytes)); };
  const Exit end = tool.processes.run(shell, {}, take);
  lines.end();
  return end;
}

}  // namespace belay
