// Writers for scripts/bench: they write one row after the other through the target's name until SIGTERM, and reconnect
// as soon as they are thrown out.
//   bench_writers URL COUNT FILE    FILE gets one line for each row that was committed: when (ns since 1970), the
//   database's OID, the writer's number
// Only libpq: what it measures must not depend on what is measured.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::chrono::milliseconds between_rows{5};  // an application, not a flood: the machine is also restoring
constexpr std::chrono::milliseconds longest_wait{200};

constexpr const char* write_row =
    "INSERT INTO written DEFAULT VALUES RETURNING (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
    "pg_catalog.current_database())";

volatile std::sig_atomic_t stop = 0;

using Session = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

struct Row {
  std::int64_t at = 0;
  std::string database;
};

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Until the session breaks, or the table is not there.
void write_rows(PGconn* session, std::vector<Row>& rows) {
  while (stop == 0) {
    const Answer answer{PQexec(session, write_row), &PQclear};
    if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK) return;
    rows.push_back({now(), PQgetvalue(answer.get(), 0, 0)});
    std::this_thread::sleep_for(between_rows);
  }
}

/// The first try comes at once. A database that goes on refusing is asked less and less often, or 16 writers would keep
/// the whole machine busy with being refused.
void work(const std::string& url, std::vector<Row>& rows) {
  std::chrono::milliseconds wait{};
  while (stop == 0) {
    const std::size_t before = rows.size();
    const Session session{PQconnectdb(url.c_str()), &PQfinish};
    if (PQstatus(session.get()) == CONNECTION_OK) write_rows(session.get(), rows);
    if (rows.size() > before) {
      wait = {};
      continue;
    }
    wait = std::min(longest_wait, wait * 2 + std::chrono::milliseconds{5});
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: bench_writers URL COUNT FILE\n";
    return 2;
  }
  (void)std::signal(SIGTERM, [](int) { stop = 1; });
  (void)std::signal(SIGINT, [](int) { stop = 1; });
  const std::string url = arguments[1];
  std::vector<std::vector<Row>> written(std::strtoul(arguments[2], nullptr, 10));
  std::vector<std::thread> threads;
  threads.reserve(written.size());
  for (std::vector<Row>& rows : written) threads.emplace_back([&] { work(url, rows); });
  for (std::thread& thread : threads) thread.join();
  std::ofstream file{arguments[3]};
  for (std::size_t writer = 0; writer < written.size(); ++writer) {
    for (const Row& row : written[writer]) file << row.at << ' ' << row.database << ' ' << writer << '\n';
  }
  return file.flush() ? 0 : 1;
}
