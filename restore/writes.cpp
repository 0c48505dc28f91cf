#include "restore/writes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "backup/snapshot.hpp"
#include "common/savepoint.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

using TableName = std::pair<std::string, std::string>;

constexpr const char* history_table = "_prisma_migrations";

std::string quoted(const TableName& name) { return quote_identifier(name.first) + "." + quote_identifier(name.second); }

/// A row's xmin has 32 bits: `number`. The present epoch, or the one before for numbers that are still to come, makes
/// it whole. Frozen rows keep their xmin.
constexpr const char* whole_number =
    "(CASE WHEN number > now_xid & 4294967295 THEN ((now_xid >> 32) - 1) << 32 | number ELSE (now_xid >> 32) << 32 | "
    "number END)::text::xid8";
constexpr const char* present_number =
    "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS now_xid) AS present";

/// $1: the earlier state's snapshot, $2: the present backup's; either may be NULL. A snapshot does not list the
/// savepoints' numbers of transactions that are open: what one of them wrote looks visible. $3: transactions of our
/// own, as xmin shows them, or NULL.
std::string count_query(const TableName& name) {
  return fmt::format(
      "SELECT coalesce(sum(n), 0) AS present,"
      " coalesce(sum(n) FILTER (WHERE NOT pg_visible_in_snapshot(x, $1::pg_snapshot)), 0) AS fresh,"
      " coalesce(sum(n) FILTER (WHERE x >= pg_snapshot_xmin($1::pg_snapshot) AND pg_visible_in_snapshot(x, "
      "$1::pg_snapshot)), 0) AS uncertain,"
      " coalesce(sum(n) FILTER (WHERE NOT pg_visible_in_snapshot(x, $2::pg_snapshot)), 0) AS late,"
      " coalesce(sum(n) FILTER (WHERE number = ANY ($3::bigint[])), 0) AS own FROM"
      " (SELECT {} AS x, number, n FROM (SELECT xmin::text::bigint AS number, count(*) AS n FROM ONLY {} GROUP BY xmin)"
      " AS versions, {}) AS whole",
      whole_number, quoted(name), present_number);
}

std::string as_array(const std::vector<std::string>& numbers) { return fmt::format("{{{}}}", fmt::join(numbers, ",")); }

Cell snapshot_or_null(const std::string& snapshot) { return snapshot.empty() ? Cell{} : Cell{snapshot}; }

}  // namespace

std::map<TableName, std::int64_t> moved_since(Connection& db, const Manifest& manifest) {
  std::map<TableName, std::int64_t> before;
  for (const WriteCounter& c : manifest.snapshot.counters) before[{c.schema, c.name}] = c.changes;
  std::map<TableName, std::int64_t> difference;  // a table without a counter then began at nothing
  for (const WriteCounter& c : read_write_counters(db)) {
    if (c.name == history_table && c.schema == manifest.history_schema) continue;
    const std::int64_t since = c.changes - before[{c.schema, c.name}];
    if (since != 0) difference[{c.schema, c.name}] = since;
  }
  return difference;
}

std::optional<std::uint64_t> rows_in_backup(const Manifest& manifest, const std::string& schema,
                                            const std::string& name) {
  for (const TableContent& table : manifest.content.tables) {
    if (table.schema == schema && table.name == name) return table.rows;
  }
  return std::nullopt;
}

std::int64_t count_others_rows(Connection& db, const SomeRows& rows, const std::string& snapshot,
                               const std::vector<std::string>& own) {
  return db
      .one(fmt::format(
               "SELECT count(*) AS n FROM (SELECT {} AS x, number FROM (SELECT xmin::text::bigint AS number FROM "
               "{} WHERE {}) AS raw, {}) AS whole WHERE NOT number = ANY ($2::bigint[]) AND NOT "
               "pg_visible_in_snapshot(x, $1::pg_snapshot)",
               whole_number, rows.table, rows.condition, present_number),
           {snapshot, as_array(own)})
      .number("n");
}

std::string TableWrites::describe() const {
  if (gone_away) return fmt::format("{}: dropped or renamed, and what it holds is not known", quoted({schema, name}));
  return fmt::format("{}: {} rows new or changed, {} rows deleted or changed", quoted({schema, name}), fresh, gone);
}

std::vector<TableWrites> count_writes_since(Connection& db, const Manifest& manifest, Tables tables,
                                            const std::vector<std::string>& own) {
  std::map<TableName, std::int64_t> wanted = moved_since(db, manifest);
  if (tables == Tables::all) {
    for (const TableContent& table : manifest.content.tables) wanted.try_emplace({table.schema, table.name}, 0);
    wanted.erase({manifest.history_schema, history_table});
  }
  std::vector<TableWrites> found;
  for (const auto& [name, since] : wanted) {
    TableWrites table{.schema = name.first, .name = name.second};
    if (db.value("SELECT to_regclass($1) IS NULL", {quoted(name)}) == "t") {
      table.gone_away = true;
      found.push_back(table);
      continue;
    }
    const Row row = db.one(count_query(name), {manifest.snapshot.snapshot, std::nullopt, as_array(own)});
    const std::int64_t then = static_cast<std::int64_t>(rows_in_backup(manifest, name.first, name.second).value_or(0));
    const std::int64_t seen_then = row.number("present") - row.number("fresh");
    table.own = row.number("own");
    table.fresh = row.number("fresh") - table.own;
    // Deleted, or the old version of an updated row. What we rewrote bears our own number now.
    table.gone = std::max<std::int64_t>(0, then - seen_then - table.own);
    // Nothing: the counter lagged, or a transaction was rolled back.
    if (table.fresh != 0 || table.gone != 0) found.push_back(table);
  }
  return found;
}

namespace {

CountedTable count_table(Connection& db, const TableContent& listed, const EarlierState& then) {
  CountedTable table{.schema = listed.schema, .name = listed.name, .columns = listed.columns};
  try {
    const Savepoint let_go{db};
    const Row row = db.one(count_query({listed.schema, listed.name}),
                           {snapshot_or_null(then.snapshot), snapshot_or_null(then.content_snapshot), Cell{}});
    table.rows = row.number("present");
    if (!then.snapshot.empty()) table.fresh = row.number("fresh");
    if (!then.snapshot.empty()) table.uncertain = row.number("uncertain");
    if (!then.content_snapshot.empty()) table.late = row.number("late");
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    table.problem = error.primary;
  }
  return table;
}

/// As list_tables, but from the catalog alone: a table's size cannot be asked for while somebody has it locked.
std::vector<TableContent> list_unlocked(Connection& db) {
  std::vector<TableContent> tables;
  for (const Row& row : db.rows(
           "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid "
           "= "
           "c.relnamespace LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
           "a.attisdropped AND a.attgenerated = '' WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> "
           "'information_schema' AND n.nspname !~ '^pg_' AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE "
           "d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e') OR EXISTS "
           "(SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig))) ORDER BY 1, 2, a.attnum")) {
    const bool next =
        tables.empty() || tables.back().schema != row.text("nspname") || tables.back().name != row.text("relname");
    if (next) tables.push_back({row.text("nspname"), row.text("relname"), {}, 0, ""});
    if (row.cell("attname")) tables.back().columns.push_back(row.text("attname"));
  }
  return tables;
}

/// As the backup records it. A table that is not Prisma's is no history.
std::vector<RecordedMigration> present_history(Connection& db, const std::string& schema) {
  std::vector<RecordedMigration> list;
  try {
    for (const HistoryRow& row : read_history(db, schema).rows) {
      const char* state = row.rolled_back_at ? "rolled back" : row.finished_at ? "applied" : "failed";
      list.push_back({row.id, row.migration_name, row.checksum, state});
    }
  } catch (const Error& error) {
    if (error.kind != Failure::refused) throw;
  }
  return list;
}

/// A snapshot from a future that never was (the server was put back to an earlier time) tells nothing.
EarlierState as_usable(Connection& db, EarlierState then) {
  for (std::string* snapshot : {&then.snapshot, &then.content_snapshot}) {
    const bool past = snapshot->empty() || db.value(
                                               "SELECT pg_snapshot_xmax($1::pg_snapshot) <= "
                                               "pg_snapshot_xmax(pg_current_snapshot())",
                                               {*snapshot}) == "t";
    if (!past) snapshot->clear();
  }
  return then;
}

}  // namespace

std::optional<std::int64_t> find_witness(Connection& db) {
  const Row row = db.one(
      "SELECT oid, current_setting('track_counts') = 'off' OR EXISTS (SELECT FROM pg_db_role_setting, "
      "unnest(setconfig) AS c WHERE left(c, 13) = 'track_counts=') AS blind FROM pg_database WHERE datname = "
      "current_database()");
  if (row.flag("blind")) return std::nullopt;
  return read_witness(db, row.text("oid"));
}

std::int64_t read_witness(Connection& db, const std::string& database_oid) {
  if (db.transaction_state() == TransactionState::open) {
    if (db.server_version() >= 150000) db.run("SET LOCAL stats_fetch_consistency = 'none'");
    if (db.server_version() < 150000) db.run("SELECT pg_sleep(0.55)");
    db.run("SELECT pg_stat_clear_snapshot()");
  }
  return db
      .one(
          "SELECT pg_stat_get_db_tuples_inserted($1::oid) + pg_stat_get_db_tuples_updated($1::oid) + "
          "pg_stat_get_db_tuples_deleted($1::oid) AS n",
          {database_oid})
      .number("n");
}

Count count_loss(const DatabaseUrl& url, const std::string& database, const SessionSettings& session,
                 const EarlierState& state) {
  SessionSettings settings = session;
  settings.pinned_text_form = true;  // row security must raise an error, not hide rows
  Connection db{url, database, settings};
  Count count;
  count.witness = find_witness(db);  // before the snapshot: what is written in between is counted, and counted again
  Transaction transaction{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  db.run("SET LOCAL lock_timeout = '5s'");
  count.snapshot = db.value("SELECT pg_current_snapshot()::text");
  const EarlierState then = as_usable(db, state);
  LossFacts facts{.then = then.tables, .now = {}, .content = then.content};
  if (then.history) {
    facts.left_out.insert({then.history_schema, history_table});
    facts.history_then = then.history;
    facts.history_now = present_history(db, then.history_schema);
  }
  for (const TableContent& listed : list_unlocked(db)) {
    facts.now.push_back(count_table(db, listed, then));
    count.tables.push_back(
        {listed.schema, listed.name, listed.columns, static_cast<std::uint64_t>(facts.now.back().rows), ""});
  }
  transaction.rollback();
  count.loss = find_loss(facts);
  return count;
}

}  // namespace belay
