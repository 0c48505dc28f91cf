#include "common/database_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/output.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

bool is_socket(const std::string& host) { return host.starts_with('/') || host.starts_with('@'); }

/// What libpq will use where the URL names no port.
std::string default_port() {
  const char* port = std::getenv("PGPORT");
  return port != nullptr && *port != '\0' ? port : "5432";
}

std::string percent_encode(const std::string& text) {
  static constexpr std::string_view unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string encoded_host(const std::string& name) {
  return name.find(':') == std::string::npos ? percent_encode(name) : '[' + name + ']';
}

/// `a:1,b:2` for a URL's authority. A socket's folder cannot stand there: "localhost" keeps its place, the folder goes
/// into host=.
std::string authority_hosts(const std::vector<DatabaseUrl::Host>& hosts) {
  if (hosts.empty()) return "localhost";
  std::string out;
  for (const DatabaseUrl::Host& host : hosts) {
    if (!out.empty()) out += ',';
    out += is_socket(host.name) ? "localhost" : encoded_host(host.name);
    if (host.port) out += ':' + *host.port;
  }
  return out;
}

std::string joined_names(const std::vector<DatabaseUrl::Host>& hosts) {
  std::string out;
  for (const DatabaseUrl::Host& host : hosts) out += (out.empty() ? "" : ",") + host.name;
  return out.empty() ? "localhost" : out;
}

/// One port per host, empty = libpq's default; none at all if no host has one.
std::string joined_ports(const std::vector<DatabaseUrl::Host>& hosts) {
  std::string out;
  bool any = false;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (i > 0) out += ',';
    out += hosts[i].port.value_or("");
    any = any || hosts[i].port;
  }
  return any ? out : "";
}

std::string described_host(const DatabaseUrl::Host& host) {
  const std::string port = host.port.value_or(default_port());
  if (is_socket(host.name)) return fmt::format("socket {} port {}", host.name, port);
  return host.name.find(':') == std::string::npos ? host.name + ':' + port : fmt::format("[{}]:{}", host.name, port);
}

std::string described_hosts(const std::vector<DatabaseUrl::Host>& hosts) {
  if (hosts.empty()) return "localhost:" + default_port();
  std::string out;
  for (const DatabaseUrl::Host& host : hosts) out += (out.empty() ? "" : ", ") + described_host(host);
  return out;
}

}  // namespace

std::string DatabaseUrl::describe() const {
  std::string out = fmt::format("database \"{}\" at {}", database, described_hosts(hosts));
  if (user) out += fmt::format(" as user \"{}\"", *user);
  return printable(out);
}

std::string DatabaseUrl::without_password() const {
  std::string out = "postgresql://";
  if (user) out += percent_encode(*user) + '@';
  out += authority_hosts(hosts) + '/' + percent_encode(database);

  std::vector<std::pair<std::string, std::string>> query;
  if (schema) query.emplace_back("schema", *schema);
  if (std::any_of(hosts.begin(), hosts.end(), [](const Host& host) { return is_socket(host.name); })) {
    query.emplace_back("host", joined_names(hosts));
  }
  if (pgbouncer) query.emplace_back("pgbouncer", "true");
  query.insert(query.end(), parameters.begin(), parameters.end());

  char separator = '?';
  for (const auto& [key, value] : query) {
    out += separator + key + '=' + percent_encode(value);
    separator = '&';
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> DatabaseUrl::keywords(const std::string& database_name) const {
  std::vector<std::pair<std::string, std::string>> out{{"host", joined_names(hosts)}};
  if (std::string ports = joined_ports(hosts); !ports.empty()) out.emplace_back("port", std::move(ports));
  if (user) out.emplace_back("user", *user);
  if (password) out.emplace_back("password", *password);
  out.emplace_back("dbname", database_name);
  out.insert(out.end(), parameters.begin(), parameters.end());
  return out;
}

std::string DatabaseUrl::conninfo_without_password(const std::string& database_name) const {
  std::string out;
  for (const auto& [key, value] : keywords(database_name)) {
    if (key == "password" || key == "sslpassword" || key == "options") continue;
    if (!out.empty()) out += ' ';
    out += key + '=' + quote_conninfo(value);
  }
  return out;
}

DatabaseUrl DatabaseUrl::with_database(const std::string& name) const {
  DatabaseUrl other = *this;
  other.database = name;
  return other;
}

}  // namespace belay
