#include "migrate/writes.hpp"

#include <fmt/format.h>

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

std::vector<std::string> count_writes_since(Connection& db, const Manifest& manifest) {
  std::vector<std::string> lines;
  for (const auto& [name, since] : moved(db, manifest)) {
    const Row row = db.one(count_query(name), {manifest.snapshot.snapshot});
    const std::int64_t fresh = row.number("fresh");
    const std::int64_t then = static_cast<std::int64_t>(rows_in_backup(manifest, name).value_or(0));
    const std::int64_t gone = then - (row.number("present") - fresh);  // deleted, or the old version of an updated row
    if (fresh == 0 && gone == 0) continue;  // the counter lagged, or a transaction was rolled back
    lines.push_back(fmt::format("{}: {} rows new or changed, {} rows deleted or changed", quoted(name), fresh, gone));
  }
  return lines;
}

std::vector<std::string> estimate_writes_since(Connection& db, const Manifest& manifest) {
  std::vector<std::string> lines;
  for (const auto& [name, since] : moved(db, manifest)) {
    lines.push_back(fmt::format("{}: about {} rows inserted, updated or deleted", quoted(name), since));
  }
  return lines;
}

}  // namespace belay
