#include "backup/rclone.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr int no_such_folder = 3;  // rclone's exit status
constexpr std::size_t longest_words = 600, kept_words = 8192;

/// Of the user's own environment: what would send a child's words elsewhere, or make it do something else than asked.
/// AWS_CA_BUNDLE: rclone 1.60 ends at once where it is set.
const std::vector<std::string>& unwanted_variables() {
  static const std::vector<std::string> names{
      "AWS_CA_BUNDLE",       "RCLONE_LOG_FILE",    "RCLONE_LOG_FORMAT",   "RCLONE_LOG_LEVEL",
      "RCLONE_USE_JSON_LOG", "RCLONE_LOG_SYSTEMD", "RCLONE_SYSLOG",       "RCLONE_VERBOSE",
      "RCLONE_QUIET",        "RCLONE_PROGRESS",    "RCLONE_STATS",        "RCLONE_STATS_ONE_LINE",
      "RCLONE_DUMP",         "RCLONE_DUMP_BODIES", "RCLONE_DUMP_HEADERS", "RCLONE_DRY_RUN",
      "RCLONE_INTERACTIVE",  "RCLONE_INCLUDE",     "RCLONE_INCLUDE_FROM", "RCLONE_EXCLUDE",
      "RCLONE_EXCLUDE_FROM", "RCLONE_FILTER",      "RCLONE_FILTER_FROM",  "RCLONE_FILES_FROM",
      "RCLONE_MAX_SIZE",     "RCLONE_MIN_SIZE",    "RCLONE_MAX_AGE",      "RCLONE_MIN_AGE",
      "RCLONE_MAX_TRANSFER", "RCLONE_MAX_DURATION"};
  return names;
}

fs::path find_program() {
  const char* variable = std::getenv("PATH");
  const std::string path = variable == nullptr ? "" : variable;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const fs::path program = fs::path{path.substr(at, end - at)} / "rclone";
    if (end > at && ::access(program.c_str(), X_OK) == 0 && fs::is_regular_file(program)) return fs::absolute(program);
    at = end + 1;
  }
  throw Error{Failure::refused, "there is no rclone on PATH", "Backups are copied to and from other places by it.",
              "Install the package rclone, or leave the off-site options away."};
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// scheme://user:password@host: the part before the @ goes.
void hide_user_info(std::string& text) {
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const std::size_t end = std::min(text.find_first_of("/?# \"'", at + 3), text.size());
    const std::size_t sign = text.rfind('@', end);
    if (sign != std::string::npos && sign > at + 3 && sign < end) text.replace(at + 3, sign - at - 3, "…");
  }
}

std::string on_one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// Values of RCLONE_… variables that hold a secret. Short ones are none, and would blacken innocent words.
std::vector<std::string> secrets_in_environment() {
  constexpr std::size_t shortest = 6;
  std::vector<std::string> secrets;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = std::min(text.find('='), text.size());
    std::string name{text.substr(0, equals)};
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!name.starts_with("rclone_") || !names_a_secret(name) || text.size() < equals + 1 + shortest) continue;
    secrets.emplace_back(text.substr(equals + 1));
  }
  return secrets;
}

/// The user's own value wins.
void set_default(Command& command, const std::string& name, const std::string& value) {
  if (std::getenv(name.c_str()) == nullptr) command.env.emplace_back(name, value);
}

}  // namespace

std::vector<RemoteFile> parse_listing(const std::string& json) {
  std::vector<RemoteFile> files;
  try {
    for (const nlohmann::json& entry : nlohmann::json::parse(json)) {
      if (entry.at("IsDir").get<bool>()) continue;
      const std::int64_t size = entry.at("Size");
      files.push_back({entry.at("Name"), size < 0 ? std::nullopt : std::optional<Bytes>(static_cast<Bytes>(size))});
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error{Failure::storage, "could not understand rclone's listing", error.what()};
  }
  return files;
}

std::string failure_words(const std::string& said, const std::vector<std::string>& secrets) {
  // Its last line of many repeats the first cause: "Failed to lsjson with 2 errors: last error was: …".
  constexpr std::string_view begins = "Failed to ", again = "last error was: ";
  std::string words = said;
  if (const std::size_t at = words.rfind(begins); at != std::string::npos) {
    const std::size_t colon = words.find(": ", at);
    if (colon != std::string::npos) words = words.substr(colon + 2);
    if (words.starts_with(again)) words = words.substr(again.size());
  }
  for (const std::string& secret : secrets) replace_all(words, secret, "…");
  hide_user_info(words);
  words = on_one_line(words);
  if (words.size() > longest_words) words = words.substr(words.size() - longest_words);
  return words;
}

void RcloneLog::take(ByteSpan bytes) {
  unfinished_ += as_text(bytes);
  for (std::size_t end = unfinished_.find('\n'); end != std::string::npos; end = unfinished_.find('\n')) {
    take_line(unfinished_.substr(0, end));
    unfinished_.erase(0, end + 1);
  }
}

void RcloneLog::take_line(const std::string& line) {
  const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
  if (!entry.is_object()) {  // its last words come as text
    failures_ += line + "\n";
    return;
  }
  if (entry.value("level", "") == "error") failures_ += entry.value("msg", "") + "\n";
  if (failures_.size() > kept_words) failures_.erase(0, failures_.size() - kept_words);
  const auto stats = entry.find("stats");
  if (stats != entry.end() && stats->is_object() && gone_) gone_(stats->value("bytes", Bytes{0}));
}

StallWatch::StallWatch(Bytes size, Time now) : since_(now) {
  constexpr Bytes read_per_second = Bytes{50} * 1024 * 1024;
  patience_ = std::chrono::minutes{10} + std::chrono::seconds{static_cast<std::int64_t>(size / read_per_second)};
}

bool StallWatch::stalled(Bytes gone, Time now) {
  if (gone != gone_) since_ = now;
  gone_ = gone;
  return now - since_ > patience_;
}

std::string RcloneLog::failures() {
  if (!unfinished_.empty()) take_line(std::exchange(unfinished_, {}));
  return failures_;
}

Rclone::Rclone(RemotePlace place, ProcessRunner& processes)
    : place_(std::move(place)), processes_(processes), program_(find_program()) {
  for (std::string& secret : secrets_in_environment()) place_.secrets.push_back(std::move(secret));
  ask_version();
}

void Rclone::ask_version() {
  const auto refuse = [&](const std::string& how, const std::string& why) {
    throw Error{Failure::refused, fmt::format("\"{}\" does not work{}", program_.string(), how), why,
                "Install the package rclone."};
  };
  Said said;
  try {
    said = run({"version"}, Patience::check);
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    refuse("", error.detail);
  }
  if (!said.exit.ok() || !said.out.starts_with("rclone v"))
    refuse(" (" + said.exit.how() + ")", failure_words(said.err, place_.secrets));
  version_ = said.out.substr(0, said.out.find('\n'));
}

Command Rclone::command(std::vector<std::string> args, Patience patience) const {
  Command command{
      .program = program_, .args = std::move(args), .env = place_.env, .limit = {}, .unset = unwanted_variables()};
  command.env.emplace_back("RCLONE_ASK_PASSWORD", "false");  // nobody could answer
  // rclone itself would wait five minutes for a peer that says nothing, and that again for every retry. The small
  // retries count twice, in rclone and in its S3 library: 10 of them go on for half a minute while nobody answers.
  const bool uploads = patience == Patience::upload, long_lasting = uploads || patience == Patience::read;
  set_default(command, "RCLONE_CONTIMEOUT", "15s");
  set_default(command, "RCLONE_TIMEOUT", long_lasting ? "60s" : "20s");
  set_default(command, "RCLONE_LOW_LEVEL_RETRIES", uploads ? "10" : long_lasting ? "5" : "3");
  set_default(command, "RCLONE_RETRIES", uploads ? "2" : "1");
  if (patience == Patience::check) command.limit = std::chrono::minutes{2};
  if (patience == Patience::clean_up) command.limit = std::chrono::seconds{30};
  return command;
}

/// A child that cannot be started or does not end in time is the place's fault as any other.
Exit Rclone::start(const Command& command, const ByteSink& out) {
  try {
    return processes_.run(command, {}, out);
  } catch (const Error& error) {
    if (error.kind != Failure::failed) throw;
    throw Error{Failure::storage, fmt::format("could not get an answer from {}", place_.shown),
                error.message + ": " + error.detail};
  }
}

Rclone::Said Rclone::run(std::vector<std::string> args, Patience patience) {
  Said said;
  said.exit = start(command(std::move(args), patience), [&](ByteSpan bytes) { said.out += as_text(bytes); });
  said.err = said.exit.err;
  return said;
}

void Rclone::run_or_throw(const std::string& verb, std::vector<std::string> args, Patience patience) {
  const Said said = run(std::move(args), patience);
  if (!said.exit.ok()) fail(verb, said.exit, said.err);
}

void Rclone::fail(const std::string& what, const Exit& exit, const std::string& said) const {
  throw Error{Failure::storage, fmt::format("could not {}", what),
              fmt::format("rclone ended with {}: {}", exit.how(), failure_words(said, place_.secrets))};
}

std::optional<std::vector<RemoteFile>> Rclone::list(Patience patience) {
  // Times and types would cost a request for each object.
  const Said said = run({"lsjson", "--files-only", "--no-modtime", "--no-mimetype", "--", place_.root}, patience);
  if (said.exit.signal == 0 && said.exit.code == no_such_folder) return std::nullopt;
  if (!said.exit.ok()) fail(fmt::format("look into {}", place_.shown), said.exit, said.err);
  return parse_listing(said.out);
}

void Rclone::make_folder() {
  run_or_throw(fmt::format("make {}", place_.shown), {"mkdir", "--", place_.root}, Patience::check);
}

bool Rclone::can_rename() {
  if (can_rename_) return *can_rename_;
  const Said said = run({"backend", "features", "--", place_.root}, Patience::check);
  if (!said.exit.ok()) fail(fmt::format("ask what {} can do", place_.shown), said.exit, said.err);
  const nlohmann::json features = nlohmann::json::parse(said.out, nullptr, false);
  can_rename_ = features.is_object() && features.value("/Features/Move"_json_pointer, false);
  return *can_rename_;
}

void Rclone::upload(const fs::path& file, const std::string& name, const TransferSink& gone) {
  // copyto, not rcat: it can begin anew, compares size and MD5 itself, and tells an object store the size beforehand.
  // Its log is taken as JSON from its standard output, which copyto does not use: that is where the progress comes
  // from.
  StallWatch watch{fs::file_size(file), std::chrono::steady_clock::now()};
  RcloneLog log{[&](Bytes bytes) {
    if (gone) gone(bytes);
    if (watch.stalled(bytes, std::chrono::steady_clock::now()))
      throw Error{Failure::storage, fmt::format("nothing goes to {} any more", place_.shown),
                  fmt::format("{} of \"{}\" had gone.", human_size(bytes), file.filename().string())};
  }};
  Command upload = command({"copyto", "--ignore-times", "--log-file=/dev/stdout", "--use-json-log", "--stats=1s",
                            "--stats-log-level=NOTICE", "--", fs::absolute(file).string(), place_.path_of(name)},
                           Patience::upload);
  // Its own bucket check needs the right to make buckets; whether it is there has been looked at.
  if (place_.minio) upload.env.emplace_back("RCLONE_CONFIG_BELAY_MINIO_NO_CHECK_BUCKET", "true");
  const Exit exit = start(upload, [&](ByteSpan bytes) { log.take(bytes); });
  if (exit.ok()) return;
  const std::string said = log.failures();
  fail(fmt::format("copy \"{}\" to {}", file.filename().string(), place_.shown), exit, said.empty() ? exit.err : said);
}

void Rclone::rename(const std::string& from, const std::string& to) {
  run_or_throw(fmt::format("rename \"{}\" in {}", from, place_.shown),
               {"moveto", "--", place_.path_of(from), place_.path_of(to)}, Patience::check);
}

void Rclone::read(const std::string& name, const ByteSink& sink) {
  const Exit exit = start(command({"cat", "--", place_.path_of(name)}, Patience::read), sink);
  if (!exit.ok()) fail(fmt::format("read \"{}\" from {}", name, place_.shown), exit, exit.err);
}

void Rclone::download_manifests(const fs::path& folder) {
  run_or_throw(fmt::format("read the manifests in {}", place_.shown),
               {"copy", "--max-depth=1", "--max-size=256M", "--include=/*.manifest.json", "--", place_.root,
                fs::absolute(folder).string()},
               Patience::read);
}

void Rclone::remove(const std::string& name) {
  run_or_throw(fmt::format("remove \"{}\" from {}", name, place_.shown), {"deletefile", "--", place_.path_of(name)},
               Patience::clean_up);
}

}  // namespace belay
