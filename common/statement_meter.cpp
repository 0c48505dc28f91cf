#include "common/statement_meter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tuple>

namespace belay {

namespace {

/// "AccessExclusiveLock" as the documentation writes it: ACCESS EXCLUSIVE.
std::string documented(const std::string& mode) {
  constexpr std::size_t suffix = 4;  // Lock
  std::string words;
  for (const char c : mode.substr(0, mode.size() - std::min(suffix, mode.size()))) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte) != 0 && !words.empty()) words += ' ';
    words += static_cast<char>(std::toupper(byte));
  }
  return words;
}

Duration since(std::chrono::steady_clock::time_point moment) {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - moment);
}

}  // namespace

Json to_json(const MeasuredStatement& statement) {
  const auto ms = [](Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  };
  Json locks = Json::array();
  for (const TableLock& lock : statement.locks)
    locks.push_back({{"table", lock.table}, {"mode", lock.mode}, {"held_ms", ms(lock.held)}});
  return {{"line", statement.line},           {"what", statement.what}, {"ms", ms(statement.took)},  {"locks", locks},
          {"rewritten", statement.rewritten}, {"rows", statement.rows}, {"wal_bytes", statement.wal}};
}

std::string locks_text(const MeasuredStatement& statement, int margin) {
  std::string text;
  for (const TableLock& lock : statement.locks)
    text += fmt::format("{:{}}{} on {}, held {}\n", "", margin, lock.mode, lock.table, human_duration(lock.held));
  for (const std::string& table : statement.rewritten) text += fmt::format("{:{}}rewrites {}\n", "", margin, table);
  return text;
}

void StatementMeter::begin_script() {
  if (what_ == What::durations) return;
  release();
  relations_.clear();
  // By the names that they have now: that is how others know what they wait for, also if it is renamed or dropped.
  for (const Row& row :
       db_.rows("SELECT c.oid::text AS oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, "
                "coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::text AS file FROM pg_catalog.pg_class c JOIN "
                "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384 AND n.nspname NOT IN "
                "('pg_catalog', 'information_schema', 'pg_toast')"))
    relations_[row.text("oid")] = {row.text("name"), row.text("file")};
}

void StatementMeter::before(const Statement& statement) {
  if (db_.transaction_state() == TransactionState::idle) release();
  MeasuredStatement measured{.line = statement.line, .what = statement.kind};
  if (!statement.object.empty()) measured.what += " " + statement.object;
  statements_.push_back(std::move(measured));
  began_ = std::chrono::steady_clock::now();
  if (what_ == What::durations) return;
  rows_before_ = rows_written();
  wal_before_ = wal_position();
  began_ = std::chrono::steady_clock::now();
}

void StatementMeter::after(const Statement&) {
  if (statements_.empty()) return;
  MeasuredStatement& measured = statements_.back();
  measured.took = since(began_);
  if (what_ == What::durations) return;
  if (db_.transaction_state() == TransactionState::failed) return;
  const Row wal =
      db_.one("SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), $1::pg_lsn)::bigint AS n",
              {wal_before_});
  measured.wal = static_cast<Bytes>(std::max<std::int64_t>(0, wal.number("n")));
  if (db_.transaction_state() != TransactionState::open) return;
  measured.rows = std::max<std::int64_t>(0, rows_written() - rows_before_);
  read_locks(measured);
}

void StatementMeter::end_script() { release(); }

void StatementMeter::release() {
  for (const Held& held : held_) statements_.at(held.statement).locks.at(held.lock).held = since(held.since);
  held_.clear();
  known_.clear();
}

void StatementMeter::read_locks(MeasuredStatement& statement) {
  const Rows locks = db_.rows(
      "SELECT l.relation::text AS oid, l.mode, c.oid IS NULL AS gone, "
      "coalesce(pg_catalog.pg_relation_filenode(l.relation), 0)::text AS file FROM pg_catalog.pg_locks l LEFT JOIN "
      "pg_catalog.pg_class c ON c.oid = l.relation WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = "
      "'relation' AND l.granted AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')");
  const std::size_t first = statement.locks.size();
  for (const Row& row : locks) {
    const auto old = relations_.find(row.text("oid"));
    if (old == relations_.end()) continue;  // made by this script: nobody else can wait for it
    Relation& relation = old->second;
    if (relation.file != row.text("file") && !row.flag("gone")) {
      statement.rewritten.push_back(relation.name);
      relation.file = row.text("file");
    }
    if (known_.insert({row.text("oid"), row.text("mode")}).second)
      statement.locks.push_back({relation.name, documented(row.text("mode"))});
  }
  std::sort(
      statement.locks.begin() + static_cast<std::ptrdiff_t>(first), statement.locks.end(),
      [](const TableLock& a, const TableLock& b) { return std::tie(a.table, a.mode) < std::tie(b.table, b.mode); });
  for (std::size_t i = first; i < statement.locks.size(); ++i) held_.push_back({statements_.size() - 1, i, began_});
  std::sort(statement.rewritten.begin(), statement.rewritten.end());
  statement.rewritten.erase(std::unique(statement.rewritten.begin(), statement.rewritten.end()),
                            statement.rewritten.end());
}

Duration StatementMeter::longest(const std::string& mode) const {
  Duration longest{};
  for (const MeasuredStatement& statement : statements_) {
    for (const TableLock& lock : statement.locks) {
      if (lock.mode == mode) longest = std::max(longest, lock.held);
    }
  }
  return longest;
}

std::int64_t StatementMeter::rows_written() {
  if (db_.transaction_state() != TransactionState::open) return 0;
  return db_
      .one(
          "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS n FROM "
          "pg_catalog.pg_stat_xact_user_tables")
      .number("n");
}

std::string StatementMeter::wal_position() { return db_.value("SELECT pg_catalog.pg_current_wal_insert_lsn()::text"); }

}  // namespace belay
