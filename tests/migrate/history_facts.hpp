// Folders and histories made by hand, for the verbs that decide from them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/sha256.hpp"
#include "migrate/plan.hpp"

namespace belay::test {

inline Migration file_of(const std::string& name, const std::optional<std::string>& script = "SELECT 1") {
  return {name, name + "/migration.sql", script, script ? sha256_hex(*script) : ""};
}

/// `state`: applied, failed, rolled back, or both (finished and rolled back, which Prisma never writes).
inline HistoryRow row_of(const std::string& name, const std::string& state, const std::string& script = "SELECT 1") {
  HistoryRow row;
  row.id = "id of " + name;
  row.migration_name = name;
  row.checksum = sha256_hex(script);
  row.started_at = "2026-11-21T13:06:00.000000Z";
  if (state == "applied" || state == "both") row.finished_at = "2026-11-21T13:07:00.123456Z";
  if (state == "rolled back" || state == "both") row.rolled_back_at = "2026-11-21T13:08:00.000000Z";
  return row;
}

inline MigrationsFolder folder_of(const std::vector<Migration>& files) {
  MigrationsFolder folder;
  folder.path = "prisma/migrations";
  folder.migrations = files;
  folder.lock_provider = "postgresql";
  return folder;
}

}  // namespace belay::test
