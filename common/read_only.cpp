#include "common/read_only.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/fault_point.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr const char* read_only_setting = "default_transaction_read_only";

/// One by one, because a session that may not be ended raises an error that would spare the others.
void end_sessions_of_others(Connection& maintenance, const std::string& database) {
  for (const Row& row : maintenance.rows("SELECT pid::text FROM pg_stat_activity WHERE datname = $1 AND backend_type = "
                                         "'client backend' AND application_name NOT LIKE 'belay/%'",
                                         {database})) {
    try {
      maintenance.run("SELECT pg_terminate_backend($1::int)", {row.text(0)});
    } catch (const ServerError& error) {
      if (error.connection_lost) throw;
    }
  }
}

}  // namespace

Json to_json(const ReadOnly& read_only) {
  return {{"before", read_only.before ? Json(*read_only.before) : Json(nullptr)}};
}

std::optional<ReadOnly> read_only_of(const Marker& marker) {
  const auto found = marker.details.find("read_only");
  if (found == marker.details.end() || !found->is_object()) return std::nullopt;
  return read_only_from(*found);
}

ReadOnly read_only_from(const Json& json) {
  const Json before = json.value("before", Json(nullptr));
  return {before.is_string() ? std::optional{before.get<std::string>()} : std::nullopt};
}

ReadOnly read_only_now(const DatabaseProperties& properties) {
  for (const DatabaseSetting& one : properties.settings) {
    if (!one.role && one.name == read_only_setting) return {one.value};
  }
  return {};
}

void leave_out_read_only(DatabaseProperties& properties, const std::vector<SideDatabase>& sides) {
  for (const SideDatabase& side : sides) {
    const std::optional<ReadOnly> read_only = side.kept() || !side.marker ? std::nullopt : read_only_of(*side.marker);
    if (!read_only) continue;
    const auto found =
        std::find_if(properties.settings.begin(), properties.settings.end(),
                     [](const DatabaseSetting& one) { return !one.role && one.name == read_only_setting; });
    if (found == properties.settings.end()) continue;
    if (read_only->before) {
      found->value = *read_only->before;
    } else {
      properties.settings.erase(found);
    }
  }
}

void make_read_only(Connection& maintenance, const std::string& database) {
  maintenance.run(fmt::format("ALTER DATABASE {} SET {} TO on", quote_identifier(database), read_only_setting));
  fault_point("read-only: set");
  end_sessions_of_others(maintenance, database);
}

std::string writable_clause(const ReadOnly& read_only) {
  return read_only.before ? set_clause(read_only_setting, *read_only.before)
                          : fmt::format("RESET {}", read_only_setting);
}

void make_writable(Connection& maintenance, const std::string& database, const ReadOnly& read_only) {
  maintenance.run(fmt::format("ALTER DATABASE {} {}", quote_identifier(database), writable_clause(read_only)));
  fault_point("read-only: taken back");
  end_sessions_of_others(maintenance, database);
}

}  // namespace belay
