// Prisma's and libpq's connection URLs, read the way Prisma reads them, and handed to libpq as keywords (never as a
// URL: libpq splits user and host at the first @ and refuses Prisma's own parameters).
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace belay {

struct DatabaseUrl {
  struct Host {
    std::string name;                 ///< host name, address, or a folder beginning with / for a socket
    std::optional<std::string> port;  ///< none = libpq's own rule (PGPORT, else 5432)
  };
  std::vector<Host> hosts;  ///< empty = localhost
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::string database;               ///< never empty
  std::optional<std::string> schema;  ///< Prisma's schema=: where _prisma_migrations lives; none = public is assumed
  std::vector<std::pair<std::string, std::string>>
      parameters;                     ///< further libpq keywords, e.g. sslmode, connect_timeout, options
  std::vector<std::string> warnings;  ///< what was left out and matters, a sentence each
  bool pgbouncer = false;             ///< pgbouncer=true was given

  /// Where the data is, for messages: `database "app" at db.example:5432 as user "owner"`. Never the password.
  [[nodiscard]] std::string describe() const;
  /// `postgresql://user@host:port/database?schema=…` without the password, percent-encoded.
  [[nodiscard]] std::string without_password() const;
  /// Keywords for PQconnectdbParams, password included, for `database_name`.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> keywords(const std::string& database_name) const;
  /// A connection string for a child's --dbname: without the password, and without `options`, which would hide the
  /// child's PGOPTIONS.
  [[nodiscard]] std::string conninfo_without_password(const std::string& database_name) const;
  /// The same server, another database.
  [[nodiscard]] DatabaseUrl with_database(const std::string& name) const;
};

/// Reads a postgres:// or postgresql:// URL by Prisma's rules: percent-decoding (in the query also + as space), last @
/// ends the userinfo, default host localhost, port 5432, database postgres, connect_timeout 5. Several hosts as libpq
/// has them (a:1,b:2), [IPv6], host=/socket/folder. Prisma's pool parameters are dropped, sslaccept/sslcert translated,
/// unknown ones ignored with a warning. Throws usage, never with the password in the text.
[[nodiscard]] DatabaseUrl parse_database_url(const std::string& text);

}  // namespace belay
