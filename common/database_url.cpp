// Reading a connection URL. Whoever pastes one with a raw / ? # or @ in the password sees it fall apart in odd places:
// part of the password may end up as port, database or parameter name. So no message here repeats any of the text, and
// a raw @ behind the authority is always refused.
#include "common/database_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "common/ascii.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr const char* form_hint =
    "The form is postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=public; in user and password, characters like "
    "@ : / ? # % are written percent-encoded (@ is %40).";

[[noreturn]] void fail(const std::string& reason, const std::string& hint = form_hint) {
  throw Error{Failure::usage, "could not read the database URL", reason, hint};
}

/// A % that begins no code stands for itself, as in every WHATWG parser (and so in Prisma's).
std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos) fail("It holds %00, a byte that PostgreSQL cannot take.");
  return out;
}

std::string form_decode(std::string_view text) {
  std::string spaced{text};
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// ---- the pieces of the text

struct Pieces {
  std::string_view userinfo, hosts, path, query;
  bool has_userinfo = false;
};

std::string_view without_scheme(std::string_view text) {
  if (text.empty()) fail("It is empty.");
  if (one_of(text.substr(0, 1), {"\"", "'", "`"})) {
    fail("It begins with a quote.", "Remove the quotes: this source passes them on as part of the value.");
  }
  const std::size_t end = text.find("://");
  const std::string scheme =
      end == std::string_view::npos ? lower(text.substr(0, text.find(':'))) : lower(text.substr(0, end));
  if (one_of(scheme, {"prisma", "prisma+postgres"})) {
    fail("It names a hosted proxy (" + scheme + "://), not a server.",
         "Use the direct postgresql:// URL of the database behind it.");
  }
  if (one_of(scheme, {"mysql", "mariadb", "sqlserver", "mongodb", "mongodb+srv", "sqlite", "file", "cockroachdb"})) {
    fail("It is for " + scheme + ", and belay works on PostgreSQL only.");
  }
  if (end == std::string_view::npos || !one_of(scheme, {"postgres", "postgresql"})) {
    fail("It does not begin with postgresql:// or postgres://.");
  }
  return text.substr(end + 3);
}

Pieces split(std::string_view text) {
  const std::string_view rest = without_scheme(text);
  const bool control =
      std::any_of(rest.begin(), rest.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) fail("It holds a line break or another control character.");
  if (rest.find('#') != std::string_view::npos)
    fail("It holds a raw #, which ends a URL.", std::string("Write # as %23. ") + form_hint);

  Pieces pieces;
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  const std::string_view tail = rest.substr(authority_end);
  if (tail.find('@') != std::string_view::npos) {
    fail("A raw @ follows the first / or ?, so it is unclear where the password ends.",
         "In a user, password, database or parameter write / as %2F, ? as %3F and @ as %40.");
  }
  const std::size_t at = authority.rfind('@');
  pieces.has_userinfo = at != std::string_view::npos;
  if (pieces.has_userinfo) pieces.userinfo = authority.substr(0, at);
  pieces.hosts = pieces.has_userinfo ? authority.substr(at + 1) : authority;
  const std::size_t question = tail.find('?');
  pieces.path = tail.substr(0, question);
  if (question != std::string_view::npos) pieces.query = tail.substr(question + 1);
  return pieces;
}

void read_userinfo(const Pieces& pieces, DatabaseUrl& url) {
  if (!pieces.has_userinfo) return;
  const std::size_t colon = pieces.userinfo.find(':');
  std::string user = percent_decode(pieces.userinfo.substr(0, colon));
  if (!user.empty()) url.user = std::move(user);
  if (colon == std::string_view::npos) return;
  std::string password = percent_decode(pieces.userinfo.substr(colon + 1));
  if (!password.empty()) url.password = std::move(password);
}

std::optional<std::string> read_port(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const bool fits = all_digits(text) && text.size() <= 5;
  const int port = fits ? std::stoi(std::string(text)) : 0;
  if (port < 1 || port > 65535) fail("The port is not a number from 1 to 65535.");
  return std::to_string(port);
}

DatabaseUrl::Host read_host(std::string_view text) {
  if (!text.starts_with('[')) {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
      fail("The host holds more than one colon.", "An IPv6 address stands in brackets: [::1]:5432.");
    }
    const std::string_view port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    return {percent_decode(text.substr(0, colon)), read_port(port)};
  }
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) fail("The bracket of an IPv6 address is not closed.");
  const std::string_view after = text.substr(close + 1);
  if (!after.empty() && !after.starts_with(':')) fail("Something other than a port follows the IPv6 address.");
  return {percent_decode(text.substr(1, close - 1)), read_port(after.empty() ? after : after.substr(1))};
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

void read_hosts(std::string_view text, DatabaseUrl& url) {
  if (text.empty()) return;
  for (const std::string_view part : parts_of(text, ',')) {
    DatabaseUrl::Host host = read_host(part);
    if (host.name.find(',') != std::string::npos) fail("A host's name holds a comma.");
    if (host.name.empty()) host.name = "localhost";
    url.hosts.push_back(std::move(host));
  }
}

void read_database(std::string_view path, DatabaseUrl& url) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  url.database = percent_decode(path.substr(0, slash));
  if (url.database.empty()) url.database = "postgres";
  if (slash != std::string_view::npos && slash + 1 < path.size()) {
    url.warnings.emplace_back("What follows the second / of the database URL's path was left out, as Prisma does.");
  }
}

// ---- the query

/// Understood by libpq as they are. Prisma knows them not or alike; none of them changes who connects where.
bool passed_on(std::string_view key) {
  return one_of(key, {"sslrootcert", "sslkey", "sslcrl", "sslcrldir", "sslsni", "ssl_min_protocol_version",
                      "ssl_max_protocol_version", "requirepeer", "krbsrvname", "gsslib", "gssencmode",
                      "target_session_attrs", "keepalives", "keepalives_idle", "keepalives_interval",
                      "keepalives_count", "tcp_user_timeout", "passfile", "options"});
}

/// Settings of Prisma's pool and driver, and names that belay gives its sessions itself: nothing is lost with them.
bool dropped_silently(std::string_view key) {
  return one_of(key, {"connection_limit", "pool_timeout", "max_connection_lifetime", "max_idle_connection_lifetime",
                      "statement_cache_size", "single_use_connections", "socket_timeout", "application_name",
                      "fallback_application_name", "client_encoding"});
}

/// Query keys with which libpq would go to another server, database or user than Prisma does.
bool never_honoured(std::string_view key) {
  return one_of(key, {"user", "password", "dbname", "port", "hostaddr", "service", "replication"});
}

class QueryReader {
 public:
  QueryReader(std::string_view query, DatabaseUrl& url) : url_(url) {
    if (query.empty()) return;
    for (const std::string_view part : parts_of(query, '&')) {
      if (part.empty()) continue;
      const std::size_t equals = part.find('=');
      set(form_decode(part.substr(0, equals)),
          equals == std::string_view::npos ? std::string{} : form_decode(part.substr(equals + 1)));
    }
  }

  void read() {
    for (const auto& [key, value] : pairs_) read_pair(key, value);
    read_host_override();
    read_tls();
    if (!has("connect_timeout")) add("connect_timeout", "5");
    // A standby would take the connection and then refuse every write.
    if (url_.hosts.size() > 1 && !has("target_session_attrs")) add("target_session_attrs", "primary");
  }

 private:
  void set(std::string key, std::string value) {  // the last of several counts, as in Prisma
    std::erase_if(pairs_, [&](const auto& pair) { return pair.first == key; });
    pairs_.emplace_back(std::move(key), std::move(value));
  }

  [[nodiscard]] std::string value_of(std::string_view key) const {
    for (const auto& [name, value] : pairs_) {
      if (name == key) return value;
    }
    return {};
  }

  [[nodiscard]] bool has(std::string_view key) const {
    return std::any_of(url_.parameters.begin(), url_.parameters.end(),
                       [&](const auto& pair) { return pair.first == key; });
  }
  void add(const std::string& key, const std::string& value) { url_.parameters.emplace_back(key, value); }
  void warn(const std::string& sentence) { url_.warnings.push_back(sentence); }

  void read_pair(const std::string& key, const std::string& value) {
    if (key == "schema") return read_schema(value);
    if (key == "pgbouncer") return read_pgbouncer(value);
    if (key == "connect_timeout") {
      if (!all_digits(value) || value.size() > 6) fail("connect_timeout is not a whole number of seconds.");
      return add(key, value);
    }
    if (key == "channel_binding") return add(key, one_of(value, {"disable", "require"}) ? value : "prefer");
    if (passed_on(key)) {
      if (!value.empty()) add(key, value);
      return;
    }
    const bool tls = one_of(key, {"sslmode", "sslaccept", "sslcert", "sslidentity", "sslpassword"});
    if (tls || key == "host" || dropped_silently(key)) return;
    if (never_honoured(key)) return warn("The parameter " + key + " in the database URL was left out, as Prisma does.");
    warn(readable(key) ? "The database URL's parameter \"" + key + "\" is not known and was left out."
                       : "A parameter of the database URL is not known and was left out.");
  }

  /// A name that can be shown: a piece of a torn password would seldom look like this.
  static bool readable(const std::string& key) {
    return !key.empty() && key.size() <= 40 &&
           std::all_of(key.begin(), key.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  }

  void read_schema(const std::string& value) {
    if (value.empty()) fail("schema= is empty.", "Name the schema of _prisma_migrations, or leave the parameter out.");
    url_.schema = value;
  }

  void read_pgbouncer(const std::string& value) {
    if (!one_of(value, {"true", "false"})) fail("pgbouncer is neither true nor false.");
    url_.pgbouncer = value == "true";
    if (!url_.pgbouncer) return;
    warn(
        "The database URL says pgbouncer=true: locks belong to a server session, which a pooler in transaction mode "
        "hands "
        "on to others. Use the server's own address (DIRECT_URL).");
  }

  /// host= replaces the authority's hosts, whose ports stay.
  void read_host_override() {
    const std::string value = value_of("host");
    if (value.empty()) return;
    std::vector<std::optional<std::string>> ports;
    for (const DatabaseUrl::Host& host : url_.hosts) ports.push_back(host.port);
    const std::vector<std::string_view> names = parts_of(value, ',');
    if (ports.size() > 1 && ports.size() != names.size())
      fail("host= names another number of hosts than there are ports.");
    url_.hosts.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::optional<std::string> port = ports.empty() ? std::nullopt : ports[ports.size() == 1 ? 0 : i];
      url_.hosts.push_back({names[i].empty() ? "localhost" : std::string(names[i]), port});
    }
  }

  void read_tls() {
    if (!value_of("sslidentity").empty()) {
      fail("sslidentity is a PKCS#12 file, which libpq cannot read.",
           "Convert it (openssl pkcs12 -in FILE -nodes) and name sslcert=CERTIFICATE&sslkey=KEY instead.");
    }
    if (!value_of("sslpassword").empty()) {
      fail("sslpassword cannot be handed to pg_dump without showing it.",
           "Use a key file without a passphrase that only this user can read.");
    }
    const std::string mode = read_sslmode();
    const bool strict = !one_of(value_of("sslaccept"), {"", "accept_invalid_certs"}) && mode != "disable";
    if (strict) {
      add("sslmode", "verify-full");
    } else if (!mode.empty()) {
      add("sslmode", mode);
    }
    read_certificates(strict || one_of(mode, {"verify-ca", "verify-full"}), strict);
  }

  /// Prisma takes an unknown word for prefer. Here a misspelt verify-full must not become a connection that verifies
  /// nothing.
  std::string read_sslmode() const {
    const std::string mode = value_of("sslmode");
    if (mode == "no-verify") return "require";
    if (one_of(mode, {"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"})) return mode;
    fail("sslmode is not one of disable, allow, prefer, require, no-verify, verify-ca, verify-full.");
  }

  /// Prisma's sslcert is the server's CA; libpq's is the client's certificate, which never comes without a key.
  void read_certificates(bool verifies, bool strict) {
    const std::string certificate = value_of("sslcert");
    if (!certificate.empty() && has("sslkey")) return add("sslcert", certificate);
    if (!certificate.empty() && !verifies) {
      return warn(
          "sslcert in the database URL was left out: without sslaccept=strict the server's certificate is not "
          "verified.");
    }
    if (has("sslrootcert") || !verifies) return;
    if (!certificate.empty()) return add("sslrootcert", certificate);
    // Prisma verifies with the system's certificates; libpq 15 would look for ~/.postgresql/root.crt only.
    if (strict) add_system_certificates();
  }

  void add_system_certificates() {
    for (const char* bundle :
         {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
      std::error_code error;
      if (std::filesystem::exists(bundle, error)) return add("sslrootcert", bundle);
    }
    warn(
        "No certificate store of the system was found: the server is verified with ~/.postgresql/root.crt, or name "
        "sslcert=FILE.");
  }

  DatabaseUrl& url_;
  Pairs pairs_;
};

}  // namespace

DatabaseUrl parse_database_url(const std::string& text) {
  const Pieces pieces = split(trimmed(text));
  DatabaseUrl url;
  read_userinfo(pieces, url);
  read_hosts(pieces.hosts, url);
  read_database(pieces.path, url);
  QueryReader{pieces.query, url}.read();
  return url;
}

}  // namespace belay
