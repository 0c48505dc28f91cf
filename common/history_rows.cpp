// Writing rows of the history. Each row is written by one statement, so it is never half written.
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/history.hpp"
#include "common/history_table.hpp"
#include "common/statement_journal.hpp"

namespace belay {

namespace {

/// A version 4 UUID as text, from the kernel's random source. Throws bug if that fails.
std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::getrandom(bytes.data() + have, bytes.size() - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Error{Failure::bug, "could not get random bytes from the kernel", std::strerror(errno)};
    have += static_cast<std::size_t>(got);
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

/// This machine's time, never earlier than the last one given: a row must not finish before it started, nor the next
/// one start before that, even if the clock is set back in between. Bookkeeping is done by one thread.
TimePoint history_now() {
  static TimePoint last{};
  last = std::max(last, SystemClock{}.now());
  return last;
}

void expect_one_row(std::size_t rows, const std::string& schema, const std::string& id) {
  if (rows == 1) return;
  throw Error{Failure::failed, fmt::format("the history row {} is not in {} any more", id, history_table(schema)),
              "Something removed it while the migration ran, possibly the migration itself."};
}

std::uint64_t changed(Connection& db, const std::string& sql, const Params& params) {
  return db.rows(sql + " RETURNING id", params).size();
}

}  // namespace

std::string insert_started(Connection& db, const std::string& schema, const Migration& migration) {
  const std::string id = new_uuid();
  db.run(
      fmt::format(
          "INSERT INTO {} (id, checksum, started_at, migration_name) VALUES ($1, $2, $3::timestamp with time zone, $4)",
          history_table(schema)),
      {id, migration.checksum, iso_utc(history_now()), migration.name});
  return id;
}

std::string history_time() { return iso_utc(history_now()); }

NewRow finished_row(const std::string& schema, const Migration& migration, const std::string& started_at) {
  NewRow row{new_uuid(), {}};
  row.insert = fmt::format(
      "INSERT INTO {} (id, checksum, started_at, finished_at, migration_name, applied_steps_count) VALUES ({}, {}, "
      "{}::timestamp with time zone, {}::timestamp with time zone, {}, 1)",
      history_table(schema), quote_literal(row.id), quote_literal(migration.checksum), quote_literal(started_at),
      quote_literal(history_time()), quote_literal(migration.name));
  return row;
}

std::string insert_failed(Connection& db, const std::string& schema, const Migration& migration, TimePoint started_at,
                          const std::string& logs) {
  const std::string id = new_uuid();
  db.run(fmt::format("INSERT INTO {} (id, checksum, started_at, migration_name, logs) VALUES ($1, $2, $3::timestamp "
                     "with time zone, $4, $5)",
                     history_table(schema)),
         {id, migration.checksum, iso_utc(started_at), migration.name, logs});
  return id;
}

std::string insert_resolved(Connection& db, const std::string& schema, const Migration& migration) {
  const std::string id = new_uuid();
  db.run(fmt::format("INSERT INTO {} (id, checksum, logs, started_at, finished_at, migration_name) VALUES ($1, $2, '', "
                     "$3::timestamp with time zone, $3::timestamp with time zone, $4)",
                     history_table(schema)),
         {id, migration.checksum, iso_utc(history_now()), migration.name});
  return id;
}

void mark_finished(Connection& db, const std::string& schema, const std::string& id) {
  const std::uint64_t rows =
      changed(db,
              fmt::format("UPDATE {} SET applied_steps_count = applied_steps_count + 1, "
                          "finished_at = $2::timestamp with time zone, logs = NULL WHERE id = $1",
                          history_table(schema)),
              {id, iso_utc(history_now())});
  expect_one_row(rows, schema, id);
}

void mark_failed(Connection& db, const std::string& schema, const std::string& id, const std::string& logs) {
  const std::uint64_t rows =
      changed(db, fmt::format("UPDATE {} SET logs = $2 WHERE id = $1", history_table(schema)), {id, logs});
  expect_one_row(rows, schema, id);
}

std::uint64_t delete_row(Connection& db, const std::string& schema, const std::string& id) {
  const JournalOnServer on_server = read_journal(db, schema);
  const std::uint64_t rows = changed(db, fmt::format("DELETE FROM {} WHERE id = $1", history_table(schema)), {id});
  if (on_server.journal && on_server.journal->row_id == id && on_server.writable)
    remove_journal(db, schema, *on_server.journal);
  return rows;
}

std::uint64_t mark_failed_rolled_back(Connection& db, const std::string& schema, const std::string& name) {
  return changed(db,
                 fmt::format("UPDATE {} SET rolled_back_at = $2::timestamp with time zone WHERE migration_name = $1 "
                             "AND finished_at IS NULL "
                             "AND rolled_back_at IS NULL",
                             history_table(schema)),
                 {name, iso_utc(history_now())});
}

std::uint64_t mark_taken_back(Connection& db, const std::string& schema, const std::string& name) {
  return changed(
      db,
      fmt::format(
          "UPDATE {} SET finished_at = NULL, rolled_back_at = $2::timestamp with time zone WHERE migration_name = $1 "
          "AND rolled_back_at IS NULL",
          history_table(schema)),
      {name, iso_utc(history_now())});
}

std::vector<std::string> transactions_of(Connection& db, const std::string& schema,
                                         const std::vector<std::string>& ids) {
  std::vector<std::string> numbers;
  for (const std::string& id : ids) {
    for (const Row& row : db.rows(fmt::format("SELECT xmin::text FROM {} WHERE id = $1", history_table(schema)), {id}))
      numbers.push_back(row.text(0));
  }
  return numbers;
}

void set_finished_at(Connection& db, const std::string& schema, const std::string& id,
                     const std::optional<std::string>& finished_at) {
  const std::uint64_t rows = changed(
      db, fmt::format("UPDATE {} SET finished_at = $2::timestamp with time zone WHERE id = $1", history_table(schema)),
      {id, finished_at});
  expect_one_row(rows, schema, id);
}

}  // namespace belay
