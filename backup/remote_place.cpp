#include "backup/remote_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/error.hpp"

namespace belay {

bool names_a_secret(std::string_view option) {
  // pass, password2, secret_access_key, client_secret, token, bearer_token, key, account_key, sas_url,
  // service_account_credentials and their like; but not access_key_id or key_file.
  const auto holds = [&](std::string_view part) { return option.find(part) != std::string_view::npos; };
  return holds("pass") || holds("secret") || holds("token") || holds("credentials") || option == "key" ||
         option.ends_with("_key") || option.ends_with("sas_url");
}

namespace {

/// Only ours: with it in front, no rclone.conf can mean another place by the same name.
constexpr std::string_view minio_remote = "belay_minio";
constexpr std::string_view minio_variables = "RCLONE_CONFIG_BELAY_MINIO_";

[[noreturn]] void refuse(const std::string& message, const std::string& detail, const std::string& hint) {
  throw Error{Failure::usage, message, detail, hint};
}

bool is_plain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || std::string_view("_-./:@%+,=").find(c) != std::string_view::npos;
}

/// In `name,option=value,option=value:path`. In doubt (the same text inside a path) true.
bool holds_secret_option(const std::string& remote) {
  for (std::size_t at = remote.find(','); at != std::string::npos; at = remote.find(',', at + 1)) {
    const std::size_t end = remote.find_first_of("=,:", at + 1);
    if (end == std::string::npos || remote[end] != '=') continue;
    if (names_a_secret(std::string_view(remote).substr(at + 1, end - at - 1))) return true;
  }
  return false;
}

std::string trimmed(std::string text, char c) {
  while (!text.empty() && text.back() == c) text.pop_back();
  while (!text.empty() && text.front() == c) text.erase(0, 1);
  return text;
}

bool wants_tls(const EnvironmentLookup& environment) {
  const std::string word = environment("MINIO_USE_SSL").value_or("");
  constexpr std::array yes{"", "true", "1", "yes", "on"};
  constexpr std::array no{"false", "0", "no", "off"};
  if (std::find(yes.begin(), yes.end(), word) != yes.end()) return true;
  if (std::find(no.begin(), no.end(), word) != no.end()) return false;
  refuse("could not use MINIO_USE_SSL", fmt::format("\"{}\" is neither true nor false.", word),
         "MINIO_USE_SSL=false means http, anything but that is left away.");
}

std::string endpoint_url(const std::string& endpoint, const EnvironmentLookup& environment) {
  if (endpoint.find('@') != std::string::npos)
    refuse("could not use MINIO_ENDPOINT", "There is a user or a password in it.",
           "Name host and port only; the keys belong into MINIO_ACCESS_KEY and MINIO_SECRET_KEY.");
  const std::string plain = trimmed(endpoint, '/');
  if (plain.find("://") == std::string::npos) return (wants_tls(environment) ? "https://" : "http://") + plain;
  if (!plain.starts_with("https://") && !plain.starts_with("http://"))
    refuse("could not use MINIO_ENDPOINT", "Its scheme is neither https nor http.",
           "For example minio.example.com:9000.");
  return plain;
}

}  // namespace

std::string shell_word(const std::string& text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string RemotePlace::path_of(const std::string& name) const {
  const bool joined = root.ends_with('/') || root.ends_with(':');
  return root + (joined ? "" : "/") + name;
}

std::string RemotePlace::typed(const std::string& option) const {
  return minio ? "--backup-minio" : option + " " + shell_word(root);
}

RemotePlace rclone_place(const std::string& remote, const std::string& option) {
  if (holds_password(remote) || holds_secret_option(remote))
    refuse(fmt::format("there is a secret in the value of {}", option),
           "It would be seen in the list of processes and stand in the manifest.",
           "Give it to rclone: `rclone config`, or variables RCLONE_CONFIG_NAME_…; then name it as NAME:path.");
  // Without this, a forgotten colon would mean a folder beside the backup itself.
  if (remote.find(':') == std::string::npos)
    refuse(fmt::format("could not use {} {}", option, shell_word(remote)),
           "It has not the form of an rclone place, NAME:path.",
           fmt::format("`rclone listremotes` shows the names; a folder of this machine is :local:{}.",
                       remote.starts_with('/') ? remote : "/path"));
  return {.root = remote, .shown = remote, .minio = false, .env = {}, .secrets = {}};
}

RemotePlace minio_place(const EnvironmentLookup& environment) {
  std::string missing;
  const auto needed = [&](const std::string& name) {
    const std::string value = environment(name).value_or("");
    if (value.empty()) missing += (missing.empty() ? "" : ", ") + name;
    return value;
  };
  const std::string endpoint = needed("MINIO_ENDPOINT"), access_key = needed("MINIO_ACCESS_KEY"),
                    secret_key = needed("MINIO_SECRET_KEY"), bucket = trimmed(needed("MINIO_BUCKET"), '/');
  if (!missing.empty())
    refuse("--backup-minio needs variables that are not set", "Missing: " + missing + ".",
           "Set them in the environment of backup-db.");
  if (bucket.empty()) refuse("could not use MINIO_BUCKET", "There is no name in it.", "Name a bucket.");
  const std::string url = endpoint_url(endpoint, environment);
  RemotePlace place{.root = fmt::format("{}:{}", minio_remote, bucket),
                    .shown = "minio:" + url + "/" + bucket,
                    .minio = true,
                    // No rclone.conf: what is in it, or that it wants a password, does not matter here.
                    .env = {{"RCLONE_CONFIG", "/dev/null"}},
                    .secrets = {secret_key, access_key}};
  const auto set = [&](std::string_view option, const std::string& value) {
    place.env.emplace_back(fmt::format("{}{}", minio_variables, option), value);
  };
  set("TYPE", "s3");
  set("PROVIDER", "Minio");
  set("ENV_AUTH", "false");
  set("ENDPOINT", url);
  set("ACCESS_KEY_ID", access_key);
  set("SECRET_ACCESS_KEY", secret_key);
  if (const std::string region = environment("MINIO_REGION").value_or(""); !region.empty()) set("REGION", region);
  return place;
}

}  // namespace belay
