#include "migrate/row_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "common/error.hpp"
#include "common/savepoint.hpp"
#include "common/sql_text.hpp"
#include "restore/writes.hpp"

namespace belay {

namespace {

constexpr const char* count_limits = "SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '5s'";
constexpr std::chrono::minutes longest_count{5};
/// Statistics are told a moment late; what is this small costs nothing to count all the same.
constexpr std::int64_t small_table_bytes = 8 << 20;

struct Present {
  TableBefore table;
  bool partitioned = false;
  std::int64_t bytes = 0;  ///< as the planner thinks: asking the file would wait for the table's lock
  [[nodiscard]] std::string quoted() const {
    return quote_identifier(table.schema) + "." + quote_identifier(table.name);
  }
};
using PresentTables = std::map<std::string, Present>;

PresentTables present_tables(Connection& db) {
  PresentTables tables;
  for (const Row& row : db.rows(
           "SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned, "
           "coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::text AS file, greatest(c.relpages, 0) * 8192::bigint "
           "AS "
           "bytes, "
           "coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0) AS deleted, (SELECT "
           "coalesce(pg_catalog.string_agg(a.attnum || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), E'\\n' "
           "ORDER BY a.attnum), '') FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
           "a.attisdropped) AS types FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
           "c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND "
           "n.nspname <> 'information_schema'")) {
    Present& present = tables[row.text("oid")];
    present.table = {.schema = row.text("schema"),
                     .name = row.text("name"),
                     .file = row.text("file"),
                     .column_types = row.text("types"),
                     .deleted = row.number("deleted"),
                     .ancestors = {},
                     .rows = std::nullopt};
    present.partitioned = row.flag("partitioned");
    present.bytes = row.number("bytes");
  }
  return tables;
}

void add_ancestors(PresentTables& tables, Connection& db) {
  for (const Row& row : db.rows(
           "WITH RECURSIVE above AS (SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits UNION SELECT a.inhrelid, "
           "i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.inhparent) SELECT inhrelid::text "
           "AS child, inhparent::text AS parent FROM above")) {
    const auto child = tables.find(row.text("child"));
    if (child != tables.end()) child->second.table.ancestors.push_back(row.text("parent"));
  }
}

bool fits(const std::string& given, const std::string& schema, const std::string& name) {
  return given == name || given == schema + "." + name;
}

Present& find_critical(PresentTables& tables, const std::string& given, const std::string& schema) {
  std::vector<Present*> found;
  for (auto& [oid, present] : tables) {
    if (fits(given, present.table.schema, present.table.name)) found.push_back(&present);
  }
  const auto here =
      std::find_if(found.begin(), found.end(), [&](const Present* present) { return present->table.schema == schema; });
  if (here != found.end()) return **here;
  if (found.size() == 1) return *found.front();
  std::string names;
  for (const Present* present : found) names += present->quoted() + "\n";
  throw Error{Failure::refused,
              found.empty() ? fmt::format("there is no table \"{}\" for --critical-table", given)
                            : fmt::format("--critical-table \"{}\" fits several tables", given),
              names, "Name a table that is there before the run, as TABLE or SCHEMA.TABLE. Nothing was changed."};
}

/// Why not, if it could not be counted.
struct Counted {
  std::optional<std::uint64_t> rows;
  std::string why_not;
};

Counted count(Connection& db, const Present& present) {
  const Savepoint savepoint{db};
  try {
    return {static_cast<std::uint64_t>(db.one(fmt::format("SELECT pg_catalog.count(*) AS n FROM {}{}",
                                                          present.partitioned ? "" : "ONLY ", present.quoted()))
                                           .number("n")),
            {}};
  } catch (const ServerError& error) {
    if (error.connection_lost || error.kind == Failure::interrupted) throw;
    return {std::nullopt, present.quoted() + ": " + error.primary};
  }
}

void count_critical(Connection& db, Present& present) {
  const Counted counted = count(db, present);
  if (!counted.rows)
    throw Error{Failure::refused, "could not count a --critical-table before the run", counted.why_not,
                "Nothing was changed."};
  present.table.rows = counted.rows;
}

/// A type's text by the column's number.
std::map<std::string, std::string> types_of(const std::string& lines) {
  std::map<std::string, std::string> types;
  std::istringstream in{lines};
  for (std::string line; std::getline(in, line);) types[line.substr(0, line.find(' '))] = line;
  return types;
}

bool has_other_types(const TableBefore& before, const TableBefore& now) {
  const std::map<std::string, std::string> types = types_of(now.column_types);
  for (const auto& [number, type] : types_of(before.column_types)) {
    const auto found = types.find(number);
    if (found != types.end() && found->second != type) return true;
  }
  return false;
}

bool may_have_lost(const TableBefore& before, const Present* now) {
  if (before.critical || now == nullptr) return true;
  return now->bytes <= small_table_bytes || now->table.file != before.file || now->table.deleted != before.deleted;
}

/// The same table, or what has its name now that it is gone.
const Present* find_now(const PresentTables& tables, const std::string& oid, const TableBefore& before) {
  const auto same = tables.find(oid);
  if (same != tables.end()) return &same->second;
  for (const auto& [other, present] : tables) {
    if (present.table.schema == before.schema && present.table.name == before.name) return &present;
  }
  return nullptr;
}

bool is_accounted(const TablesBefore& all, const TableBefore& table, const TakenFrom& taken,
                  const std::vector<std::string>& expected) {
  if (taken.names(table.schema, table.name)) return true;
  for (const std::string& oid : table.ancestors) {
    const auto ancestor = all.find(oid);
    if (ancestor != all.end() && taken.names(ancestor->second.schema, ancestor->second.name)) return true;
  }
  return std::any_of(expected.begin(), expected.end(),
                     [&](const std::string& given) { return fits(given, table.schema, table.name); });
}

}  // namespace

void require_critical_tables(Connection& db, const CountSettings& settings) {
  if (settings.critical.empty()) return;
  PresentTables tables = present_tables(db);
  for (const std::string& given : settings.critical) (void)find_critical(tables, given, settings.schema);
}

TablesBefore read_tables_before(Connection& db, const CountSettings& settings, const Manifest* backup) {
  Transaction transaction{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  db.run_script(count_limits);
  PresentTables tables = present_tables(db);
  add_ancestors(tables, db);
  for (const std::string& given : settings.critical)
    find_critical(tables, given, settings.schema).table.critical = true;
  std::map<std::pair<std::string, std::string>, std::int64_t> moved;
  if (backup != nullptr && !settings.copy_of_backup) moved = moved_since(db, *backup);
  TablesBefore before;
  for (auto& [oid, present] : tables) {
    TableBefore& table = present.table;
    if (table.name == "_prisma_migrations" && table.schema == settings.history_schema) continue;
    if (table.critical) {
      count_critical(db, present);
    } else if (backup != nullptr && !present.partitioned) {
      // What others wrote since the backup is not the migrations' doing.
      table.rows = moved.contains({table.schema, table.name}) ? count(db, present).rows
                                                              : rows_in_backup(*backup, table.schema, table.name);
    }
    before[oid] = table;
  }
  transaction.rollback();
  return before;
}

namespace {

/// Why it could not be; empty if it was.
std::string analyze(Connection& db, const Present& present) {
  Transaction transaction{db};
  try {
    db.run_script(count_limits);
    db.run("ANALYZE " + present.quoted());
    transaction.commit();
    return {};
  } catch (const ServerError& error) {
    if (error.connection_lost || error.kind == Failure::interrupted) throw;
    return ": " + error.primary;
  }
}

}  // namespace

std::vector<std::string> analyze_changed(Connection& db, const TablesBefore& before) {
  std::vector<std::string> analyzed;
  for (const auto& [oid, present] : present_tables(db)) {
    const auto then = before.find(oid);
    if (then == before.end()) continue;
    const bool rewritten = present.table.file != then->second.file;
    if (!rewritten && !has_other_types(then->second, present.table)) continue;
    analyzed.push_back(present.quoted() + analyze(db, present));
  }
  return analyzed;
}

RowCounts count_after(Connection& db, const TablesBefore& before, const TakenFrom& taken,
                      const CountSettings& settings) {
  Transaction transaction{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  db.run_script(count_limits);
  const PresentTables tables = present_tables(db);
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  RowCounts counts;
  for (const auto& [oid, then] : before) {
    const Present* now = find_now(tables, oid, then);
    if (!then.rows || !may_have_lost(then, now)) continue;
    RowCount counted{.schema = then.schema,
                     .name = then.name,
                     .name_now = now == nullptr ? "" : now->quoted(),
                     .before = *then.rows,
                     .critical = then.critical,
                     .accounted = is_accounted(before, then, taken, settings.expected)};
    if (now != nullptr) {
      const bool late = !then.critical && std::chrono::steady_clock::now() - began > longest_count;
      const Counted rows = late ? Counted{{}, now->quoted() + ": no time was left"} : count(db, *now);
      if (!rows.rows) {
        counts.not_counted.push_back(rows.why_not);
        continue;
      }
      counted.after = *rows.rows;
    }
    counts.tables.push_back(counted);
  }
  transaction.rollback();
  return counts;
}

std::string describe_critical(const RowCounts& counts) {
  std::string text;
  for (const RowCount& table : counts.tables) {
    if (!table.critical) continue;
    text += fmt::format("{}.{}  {} → {} rows\n", quote_identifier(table.schema), quote_identifier(table.name),
                        table.before, table.after);
  }
  return text;
}

}  // namespace belay
