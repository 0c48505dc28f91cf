// What a run knows of the server before it decides anything.
#pragma once
#include <optional>
#include <string>

#include "common/connection.hpp"
#include "common/database_properties.hpp"
#include "common/output.hpp"

namespace belay {

struct ServerFacts {
  int version = 0;                ///< e.g. 150020
  std::string version_text;       ///< "15.20 (Debian 15.20-0+deb12u1)"
  std::string system_identifier;  ///< which cluster this is
  std::string role;               ///< current_user
  bool superuser = false;
  bool can_create_databases = false;
  bool standby = false;
  std::string address;                         ///< "db.example:5432", "socket /run/postgresql"
  std::optional<DatabaseProperties> database;  ///< none: the target does not exist
  [[nodiscard]] int major() const { return version / 10000; }
};

/// Throws ServerError.
[[nodiscard]] ServerFacts read_server_facts(Connection& db, const std::string& target);

/// The first line of every run and part of every question: source, host, port, database, system identifier.
[[nodiscard]] std::string describe_target(const ServerFacts& facts, const std::string& database,
                                          const std::string& source);

}  // namespace belay
