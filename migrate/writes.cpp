#include "migrate/writes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "backup/snapshot.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

using TableName = std::pair<std::string, std::string>;

std::string quoted(const TableName& name) { return quote_identifier(name.first) + "." + quote_identifier(name.second); }

/// Tables whose counters are not what they were at the snapshot, with the difference. A table without a counter then
/// began at nothing.
std::map<TableName, std::int64_t> moved(Connection& db, const Manifest& manifest) {
  std::map<TableName, std::int64_t> before;
  for (const WriteCounter& c : manifest.snapshot.counters) before[{c.schema, c.name}] = c.changes;
  std::map<TableName, std::int64_t> difference;
  for (const WriteCounter& c : read_write_counters(db)) {
    if (c.name == "_prisma_migrations" && c.schema == manifest.history_schema) continue;
    const std::int64_t since = c.changes - before[{c.schema, c.name}];
    if (since != 0) difference[{c.schema, c.name}] = since;
  }
  return difference;
}

std::optional<std::uint64_t> rows_in_backup(const Manifest& manifest, const TableName& name) {
  for (const TableContent& table : manifest.content.tables) {
    if (table.schema == name.first && table.name == name.second) return table.rows;
  }
  return std::nullopt;
}

/// A row's xmin has 32 bits; the present epoch, or the one before for numbers that are still to come, makes it whole.
/// Frozen rows keep their xmin.
std::string count_query(const TableName& name) {
  return fmt::format(
      "SELECT count(*) AS present, count(*) FILTER (WHERE NOT pg_visible_in_snapshot(full_xmin::text::xid8, "
      "$1::pg_snapshot)) AS fresh FROM"
      " (SELECT CASE WHEN x > now_xid & 4294967295 THEN ((now_xid >> 32) - 1) << 32 | x ELSE (now_xid >> 32) << 32 | x "
      "END AS full_xmin"
      " FROM (SELECT xmin::text::bigint AS x, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS now_xid FROM "
      "ONLY {}) AS versions) AS whole",
      quoted(name));
}

}  // namespace

std::int64_t count_sessions(Connection& maintenance, const std::string& database) {
  if (maintenance.server_version() < 140000) return -1;
  return maintenance.one("SELECT sessions FROM pg_stat_database WHERE datname = $1", {database}).number("sessions");
}

Strangers find_strangers(Connection& maintenance, const std::string& database, const std::string& since,
                         std::int64_t sessions_then, std::int64_t own) {
  Strangers strangers;
  // A session whose state this role may not see counts as one that was at work.
  for (const Row& row : maintenance.rows(
           "SELECT pid, coalesce(usename, '?') AS usename, application_name FROM pg_stat_activity WHERE datname = $1"
           " AND backend_type = 'client backend' AND application_name NOT LIKE 'belay/%'"
           " AND NOT coalesce(state = 'idle' AND state_change < $2::timestamptz, false)",
           {database, since})) {
    strangers.present.push_back(fmt::format("backend {} of role \"{}\" ({})", row.text("pid"), row.text("usename"),
                                            row.text_or("application_name", "")));
  }
  if (sessions_then >= 0)
    strangers.came = std::max<std::int64_t>(0, count_sessions(maintenance, database) - sessions_then - own);
  return strangers;
}

std::vector<std::string> count_writes_since(Connection& db, const Manifest& manifest, Tables tables) {
  std::map<TableName, std::int64_t> wanted = moved(db, manifest);
  if (tables == Tables::all) {
    for (const TableContent& table : manifest.content.tables) wanted.try_emplace({table.schema, table.name}, 0);
    wanted.erase({manifest.history_schema, "_prisma_migrations"});
  }
  std::vector<std::string> lines;
  for (const auto& [name, since] : wanted) {
    const Row row = db.one(count_query(name), {manifest.snapshot.snapshot});
    const std::int64_t fresh = row.number("fresh");
    const std::int64_t then = static_cast<std::int64_t>(rows_in_backup(manifest, name).value_or(0));
    const std::int64_t gone = then - (row.number("present") - fresh);  // deleted, or the old version of an updated row
    if (fresh == 0 && gone == 0) continue;  // the counter lagged, or a transaction was rolled back
    lines.push_back(fmt::format("{}: {} rows new or changed, {} rows deleted or changed", quoted(name), fresh, gone));
  }
  return lines;
}

std::string TableEstimate::describe() const {
  return fmt::format("{}: about {} rows inserted, updated or deleted", quoted({schema, name}), changes);
}

std::vector<TableEstimate> estimate_writes_since(Connection& db, const Manifest& manifest) {
  std::vector<TableEstimate> estimates;
  for (const auto& [name, since] : moved(db, manifest)) {
    if (rows_in_backup(manifest, name)) estimates.push_back({name.first, name.second, since});
  }
  return estimates;
}

}  // namespace belay
