#include "common/session_setup.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "common/sql_text.hpp"

namespace belay {

namespace {

using Setting = std::pair<std::string, std::string>;

std::vector<Setting> settings_of(const SessionSettings& settings, int server_version) {
  std::vector<Setting> all;
  // Without it a backend goes on, and commits, seconds after its client was killed.
  if (server_version >= 140000) all.emplace_back("client_connection_check_interval", "1s");
  // `--read-only` asks this of everybody else; belay's own sessions do the work.
  all.emplace_back("default_transaction_read_only", "off");
  all.emplace_back("idle_in_transaction_session_timeout", "0");
  if (server_version >= 140000) all.emplace_back("idle_session_timeout", "0");
  if (server_version >= 170000) all.emplace_back("transaction_timeout", "0");
  if (!settings.keep_timeouts) {
    all.emplace_back("statement_timeout", "0");
    all.emplace_back("lock_timeout", "0");
  }
  if (settings.pinned_text_form) {
    for (const char* pair :
         {"TimeZone=UTC", "DateStyle=ISO, MDY", "IntervalStyle=postgres", "bytea_output=hex", "extra_float_digits=3",
          "row_security=off", "xmloption=content", "quote_all_identifiers=off", "search_path="}) {
      const std::string text = pair;
      all.emplace_back(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
    }
  }
  if (settings.lc_monetary) all.emplace_back("lc_monetary", *settings.lc_monetary);
  return all;
}

/// PGOPTIONS is split at white space; a backslash keeps the next character.
std::string escaped_option(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ' || c == '\\' || c == '\t' || c == '\n') out += '\\';
    out += c;
  }
  return out;
}

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

std::string option_of(const DatabaseUrl& url, const std::string& key) {
  for (const auto& [name, value] : url.parameters) {
    if (name == key) return value;
  }
  return {};
}

}  // namespace

std::string session_setup(const SessionSettings& settings, int server_version) {
  std::string sql;
  for (const auto& [name, value] : settings_of(settings, server_version)) {
    sql += fmt::format("SET {} = {};", name, name == "DateStyle" ? value : quote_literal(value));
  }
  return sql;
}

std::string session_reset(const SessionSettings& settings, int server_version) {
  std::string sql;
  for (const auto& [name, value] : settings_of(settings, server_version)) sql += fmt::format("RESET {};", name);
  return sql;
}

std::string session_options(const SessionSettings& settings, int server_version) {
  std::string text;
  for (const auto& [name, value] : settings_of(settings, server_version)) {
    // pg_dump and pg_restore clear search_path themselves; an empty value cannot be written here.
    if (value.empty()) continue;
    text += fmt::format("{}-c {}={}", text.empty() ? "" : " ", name, escaped_option(value));
  }
  return text;
}

std::string child_conninfo(const DatabaseUrl& url, const std::string& database_name) {
  std::string text;
  for (const auto& [key, value] : url.keywords(database_name)) {
    if (key == "password" || key == "sslpassword" || key == "options" || key == "application_name" ||
        key == "client_encoding")
      continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, quote_conninfo(value));
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> child_connection_environment(const DatabaseUrl& url,
                                                                              const SessionSettings& settings,
                                                                              int server_version) {
  std::vector<std::pair<std::string, std::string>> env;
  // Where the URL is silent libpq's own variables count, for children as for ourselves; child_environment() withholds
  // them otherwise.
  const std::optional<std::string> password = url.password ? url.password : variable("PGPASSWORD");
  if (password) env.emplace_back("PGPASSWORD", *password);
  env.emplace_back("PGAPPNAME", settings.application_name);
  std::string own = option_of(url, "options");
  if (own.empty()) own = variable("PGOPTIONS").value_or("");
  const std::string ours = session_options(settings, server_version);
  env.emplace_back("PGOPTIONS", own.empty() ? ours : own + " " + ours);
  return env;
}

Error connection_error(const DatabaseUrl& url, const std::string& libpq_says) {
  const auto says = [&](const char* text) { return libpq_says.find(text) != std::string::npos; };
  std::string code = "P1001";
  std::string hint =
      "Check that the server runs (docker compose up -d postgres), that host and port are right, and that network, "
      "firewall, "
      "listen_addresses and pg_hba.conf let this host in. The URL's form is "
      "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=public.";
  if (says("password authentication failed") || says("no password supplied") || says("authentication failed")) {
    code = "P1000";
    hint =
        "Check user and password in the URL; characters such as @ : / ? # % in a password are written percent-encoded.";
  } else if (says("does not exist") && says("database \"")) {
    code = "P1003";
    hint = "Create the database first, or correct its name in the URL.";
  } else if (says("permission denied for database") || says("pg_hba.conf")) {
    code = "P1010";
    hint =
        "The server answered, and refuses this user, host or database: look at pg_hba.conf and at the CONNECT "
        "privilege.";
  }
  return Error{Failure::connection, fmt::format("could not connect to {} ({})", url.describe(), code), libpq_says,
               hint};
}

}  // namespace belay
