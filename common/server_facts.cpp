#include "common/server_facts.hpp"

#include <fmt/format.h>

namespace belay {

ServerFacts read_server_facts(Connection& db, const std::string& target) {
  const Row row = db.one(
      "SELECT current_setting('server_version') AS version, (SELECT system_identifier FROM pg_control_system()) AS "
      "system,"
      " current_user AS role, r.rolsuper, r.rolcreatedb OR r.rolsuper AS createdb, pg_is_in_recovery() AS standby,"
      " host(inet_server_addr()) AS address, inet_server_port() AS port FROM pg_roles r WHERE r.rolname = "
      "current_user");
  ServerFacts facts;
  facts.version = db.server_version();
  facts.version_text = row.text("version");
  facts.system_identifier = row.text("system");
  facts.role = row.text("role");
  facts.superuser = row.flag("rolsuper");
  facts.can_create_databases = row.flag("createdb");
  facts.standby = row.flag("standby");
  facts.address = row.cell("address") ? fmt::format("{}:{}", row.text("address"), row.text("port")) : "a local socket";
  facts.database = read_properties(db, target);
  return facts;
}

std::string describe_target(const ServerFacts& facts, const std::string& database, const std::string& source) {
  return fmt::format("Database \"{}\" as \"{}\" on {}, PostgreSQL {}, system {} (from {})", database, facts.role,
                     facts.address, facts.version_text, facts.system_identifier, source);
}

}  // namespace belay
