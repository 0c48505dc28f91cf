#include "common/connection_state.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <cstdlib>

#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/savepoint.hpp"

namespace belay {

namespace {

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

std::string first_words(const std::string& sql) {
  std::string words = sql.substr(0, 60);
  for (char& c : words) {
    if (c == '\n') c = ' ';
  }
  return words;
}

/// Reads change nothing, so dying around them shows nothing that dying before the next write would not.
bool changes_something(const std::string& sql) {
  if (sql.ends_with(locks_savepoint) || sql.starts_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    return false;
  if (sql.starts_with("WITH")) {  // the catalog is read so, a hundred times in a rehearsal
    for (const char* change : {"INSERT INTO", "UPDATE ", "DELETE FROM", "MERGE INTO"})
      if (sql.find(change) != std::string::npos) return true;
    return false;
  }
  return sql.rfind("SELECT", 0) != 0 && sql.rfind("SHOW", 0) != 0 && sql.rfind("SET", 0) != 0;
}

}  // namespace

std::string trimmed(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

void Connection::State::fail(const PGresult* result, const std::string& sql) const {
  const bool lost = PQstatus(pg.get()) == CONNECTION_BAD;
  const std::string text =
      result != nullptr ? trimmed(PQresultErrorMessage(result)) : trimmed(PQerrorMessage(pg.get()));
  std::string primary = result != nullptr ? field(result, PG_DIAG_MESSAGE_PRIMARY) : "";
  if (primary.empty()) primary = lost ? "lost the connection to the server" : text;
  ServerError error{Failure::failed, primary, text};
  if (result != nullptr) {
    error.sqlstate = field(result, PG_DIAG_SQLSTATE);
    error.server_detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    error.server_hint = field(result, PG_DIAG_MESSAGE_HINT);
    error.context = field(result, PG_DIAG_CONTEXT);
    error.position = std::atoi(field(result, PG_DIAG_STATEMENT_POSITION).c_str());
  }
  if (!error.sqlstate.empty()) error.detail += fmt::format("\nSQLSTATE: {}", error.sqlstate);
  error.primary = primary;
  error.statement = sql;
  error.connection_lost = lost;
  throw error;
}

void Connection::State::wait_readable(Interruptible mode) const {
  while (PQisBusy(pg.get()) != 0) {
    if (mode == Interruptible::yes && interrupted()) {
      drain();
      throw_if_interrupted();
    }
    const int unsent = PQflush(pg.get());
    pollfd fd{PQsocket(pg.get()), static_cast<short>(POLLIN | (unsent == 1 ? POLLOUT : 0)), 0};
    if (fd.fd < 0) return;  // broken: PQgetResult will say how
    ::poll(&fd, 1, meanwhile ? 5 : 200);
    if (fd.revents != 0 && PQconsumeInput(pg.get()) == 0) return;
    if (meanwhile && fd.revents == 0) do_meanwhile();
  }
}

void Connection::State::do_meanwhile() const {
  try {
    meanwhile();
  } catch (...) {
    drain();  // no statement is left running that nobody waits for
    throw;
  }
}

/// Asks the server to stop the running statement and reads whatever is left of its answer.
void Connection::State::drain() const {
  if (PGcancel* cancel = PQgetCancel(pg.get())) {
    std::array<char, 256> why{};
    PQcancel(cancel, why.data(), static_cast<int>(why.size()));
    PQfreeCancel(cancel);
  }
  while (const PgResult rest{PQgetResult(pg.get())}) {
    if (PQresultStatus(rest.get()) != PGRES_COPY_OUT) continue;
    char* row = nullptr;
    while (PQgetCopyData(pg.get(), &row, 0) > 0) PQfreemem(row);
  }
}

void Connection::State::send(const std::string& sql, const Params* params) const {
  int sent = 0;
  if (params == nullptr) {
    sent = PQsendQuery(pg.get(), sql.c_str());
  } else {
    std::vector<const char*> values;
    values.reserve(params->size());
    for (const Cell& value : *params) values.push_back(value ? value->c_str() : nullptr);
    sent = PQsendQueryParams(pg.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                             nullptr, 0);
  }
  if (sent == 0) fail(nullptr, sql);
  PQflush(pg.get());
  if (changes_something(sql)) fault_point("sent: " + first_words(sql));
}

PgResult Connection::State::next(const std::string& sql, Interruptible mode) const {
  wait_readable(mode);
  PgResult result{PQgetResult(pg.get())};
  if (!result && PQstatus(pg.get()) == CONNECTION_BAD) fail(nullptr, sql);
  return result;
}

/// All results of what was sent; the last one that is not an error, or the first error thrown.
PgResult Connection::State::last(const std::string& sql, Interruptible mode) const {
  PgResult kept;
  PgResult error;
  while (PgResult result = next(sql, mode)) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_BOTH) {
      PQputCopyEnd(pg.get(),
                   "COPY FROM STDIN has no data here");  // the server answers with the error that people should see
      continue;
    }
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      if (!error) error = std::move(result);
    } else {
      kept = std::move(result);
    }
    if (PQstatus(pg.get()) == CONNECTION_BAD) break;
  }
  if (error) fail(error.get(), sql);
  if (!kept) fail(nullptr, sql);
  return kept;
}

PgResult Connection::State::execute(const std::string& sql, const Params* params, Interruptible mode) const {
  if (mode == Interruptible::yes) throw_if_interrupted();
  send(sql, params);
  PgResult result = last(sql, mode);
  if (changes_something(sql)) fault_point("done: " + first_words(sql));
  return result;
}

}  // namespace belay
