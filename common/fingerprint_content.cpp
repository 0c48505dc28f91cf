// The content of a live database, read so that it equals what an archive of the same snapshot yields: the same tables
// that pg_dump takes, the same columns in the same order, rows in COPY text form and in the database's own encoding.
#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "common/error.hpp"
#include "common/fingerprint.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/parallel.hpp"
#include "common/savepoint.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

/// Relations read, and so locked, before their locks are let go.
constexpr std::size_t at_once = 200;

/// Pages of a part of a large table: 128 MiB.
constexpr std::uint64_t pages_at_once = 16384;

/// A table as pg_dump reads it. `condition`: an extension may keep its own rows out of dumps (`WHERE id > 1000`).
struct CopiedTable {
  TableContent content;
  std::string condition;
  std::uint64_t pages = 0;
  bool divisible = false;  ///< its rows can be found by page
  RowHash hash{};
};

struct TableList {
  std::vector<CopiedTable> copied;
  std::vector<std::string> skipped;
};

/// Relations that pg_dump would look at. Extensions bring their members back themselves; a member is dumped only if the
/// extension registered it as configuration. Temporary tables belong to sessions.
std::string relations_sql(const std::string& columns, const std::string& joins, const std::string& kinds) {
  return fmt::format(
      "SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, e.extname AS extension, "
      "cfg.condition AS condition, c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery() AS unlogged_elsewhere, {} "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {} "
      "LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid "
      "AND d.objsubid = 0 AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass "
      "LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid "
      "LEFT JOIN LATERAL (SELECT coalesce(e.extcondition[i], '') AS condition "
      "FROM pg_catalog.generate_subscripts(e.extconfig, 1) i WHERE e.extconfig[i] = c.oid LIMIT 1) cfg ON true "
      "WHERE c.relkind IN ({}) AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> "
      "'information_schema' "
      "ORDER BY c.oid",
      columns, joins, kinds);
}

std::string quoted_name(const Row& row) {
  return fmt::format("{}.{}", quote_identifier(row.text("schema")), quote_identifier(row.text("name")));
}

bool is_foreign(const Row& row) { return row.text("kind") == "f"; }
bool is_member(const Row& row) { return row.cell("extension").has_value(); }
bool is_configuration(const Row& row) { return row.cell("condition").has_value(); }
/// On a standby an unlogged relation has a definition and nothing else; reading it is an error there.
bool is_unlogged_elsewhere(const Row& row) { return row.flag("unlogged_elsewhere"); }

void add_table(TableList& list, const Row& row) {
  if (is_foreign(row)) {
    if (!is_member(row)) list.skipped.push_back(skipped_foreign_table(row.text("schema"), row.text("name")));
  } else if (is_member(row) && !is_configuration(row)) {
    list.skipped.push_back(fmt::format("table {}: it belongs to extension {}, which does not declare its rows as data",
                                       quoted_name(row), quote_identifier(row.text("extension"))));
  } else if (!is_unlogged_elsewhere(row)) {
    list.copied.push_back({{row.text("schema"), row.text("name"), {}, 0, {}}, row.text_or("condition", "")});
    list.copied.back().pages = static_cast<std::uint64_t>(row.number("pages"));
    list.copied.back().divisible = row.flag("heap");
  }
}

TableList read_table_list(Connection& db) {
  const std::string attributes =
      fmt::format("LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped{}",
                  db.server_version() >= 120000 ? " AND a.attgenerated = ''" : "");
  TableList list;
  std::string oid;
  bool copied = false;
  // relpages is an estimate, and enough to deal tables out: asking for the size would wait for a table's lock.
  const std::string columns =
      "a.attname AS column, greatest(c.relpages, 0) AS pages, coalesce(c.relam = (SELECT am.oid FROM pg_catalog.pg_am "
      "am WHERE am.amname = 'heap'), false) AS heap";
  for (const Row& row : db.rows(relations_sql(columns, attributes, "'r', 'f'") + ", a.attnum")) {
    if (std::exchange(oid, row.text("oid")) != row.text("oid")) {
      const std::size_t before = list.copied.size();
      add_table(list, row);
      copied = list.copied.size() > before;
    }
    if (copied && row.cell("column")) list.copied.back().content.columns.push_back(row.text("column"));
  }
  return list;
}

std::string column_list(const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : ", ") + quote_identifier(column);
  return text;
}

/// Pages of a table; none = all of them.
struct PageRange {
  std::uint64_t begin = 0, end = 0;
};

/// The rows in the same form in which pg_dump asks for them.
std::string copy_sql(const CopiedTable& table, const std::string& encoding, const std::optional<PageRange>& pages) {
  const TableContent& t = table.content;
  const std::string name = fmt::format("{}.{}", quote_identifier(t.schema), quote_identifier(t.name));
  const std::string columns = column_list(t.columns);
  std::string source = columns.empty() ? name : fmt::format("{} ({})", name, columns);
  if (pages) {
    source = fmt::format("(SELECT {} FROM ONLY {} WHERE ctid >= '({},0)' AND ctid < '({},0)')", columns, name,
                         pages->begin, pages->end);
  } else if (!table.condition.empty()) {
    source = fmt::format("(SELECT {} FROM {} {})", columns.empty() ? "*" : columns, name, table.condition);
  }
  return fmt::format("COPY {} TO STDOUT (ENCODING {})", source, quote_literal(encoding));
}

/// Reads tables through several sessions, and puts the parts together.
class TableReader {
 public:
  TableReader(std::vector<Connection*> sessions, std::vector<CopiedTable>& tables)
      : sessions_(std::move(sessions)),
        tables_(tables),
        encoding_(sessions_.front()->value("SELECT pg_catalog.current_setting('server_encoding')")) {}

  void read() {
    // Largest first, or the last one would keep a single session busy at the end.
    std::vector<std::size_t> order(tables_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [this](std::size_t a, std::size_t b) { return tables_[a].pages > tables_[b].pages; });
    std::vector<std::size_t> small;
    for (const std::size_t table : order) {
      if (sessions_.size() > 1 && add_parts(table)) continue;
      small.push_back(table);
      const bool many = small.size() >= at_once || (sessions_.size() > 1 && tables_[table].pages > small_pages);
      if (many) add_whole(std::exchange(small, {}));
    }
    if (!small.empty()) add_whole(small);
    run_parallel(sessions_.size(), tasks_);
    for (CopiedTable& table : tables_) table.content.hash = table.hash.hex();
  }

 private:
  static constexpr std::uint64_t small_pages = 64;

  bool add_parts(std::size_t table) {
    const CopiedTable& t = tables_[table];
    const bool ranges = sessions_.front()->server_version() >= 140000;  // before, ctid ranges are read by filtering
    if (!ranges || !t.divisible || !t.condition.empty() || t.content.columns.empty() || t.pages <= pages_at_once)
      return false;
    for (std::uint64_t page = 0; page < t.pages; page += pages_at_once) {
      // The last part has no end: the table is as its snapshot has it, whatever its size was a moment ago.
      const bool last = page + pages_at_once >= t.pages;
      const PageRange range{page, last ? std::uint64_t{4294967295} : page + pages_at_once};
      tasks_.push_back([this, table, range](std::size_t worker) { hash_rows(worker, table, range); });
    }
    return true;
  }
  void add_whole(std::vector<std::size_t> tables) {
    tasks_.push_back([this, tables = std::move(tables)](std::size_t worker) {
      const Savepoint locks(*sessions_[worker]);
      for (const std::size_t table : tables) hash_rows(worker, table, std::nullopt);
    });
  }
  void hash_rows(std::size_t worker, std::size_t table, const std::optional<PageRange>& pages) {
    RowHash hash;
    const std::uint64_t rows = sessions_[worker]->copy_out(copy_sql(tables_[table], encoding_, pages),
                                                           [&](ByteSpan row) { hash.add_row(as_text(row)); });
    const std::lock_guard<std::mutex> guard{mutex_};
    tables_[table].content.rows += rows;
    tables_[table].hash += hash;
  }

  std::vector<Connection*> sessions_;
  std::vector<CopiedTable>& tables_;
  std::string encoding_;
  std::vector<Task> tasks_;
  std::mutex mutex_;
};

void take_column_order(TableList& list, const std::vector<TableContent>& order) {
  std::map<std::pair<std::string, std::string>, const TableContent*> like;
  for (const TableContent& table : order) like[{table.schema, table.name}] = &table;
  for (CopiedTable& table : list.copied) {
    const auto found = like.find({table.content.schema, table.content.name});
    if (found != like.end() && std::is_permutation(table.content.columns.begin(), table.content.columns.end(),
                                                   found->second->columns.begin(), found->second->columns.end()))
      table.content.columns = found->second->columns;
  }
}

/// A row hashed in another text form would be another row, and the difference would look like lost data.
void require_pinned_text_form(Connection& db) {
  static constexpr auto wanted = std::to_array<std::pair<const char*, const char*>>({{"TimeZone", "UTC"},
                                                                                     {"DateStyle", "ISO, MDY"},
                                                                                     {"IntervalStyle", "postgres"},
                                                                                     {"bytea_output", "hex"},
                                                                                     {"extra_float_digits", "3"},
                                                                                     {"row_security", "off"},
                                                                                     {"search_path", ""}});
  for (const auto& [name, value] : wanted) {
    const std::string found = db.value("SELECT pg_catalog.current_setting($1)", {name});
    if (found != value && !(*value == '\0' && found == "\"\""))
      throw Error{Failure::bug, "rows would be read in a text form that is not pinned",
                  fmt::format("{} is \"{}\" instead of \"{}\".", name, found, value)};
  }
}

std::vector<SequenceContent> list_sequences(Connection& db) {
  std::vector<SequenceContent> sequences;
  const std::string join = "JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid";
  for (const Row& row : db.rows(relations_sql("s.seqincrement AS increment", join, "'S'"))) {
    if ((is_member(row) && !is_configuration(row)) || is_unlogged_elsewhere(row)) continue;
    sequences.push_back({row.text("schema"), row.text("name"), 0, false, row.number("increment")});
  }
  return sequences;
}

}  // namespace

void sort_content(ContentFingerprint& content) {
  const auto by_name = [](const auto& a, const auto& b) {
    return std::tie(a.schema, a.name) < std::tie(b.schema, b.name);
  };
  std::sort(content.tables.begin(), content.tables.end(), by_name);
  std::sort(content.sequences.begin(), content.sequences.end(), by_name);
  std::sort(content.skipped.begin(), content.skipped.end());
}

std::string skipped_foreign_table(const std::string& schema, const std::string& name) {
  return fmt::format("foreign table {}.{}: its rows are kept somewhere else", quote_identifier(schema),
                     quote_identifier(name));
}

std::string skipped_unlogged(const std::string& schema, const std::string& name) {
  return fmt::format("unlogged relation {}.{}: a standby does not have its content", quote_identifier(schema),
                     quote_identifier(name));
}

std::vector<std::string> skipped_on_standby(Connection& db) {
  std::vector<std::string> skipped;
  for (const Row& row : db.rows(relations_sql("0", "", "'r', 'S'"))) {
    if (is_unlogged_elsewhere(row) && (!is_member(row) || is_configuration(row)))
      skipped.push_back(skipped_unlogged(row.text("schema"), row.text("name")));
  }
  std::sort(skipped.begin(), skipped.end());
  return skipped;
}

std::vector<TableContent> list_tables(Connection& db) {
  ContentFingerprint content;
  for (CopiedTable& table : read_table_list(db).copied) content.tables.push_back(std::move(table.content));
  sort_content(content);
  return std::move(content.tables);
}

std::vector<SequenceContent> read_sequences(Connection& db) {
  ContentFingerprint content;
  content.sequences = list_sequences(db);
  std::vector<SequenceContent>& all = content.sequences;
  for (std::size_t first = 0; first < all.size(); first += at_once) {
    std::optional<Savepoint> locks;
    if (db.transaction_state() == TransactionState::open) locks.emplace(db);
    std::string sql;
    for (std::size_t i = first; i < std::min(all.size(), first + at_once); ++i)
      sql += fmt::format("{}SELECT {} AS number, last_value, is_called FROM {}.{}", sql.empty() ? "" : " UNION ALL ", i,
                         quote_identifier(all[i].schema), quote_identifier(all[i].name));
    for (const Row& row : db.rows(sql)) {
      SequenceContent& sequence = all[static_cast<std::size_t>(row.number("number"))];
      sequence.last_value = row.number("last_value");
      sequence.is_called = row.flag("is_called");
    }
  }
  sort_content(content);
  return std::move(content.sequences);
}

namespace {

/// All of them in a transaction on the snapshot of the first.
ContentFingerprint read_through(const std::vector<Connection*>& sessions,
                                const std::vector<TableContent>& column_order) {
  for (Connection* session : sessions) {
    require_pinned_text_form(*session);
    session->run("SET LOCAL quote_all_identifiers = off");  // a regclass value is printed by it
  }
  Connection& db = *sessions.front();
  TableList list = read_table_list(db);
  take_column_order(list, column_order);
  ContentFingerprint content;
  content.skipped = std::move(list.skipped);
  for (std::string& line : skipped_on_standby(db)) content.skipped.push_back(std::move(line));
  TableReader{sessions, list.copied}.read();
  for (CopiedTable& table : list.copied) content.tables.push_back(std::move(table.content));
  content.sequences = read_sequences(db);
  content.large_objects = read_large_objects(db);
  sort_content(content);
  return content;
}

constexpr const char* one_snapshot = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

}  // namespace

ContentFingerprint read_content_fingerprint(Connection& db, const std::vector<TableContent>& column_order) {
  std::optional<Transaction> own;  // all parts from one snapshot
  if (db.transaction_state() == TransactionState::idle) own.emplace(db, one_snapshot);
  ContentFingerprint content = read_through({&db}, column_order);
  if (own) own->rollback();  // nothing was written; a COMMIT could only fail
  return content;
}

ContentFingerprint read_content_fingerprint(std::vector<Connection>& sessions,
                                            const std::vector<TableContent>& column_order) {
  std::list<Transaction> transactions;
  std::vector<Connection*> all;
  std::string snapshot;
  for (Connection& session : sessions) {
    transactions.emplace_back(session, one_snapshot);
    if (all.empty()) {
      snapshot = session.value("SELECT pg_catalog.pg_export_snapshot()");
    } else {
      session.run("SET TRANSACTION SNAPSHOT " + quote_literal(snapshot));
    }
    all.push_back(&session);
  }
  ContentFingerprint content = read_through(all, column_order);
  for (Transaction& transaction : transactions) transaction.rollback();
  return content;
}

}  // namespace belay
