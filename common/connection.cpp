#include "common/connection_state.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>

#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/savepoint.hpp"
#include "common/session_setup.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

void forward_notice(void* listener, const char* text) {
  const auto& notice = *static_cast<std::function<void(const std::string&)>*>(listener);
  if (notice) notice(trimmed(text));
}

Rows to_rows(const PGresult* result) {
  auto names = std::make_shared<std::vector<std::string>>();
  const int columns = PQnfields(result);
  for (int c = 0; c < columns; ++c) names->emplace_back(PQfname(result, c));
  Rows rows;
  rows.reserve(static_cast<std::size_t>(PQntuples(result)));
  for (int r = 0; r < PQntuples(result); ++r) {
    std::vector<Cell> cells;
    cells.reserve(static_cast<std::size_t>(columns));
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) != 0) {
        cells.emplace_back(std::nullopt);
      } else {
        cells.emplace_back(std::string(PQgetvalue(result, r, c), static_cast<std::size_t>(PQgetlength(result, r, c))));
      }
    }
    rows.emplace_back(names, std::move(cells));
  }
  return rows;
}

[[noreturn]] void wrong_shape(const std::string& expected, std::size_t got, const std::string& sql) {
  throw Error{Failure::bug, fmt::format("expected {}, got {} rows", expected, got), sql};
}

}  // namespace

namespace {

/// By database; every thread's.
std::int64_t count_session(const std::string& database, std::int64_t more) {
  static std::mutex mutex;
  static std::map<std::string, std::int64_t> made;
  const std::lock_guard<std::mutex> hold(mutex);
  return made[database] += more;
}

}  // namespace

std::int64_t sessions_made(const std::string& database) { return count_session(database, 0); }

Connection::Connection(const DatabaseUrl& url, const std::string& database_name, const SessionSettings& settings)
    : state_(std::make_unique<State>()) {
  state_->url = url;
  state_->database = database_name;
  state_->settings = settings;
  std::vector<std::pair<std::string, std::string>> keywords = url.keywords(database_name);
  std::erase_if(keywords,
                [](const auto& pair) { return pair.first == "application_name" || pair.first == "client_encoding"; });
  keywords.emplace_back("application_name", settings.application_name);
  keywords.emplace_back("client_encoding", "UTF8");
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : keywords) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  state_->pg.reset(PQconnectdbParams(keys.data(), values.data(), 0));
  if (PQstatus(state_->pg.get()) != CONNECTION_OK) {
    throw connection_error(url.with_database(database_name), trimmed(PQerrorMessage(state_->pg.get())));
  }
  count_session(database_name, 1);
  PQsetNoticeProcessor(state_->pg.get(), forward_notice, &state_->notice);
  PQsetnonblocking(state_->pg.get(), 1);
  const char* encoding = PQparameterStatus(state_->pg.get(), "server_encoding");
  if (encoding != nullptr && std::string_view{encoding} == "SQL_ASCII")
    PQsetClientEncoding(state_->pg.get(), "SQL_ASCII");
  // PQbackendPID is what the other end of this connection made up, which is a pooler's number where there is one.
  const std::string setup = session_setup(settings, server_version()) + "SELECT pg_catalog.pg_backend_pid()";
  state_->backend_pid = std::atoi(PQgetvalue(state_->execute(setup, nullptr, Interruptible::yes).get(), 0, 0));
}

Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

void Connection::run(const std::string& sql, const Params& params) {
  state_->execute(sql, &params, Interruptible::yes);
}

Rows Connection::rows(const std::string& sql, const Params& params) {
  return to_rows(state_->execute(sql, &params, Interruptible::yes).get());
}

Row Connection::one(const std::string& sql, const Params& params) {
  Rows found = rows(sql, params);
  if (found.size() != 1) wrong_shape("1 row", found.size(), sql);
  return std::move(found.front());
}

std::optional<Row> Connection::maybe(const std::string& sql, const Params& params) {
  Rows found = rows(sql, params);
  if (found.empty()) return std::nullopt;
  if (found.size() > 1) wrong_shape("at most 1 row", found.size(), sql);
  return std::move(found.front());
}

std::string Connection::value(const std::string& sql, const Params& params) { return one(sql, params).text(0); }

std::string Connection::run_script(const std::string& sql) {
  return PQcmdStatus(state_->execute(sql, nullptr, Interruptible::yes).get());
}

std::string Connection::finish_transaction(const std::string& sql) {
  return PQcmdStatus(state_->execute(sql, nullptr, Interruptible::no).get());
}

Connection::Finished Connection::commit_and(const std::string& then) {
  const std::string sql = "COMMIT; " + then;
  state_->send(sql, nullptr);
  Finished finished;
  PgResult error;
  try {
    while (PgResult result = state_->next(sql, Interruptible::no)) {
      const ExecStatusType status = PQresultStatus(result.get());
      const bool failed = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
      if (failed && !error) error = std::move(result);
      if (!failed && finished.tag.empty()) finished.tag = PQcmdStatus(result.get());
      if (!usable()) break;
    }
  } catch (const ServerError&) {
    if (finished.tag.empty()) throw;
    return finished;
  }
  if (finished.tag.empty()) state_->fail(error.get(), sql);
  finished.then_done = !error && usable();
  fault_point("done: COMMIT and what follows");
  return finished;
}

std::string Connection::run_while(const std::string& sql, const std::function<void()>& meanwhile) {
  struct Forget {
    ~Forget() { state.meanwhile = nullptr; }
    State& state;
  };
  const Forget forget{*state_};
  state_->meanwhile = meanwhile;
  return PQcmdStatus(state_->execute(sql, nullptr, Interruptible::no).get());
}

std::uint64_t Connection::copy_out(const std::string& sql, const ByteSink& out) {
  throw_if_interrupted();
  state_->send(sql, nullptr);
  const PgResult start = state_->next(sql, Interruptible::yes);
  if (PQresultStatus(start.get()) != PGRES_COPY_OUT) {
    state_->drain();
    state_->fail(start.get(), sql);
  }
  std::uint64_t rows = 0;
  for (;;) {
    char* row = nullptr;
    const int size = PQgetCopyData(state_->pg.get(), &row, 1);
    if (size > 0) {
      const std::unique_ptr<char, void (*)(void*)> owned{row, PQfreemem};
      try {
        out(as_bytes(std::string_view{row, static_cast<std::size_t>(size)}));
      } catch (...) {
        state_->drain();  // the session stays usable for whoever handles it
        throw;
      }
      if ((++rows & 0xfffU) == 0 && interrupted()) break;
      continue;
    }
    if (size < 0) break;
    pollfd fd{PQsocket(state_->pg.get()), POLLIN, 0};
    ::poll(&fd, 1, 200);
    if (interrupted()) break;
    if (fd.revents != 0 && PQconsumeInput(state_->pg.get()) == 0) state_->fail(nullptr, sql);
  }
  if (interrupted()) {
    state_->drain();
    throw_if_interrupted();
  }
  state_->last(sql, Interruptible::no);
  return rows;
}

void Connection::begin_copy_in(const std::string& sql) {
  throw_if_interrupted();
  state_->send(sql, nullptr);
  const PgResult start = state_->next(sql, Interruptible::yes);
  if (PQresultStatus(start.get()) == PGRES_COPY_IN) return;
  state_->drain();
  state_->fail(start.get(), sql);
}

void Connection::copy_in(ByteSpan rows) {
  throw_if_interrupted();
  const std::string_view text = as_text(rows);
  constexpr std::size_t at_once = std::size_t{1024} * 1024;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view piece = text.substr(at, at_once);
    const int taken = PQputCopyData(state_->pg.get(), piece.data(), static_cast<int>(piece.size()));
    if (taken < 0) state_->fail(nullptr, "COPY FROM STDIN");
    if (taken > 0) at += piece.size();
    // What is not sent yet stays in memory, so it is waited for.
    while (PQflush(state_->pg.get()) == 1) {
      pollfd fd{PQsocket(state_->pg.get()), POLLOUT, 0};
      ::poll(&fd, 1, 200);
      throw_if_interrupted();
    }
  }
}

std::uint64_t Connection::end_copy_in() {
  const std::string sql = "COPY FROM STDIN";
  if (PQputCopyEnd(state_->pg.get(), nullptr) < 0) state_->fail(nullptr, sql);
  return std::strtoull(PQcmdTuples(state_->last(sql, Interruptible::yes).get()), nullptr, 10);
}

void Connection::cancel_copy_in() {
  if (PQputCopyEnd(state_->pg.get(), "the rows are not wanted any more") < 0) return;
  while (const PgResult rest{PQgetResult(state_->pg.get())}) {
  }
}

TransactionState Connection::transaction_state() const {
  switch (PQtransactionStatus(state_->pg.get())) {
    case PQTRANS_IDLE:
      return TransactionState::idle;
    case PQTRANS_INTRANS:
      return TransactionState::open;
    case PQTRANS_INERROR:
      return TransactionState::failed;
    default:
      return TransactionState::unknown;
  }
}

bool Connection::usable() const { return PQstatus(state_->pg.get()) == CONNECTION_OK; }
void Connection::check_alive() { run("SELECT 1"); }
int Connection::backend_pid() const { return state_->backend_pid; }
bool Connection::through_pooler() const { return PQbackendPID(state_->pg.get()) != state_->backend_pid; }
int Connection::server_version() const { return PQserverVersion(state_->pg.get()); }
const std::string& Connection::database() const { return state_->database; }
const DatabaseUrl& Connection::url() const { return state_->url; }
const SessionSettings& Connection::settings() const { return state_->settings; }
void Connection::on_notice(std::function<void(const std::string&)> listener) { state_->notice = std::move(listener); }

}  // namespace belay
