#include "rollback/recover_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "common/fault_point.hpp"
#include "common/sql_text.hpp"
#include "rollback/archive_script.hpp"
#include "rollback/lost_file.hpp"

namespace belay {

namespace {

enum class Side { live, reversed };

/// The text form that pg_dump writes, for as long as an object of this type lives. search_path stays: triggers may need
/// it.
class BackupTextForm {
 public:
  BackupTextForm(Connection& db, const std::string& lc_monetary) : db_(db) {
    set("DateStyle", "ISO");
    set("IntervalStyle", "postgres");
    set("xmloption", "content");
    set("row_security", "off");  // a row that a policy hides would be passed over in silence
    if (!lc_monetary.empty()) set("lc_monetary", lc_monetary);
  }
  ~BackupTextForm() {
    if (!db_.usable() || db_.transaction_state() != TransactionState::open) return;
    try {
      for (const auto& [name, value] : before_)
        static_cast<void>(db_.value("SELECT pg_catalog.set_config($1, $2, true)", {name, value}));
    } catch (const std::exception&) {
      // The transaction failed, and the settings go with it.
    }
  }
  BackupTextForm(const BackupTextForm&) = delete;
  BackupTextForm& operator=(const BackupTextForm&) = delete;

 private:
  void set(const std::string& name, const std::string& value) {
    before_.emplace_back(name, db_.value("SELECT pg_catalog.current_setting($1)", {name}));
    static_cast<void>(db_.value("SELECT pg_catalog.set_config($1, $2, true)", {name, value}));
  }
  Connection& db_;
  std::vector<std::pair<std::string, std::string>> before_;
};

std::string cast(const std::string& alias, const RecoverColumn& column) {
  return fmt::format("{}.{}::{}", alias, quote_identifier(column.backup), column.type);
}

/// How an end's column reads, under `alias`.
std::string operand(const RecoverEnd& end, std::size_t i, const std::string& alias, Side side) {
  const RecoverColumn& column = end.columns[i];
  if (end.item) return cast(alias, column);
  return alias + "." + quote_identifier(side == Side::live ? column.live : column.reversed);
}

std::string table_of(const RecoverEnd& end, const RecoverPlan& plan, Side side) {
  if (end.item) return plan.items[*end.item].stage;
  return side == Side::live ? end.live : end.reversed;
}

/// Rows `c` of the child that refer to nothing.
std::string refers_to_nothing(const RecoverKey& key, const RecoverPlan& plan, Side side) {
  std::string set, same;
  for (std::size_t i = 0; i < key.child.columns.size(); ++i) {
    const std::string child = operand(key.child, i, "c", side);
    set += fmt::format("{} IS NOT NULL AND ", child);
    same += fmt::format("{}{} = {}", i > 0 ? " AND " : "", operand(key.parent, i, "p", side), child);
  }
  return fmt::format("{}NOT EXISTS (SELECT FROM {} AS p WHERE {})", set, table_of(key.parent, plan, side), same);
}

std::string same_row(const RecoverItem& item, Side side) {
  std::string condition;
  for (const RecoverColumn& column : item.key)
    condition += fmt::format("{}t.{} = {}", condition.empty() ? "" : " AND ",
                             quote_identifier(side == Side::live ? column.live : column.reversed), cast("s", column));
  return condition;
}

std::uint64_t count(Connection& db, const std::string& query) { return std::stoull(db.value(query)); }

/// The number in "UPDATE 12", "INSERT 0 12".
std::uint64_t rows_of(const std::string& tag) {
  return std::strtoull(tag.c_str() + std::min(tag.find_last_of(' '), tag.size() - 1), nullptr, 10);
}

/// Takes out of the stages what refers to nothing, until nothing of that kind is left.
class Orphans {
 public:
  Orphans(Connection& db, const RecoverPlan& plan, Side side, RecoverCounts& counts)
      : db_(db), plan_(plan), side_(side), counts_(counts) {}
  /// Where they are kept; nowhere without it.
  void keep_in(const RecoverRequest& request, Tool& tool) {
    request_ = &request;
    tool_ = &tool;
  }
  void take_out() {
    for (bool again = true; again;) {
      again = false;
      for (const RecoverKey& key : plan_.keys) {
        if (!key.child.item) continue;
        const std::uint64_t found = take_out(key);
        counts_.items[*key.child.item].orphans += found;
        again = again || (found > 0 && plan_.keys.size() > 1) || (found > 0 && key.parent.item);
      }
    }
    if (file_) file_->commit();
  }

 private:
  std::uint64_t take_out(const RecoverKey& key);
  void begin_file();

  Connection& db_;
  const RecoverPlan& plan_;
  Side side_;
  RecoverCounts& counts_;
  const RecoverRequest* request_ = nullptr;
  Tool* tool_ = nullptr;
  int blocks_ = 0;
  std::unique_ptr<LostFile> file_;
};

void Orphans::begin_file() {
  if (file_) return;
  make_private_directories(request_->orphans_file.parent_path());
  file_ = std::make_unique<LostFile>(tool_->files, request_->orphans_file);
  file_->write(fmt::format(
      "-- Rows of a backup that rollback-migration did not bring back when it took migration {} back:\n"
      "-- what they refer to is not there any more. For a person to use: each block is a temporary table of "
      "text.\n\nSET client_encoding = {};\n\n",
      request_->migration, quote_literal(db_.value("SHOW client_encoding"))));
}

std::uint64_t Orphans::take_out(const RecoverKey& key) {
  const RecoverItem& item = plan_.items[*key.child.item];
  const std::string which = refers_to_nothing(key, plan_, side_);
  if (!request_) {
    return count(db_, fmt::format("WITH d AS (DELETE FROM {} AS c WHERE {} RETURNING 1) SELECT count(*) FROM d",
                                  item.stage, which));
  }
  if (count(db_, fmt::format("SELECT count(*) FROM {} AS c WHERE {}", item.stage, which)) == 0) return 0;
  begin_file();
  std::string columns, types;
  for (const Row& row : db_.rows("SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.regclass "
                                 "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                                 {item.stage})) {
    columns += (columns.empty() ? "" : ", ") + quote_identifier(row.text(0));
    types += (types.empty() ? "" : ", ") + quote_identifier(row.text(0)) + " text";
  }
  const std::string name = fmt::format("belay_orphans_{}", ++blocks_);
  file_->write(
      fmt::format("-- Of {}, by the foreign key {}.\nCREATE TEMPORARY TABLE {} ({});\nCOPY {} ({}) FROM "
                  "stdin;\n",
                  item.describe(), quote_identifier(key.name), name, types, name, columns));
  const std::uint64_t rows = db_.copy_out(
      fmt::format("COPY (DELETE FROM {} AS c WHERE {} RETURNING {}) TO STDOUT", item.stage, which, columns),
      [&](ByteSpan row) { file_->write(as_text(row)); });
  file_->write("\\.\n\n");
  return rows;
}

RecoverCounts begin_counts(Connection& db, const RecoverPlan& plan) {
  RecoverCounts counts;
  for (const RecoverItem& item : plan.items)
    counts.items.push_back({.stored = count(db, "SELECT count(*) FROM " + item.stage)});
  return counts;
}

void count_live(Connection& db, const RecoverItem& item, RecoverCount& result) {
  if (item.whole()) {
    result.matched = result.stored - result.orphans;
    return;
  }
  const Row row = db.one(fmt::format(
      "SELECT (SELECT count(*) FROM ONLY {0}) AS live, count(*) AS matched, count(s.{3}) AS valued FROM ONLY {0} AS t "
      "JOIN {1} AS s ON {2}",
      item.live_table, item.stage, same_row(item, Side::live), quote_identifier(item.column)));
  const auto live = static_cast<std::uint64_t>(row.number("live"));
  result.matched = static_cast<std::uint64_t>(row.number("matched"));
  result.newer = live - result.matched;
  result.gone = result.stored - result.orphans - result.matched;
  result.without = live - static_cast<std::uint64_t>(row.number("valued"));
}

void count_in_the_way(Connection& db, const RecoverPlan& plan, RecoverCounts& counts) {
  for (const RecoverKey& key : plan.keys) {
    if (key.child.item) continue;
    const std::uint64_t rows = count(db, fmt::format("SELECT count(*) FROM {} AS c WHERE {}", key.child.live,
                                                     refers_to_nothing(key, plan, Side::live)));
    if (rows == 0) continue;
    counts.in_the_way.push_back(fmt::format("{} rows of {} refer to rows of {} that the backup does not have ({})",
                                            rows, key.child.live, plan.items[*key.parent.item].describe(),
                                            quote_identifier(key.name)));
  }
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    if (plan.items[i].required && counts.items[i].without > 0)
      counts.in_the_way.push_back(fmt::format("{} rows would have no value in {}, which is required and has no default",
                                              counts.items[i].without, plan.items[i].describe()));
  }
}

/// Switches a table's user triggers off, and each back to what it was.
class WithoutTriggers {
 public:
  WithoutTriggers(Connection& db, std::string table, Triggers triggers) : db_(db), table_(std::move(table)) {
    if (triggers == Triggers::fire) return;
    for (const Row& row : db_.rows("SELECT tgname, tgenabled FROM pg_catalog.pg_trigger WHERE tgrelid = "
                                   "$1::pg_catalog.regclass AND NOT tgisinternal AND tgenabled <> 'D'",
                                   {table_})) {
      off_.emplace_back(row.text("tgname"), row.text("tgenabled"));
      db_.run(fmt::format("ALTER TABLE {} DISABLE TRIGGER {}", table_, quote_identifier(row.text("tgname"))));
    }
  }
  void put_back() {
    for (const auto& [name, state] : off_) {
      const char* how = state == "A" ? "ENABLE ALWAYS" : state == "R" ? "ENABLE REPLICA" : "ENABLE";
      db_.run(fmt::format("ALTER TABLE {} {} TRIGGER {}", table_, how, quote_identifier(name)));
    }
  }

 private:
  Connection& db_;
  std::string table_;
  std::vector<std::pair<std::string, std::string>> off_;
};

std::uint64_t load_table(Connection& db, const RecoverItem& item, Triggers how) {
  std::string names, values;
  for (const RecoverColumn& column : item.columns) {
    names += (names.empty() ? "" : ", ") + quote_identifier(column.reversed);
    values += (values.empty() ? "" : ", ") + cast("s", column);
  }
  if (names.empty()) return 0;
  WithoutTriggers triggers{db, item.reversed_table, how};  // a written reversal may have made some by now
  const std::uint64_t rows =
      rows_of(db.run_script(fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS s",
                                        item.reversed_table, names, values, item.stage)));
  db.run("SET CONSTRAINTS ALL IMMEDIATE");
  triggers.put_back();
  return rows;
}

void load_column(Connection& db, const RecoverItem& item, Triggers how, RecoverCount& result) {
  WithoutTriggers triggers{db, item.reversed_table, how};
  const std::string column = quote_identifier(item.columns.front().reversed);
  result.matched = rows_of(
      db.run_script(fmt::format("UPDATE ONLY {} AS t SET {} = {} FROM {} AS s WHERE {}", item.reversed_table, column,
                                cast("s", item.columns.front()), item.stage, same_row(item, Side::reversed))));
  // A table with triggers that are still to fire cannot be altered.
  db.run("SET CONSTRAINTS ALL IMMEDIATE");
  triggers.put_back();
  const std::uint64_t live = count(db, fmt::format("SELECT count(*) FROM ONLY {}", item.reversed_table));
  result.newer = live - result.matched;
  result.gone = result.stored - result.orphans - result.matched;
  result.without = count(db, fmt::format("SELECT count(*) FROM ONLY {} WHERE {} IS NULL", item.reversed_table, column));
}

/// The sequence now, by what its column says where it has no name of its own that lasts; none if it is not there.
std::optional<Row> find_sequence(Connection& db, const LostSequence& lost) {
  const std::string path = path_of(lost.schema, lost.name);
  const std::string which = lost.identity_of.empty()
                                ? "pg_catalog.to_regclass($1)::oid"
                                : "pg_catalog.pg_get_serial_sequence($1, $2)::pg_catalog.regclass::oid";
  const std::string query =
      "SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
      "n.oid "
      "= c.relnamespace WHERE c.relkind = 'S' AND c.oid = " +
      which;
  if (lost.identity_of.empty()) return db.maybe(query, {path});
  if (!db.maybe("SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2",
                {path, lost.identity_of}))
    return std::nullopt;
  return db.maybe(query, {path, lost.identity_of});
}

void set_sequences(Connection& db, const RecoverRequest& request) {
  for (const LostSequence& lost : request.plan.sequences) {
    const std::optional<Row> now = find_sequence(db, lost);
    if (!now) continue;
    const std::string schema = now->text("schema"), name = now->text("name");
    for (const SequenceContent& then : request.positions) {
      if (then.schema != schema || then.name != name) continue;
      static_cast<void>(db.rows(position_statement({.path = path_of(schema, name),
                                                    .last_value = then.last_value,
                                                    .is_called = then.is_called,
                                                    .descending = then.increment < 0})));
    }
  }
}

}  // namespace

RecoverCounts count_recovery(Connection& db, const RecoverPlan& plan) {
  Transaction transaction{db};
  const BackupTextForm form{db, {}};
  RecoverCounts counts = begin_counts(db, plan);
  Orphans{db, plan, Side::live, counts}.take_out();
  for (std::size_t i = 0; i < plan.items.size(); ++i) count_live(db, plan.items[i], counts.items[i]);
  count_in_the_way(db, plan, counts);
  transaction.rollback();
  return counts;
}

std::vector<std::string> firing_triggers(Connection& db, const RecoverPlan& plan) {
  constexpr const char* query =
      "SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.regclass AND NOT tgisinternal AND "
      "tgenabled IN ('O', 'A') AND tgtype & 16 <> 0 AND tgattr = ''::pg_catalog.int2vector ORDER BY tgname";
  std::set<std::string> tables;
  std::vector<std::string> found;
  for (const RecoverItem& item : plan.items) {
    if (item.whole() || !tables.insert(item.live_table).second) continue;
    for (const Row& row : db.rows(query, {item.live_table}))
      found.push_back(fmt::format("trigger {} of {}", quote_identifier(row.text("tgname")), item.live_table));
  }
  return found;
}

RecoverCounts recover_rows(Connection& db, const RecoverRequest& request, Tool& tool) {
  const BackupTextForm form{db, request.lc_monetary};
  const RecoverPlan& plan = request.plan;
  RecoverCounts counts = begin_counts(db, plan);
  Orphans orphans{db, plan, Side::reversed, counts};
  orphans.keep_in(request, tool);
  orphans.take_out();
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    const RecoverItem& item = plan.items[i];
    tool.out.note("Bringing back " + item.describe());
    if (item.whole()) {
      counts.items[i].matched = load_table(db, item, request.triggers);
    } else {
      load_column(db, item, request.triggers, counts.items[i]);
    }
    fault_point("undo: brought back");
  }
  set_sequences(db, request);
  return counts;
}

}  // namespace belay
