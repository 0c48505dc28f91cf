#include "common/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/fault_point.hpp"
#include "common/history_table.hpp"

namespace belay {

namespace {

struct Column {
  const char* name;
  const char* type_category;  ///< pg_type.typcategory: S text, D time, N number
  const char* in_words;
};
constexpr std::array<Column, 8> prisma_columns{{{"id", "S", "character varying"},
                                                {"checksum", "S", "character varying"},
                                                {"finished_at", "D", "timestamp with time zone"},
                                                {"migration_name", "S", "character varying"},
                                                {"logs", "S", "text"},
                                                {"rolled_back_at", "D", "timestamp with time zone"},
                                                {"started_at", "D", "timestamp with time zone"},
                                                {"applied_steps_count", "N", "integer"}}};

[[noreturn]] void refuse_table(const std::string& schema, const std::string& why) {
  throw Error{Failure::refused, fmt::format("the table {} is not a history that Prisma wrote", history_table(schema)),
              why,
              "Nothing was changed. Look at the table, and name another schema with schema= in the URL if this one "
              "belongs to something else."};
}

bool right_type(const Column& wanted, const Row& found) {
  if (*wanted.type_category == 'D')
    return found.text("type") == wanted.in_words;  // a time without zone would be read as another moment
  return found.text("category") == wanted.type_category;
}

/// Throws refused unless rows can be read from and written to the table as Prisma does. Further columns are Prisma's to
/// ignore, and so ours, as long as they do not have to be given a value.
void check_columns(Connection& db, const std::string& schema) {
  const Rows found = db.rows(
      "SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type, t.typcategory::text AS category, "
      "a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS needed "
      "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n "
      "ON n.oid = c.relnamespace "
      "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
      "WHERE n.nspname = $1 AND c.relname = '_prisma_migrations' AND a.attnum > 0 AND NOT a.attisdropped",
      {schema});
  std::size_t known = 0;
  for (const Row& row : found) {
    const std::string& name = row.text("name");
    const auto* column =
        std::find_if(prisma_columns.begin(), prisma_columns.end(), [&](const Column& c) { return name == c.name; });
    if (column == prisma_columns.end()) {
      if (row.flag("needed"))
        refuse_table(schema,
                     fmt::format("Its column \"{}\" is unknown to Prisma, and NOT NULL without a default.", name));
      continue;
    }
    if (!right_type(*column, row)) {
      refuse_table(schema,
                   fmt::format("Its column \"{}\" has the type {}, not {}.", name, row.text("type"), column->in_words));
    }
    ++known;
  }
  if (known == prisma_columns.size()) return;
  for (const Column& column : prisma_columns) {
    const bool there =
        std::any_of(found.begin(), found.end(), [&](const Row& row) { return row.text("name") == column.name; });
    if (!there) refuse_table(schema, fmt::format("It has no column \"{}\".", column.name));
  }
}

/// The kind of relation of that name; empty if there is none. Asks the catalog, since to_regclass fails where USAGE on
/// the schema is missing.
std::string relation_kind(Connection& db, const std::string& schema, const std::string& name) {
  const std::optional<Row> row = db.maybe(
      "SELECT c.relkind::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
      {schema, name});
  return row ? row->text(0) : "";
}

void refuse_prisma_8(Connection& db) {
  if (relation_kind(db, "prisma_contract", "marker").empty()) return;
  throw Error{
      Failure::refused, fmt::format("the database \"{}\" is managed by Prisma 8", db.database()),
      "It holds the table prisma_contract.marker. Prisma 8 keeps its history there and not in _prisma_migrations.",
      "belay works with migrations folders of Prisma 2.17 to 7. Nothing was changed."};
}

/// A moment as text in UTC, independent of the session's TimeZone and DateStyle. to_char has no answer for infinity.
std::string in_utc(const std::string& column) {
  return fmt::format(
      "coalesce(pg_catalog.to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), {0}::text) AS {0}",
      column);
}

/// Prisma's table allows no NULL in these, a table of another make does.
void check_values(const Row& row, const std::string& schema) {
  for (const char* column : {"id", "checksum", "migration_name", "started_at", "applied_steps_count"}) {
    if (!row.cell(column)) refuse_table(schema, fmt::format("In one of its rows \"{}\" is NULL.", column));
  }
}

std::vector<std::string> schemas_with_history(Connection& db) {
  std::vector<std::string> schemas;
  for (const Row& row : db.rows("SELECT n.nspname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
                                "n.oid = c.relnamespace WHERE c.relname = '_prisma_migrations' AND c.relkind IN ('r', "
                                "'p') ORDER BY n.nspname::text COLLATE \"C\""))
    schemas.push_back(row.text(0));
  return schemas;
}

HistoryRow to_history_row(const Row& row, const std::string& schema) {
  check_values(row, schema);
  HistoryRow out;
  out.id = row.text("id");
  out.checksum = row.text("checksum");
  out.finished_at = row.cell("finished_at");
  out.migration_name = row.text("migration_name");
  out.logs = row.cell("logs");
  out.rolled_back_at = row.cell("rolled_back_at");
  out.started_at = row.text("started_at");
  out.applied_steps_count = static_cast<int>(row.number("applied_steps_count"));
  return out;
}

}  // namespace

History read_history(Connection& db, const std::string& schema) {
  refuse_prisma_8(db);
  History history;
  const std::string kind = relation_kind(db, schema, "_prisma_migrations");
  if (kind.empty()) {
    history.elsewhere = schemas_with_history(db);
    return history;
  }
  if (kind != "r" && kind != "p") refuse_table(schema, "It is a view or a foreign table.");
  check_columns(db, schema);
  history.table_exists = true;
  // Prisma orders by started_at alone; the rest only makes equal times come out the same way each time.
  const Rows rows = db.rows(
      fmt::format("SELECT h.id, h.checksum, {}, h.migration_name, h.logs, {}, {}, h.applied_steps_count FROM {} h "
                  "ORDER BY h.started_at, h.finished_at NULLS LAST, h.id",
                  in_utc("finished_at"), in_utc("rolled_back_at"), in_utc("started_at"), history_table(schema)));
  for (const Row& row : rows) history.rows.push_back(to_history_row(row, schema));
  history.journal = read_journal(db, schema).journal;
  const bool current = history.journal &&
                       std::any_of(history.rows.begin(), history.rows.end(),
                                   [&](const HistoryRow& r) { return r.failed() && r.id == history.journal->row_id; });
  if (!current) history.journal.reset();
  return history;
}

std::vector<std::string> foreign_tables_before_history(Connection& db, const std::string& schema) {
  const Rows rows = db.rows(
      "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname <> '_prisma_migrations' AND lower(c.relname::text) NOT "
      "IN "
      "('spatial_ref_sys', 'geometry_columns', 'geography_columns', 'raster_columns', 'raster_overviews') ORDER BY "
      "c.relname::text COLLATE \"C\"",
      {schema});
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.text(0));
  return names;
}

void create_history_table(Connection& db, const std::string& schema) {
  fault_point("history: create");
  // CREATE SCHEMA IF NOT EXISTS wants the right to create one even where it exists.
  if (!db.maybe("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", {schema}))
    db.run("CREATE SCHEMA " + quote_identifier(schema));
  db.run("CREATE TABLE " + history_table(schema) + R"( (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
))");
  fault_point("history: created");
}

void drop_empty_history_table(Connection& db, const std::string& schema) {
  if (relation_kind(db, schema, "_prisma_migrations") != "r") return;
  Transaction transaction{db};
  // The lock comes first: a row that another session is inserting must not vanish with the table.
  db.run("LOCK TABLE " + history_table(schema) + " IN ACCESS EXCLUSIVE MODE");
  if (db.maybe("SELECT 1 FROM " + history_table(schema) + " LIMIT 1")) return transaction.rollback();
  db.run("DROP TABLE " + history_table(schema));
  fault_point("history: dropped, not committed");
  transaction.commit();
}

}  // namespace belay
