// Clients that write one row after the other while names are swapped under them.
#pragma once
#include <mutex>
#include <set>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {

using Clock = std::chrono::steady_clock;

struct Written {
  int id = 0;
  std::string database;  ///< OID of the database that took it
  Clock::time_point at;
};

/// Clients that write a row, over and over, until the end of the test. Each reconnects as soon as it is thrown out.
class Clients {
 public:
  enum class Session { one_row, as_long_as_it_lasts };
  /// `pause` after each row, because other tests need the machine too; whoever is thrown out comes back without one.
  Clients(const DatabaseUrl& url, int count, Session session, std::chrono::milliseconds pause)
      : url_(url), session_(session), pause_(pause) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
    wait_for_some();
  }
  ~Clients() { stop(); }
  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  /// Returns once each client could have written again.
  void wait_for_some() {
    const std::size_t before = written().size();
    wait_until("the clients to write", [&] { return written().size() > before + 40; });
  }
  [[nodiscard]] std::vector<Written> written() const {
    const std::lock_guard<std::mutex> guard(mutex_);
    return written_;
  }
  /// From one success to the next, the longest between two moments, in ms.
  [[nodiscard]] long longest_gap(Clock::time_point from, Clock::time_point to) const {
    Clock::time_point last = from;
    Clock::duration longest{};
    for (const Written& one : written()) {
      if (one.at < from) continue;
      longest = std::max(longest, one.at - last);
      last = one.at;
      if (last > to) break;
    }
    return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(longest).count());
  }

 private:
  void work() {
    while (!stop_) {
      const test::Session session(url_, url_.database);
      do {
        if (!write_row(session)) break;
      } while (session_ == Session::as_long_as_it_lasts && !stop_);
    }
  }
  /// False: it was not answered; then the row may be there or not.
  bool write_row(const test::Session& session) {
    const int id = next_++;
    try {
      const std::string path =
          session
              .run("INSERT INTO written VALUES (" + std::to_string(id) + ") RETURNING pg_relation_filepath('written')")
              .at(0);
      const std::string database = path.substr(5, path.find('/', 5) - 5);  // base/OID/file
      {
        const std::lock_guard<std::mutex> guard(mutex_);
        written_.push_back({id, database, Clock::now()});
      }
      std::this_thread::sleep_for(pause_);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  const DatabaseUrl url_;
  const Session session_;
  const std::chrono::milliseconds pause_;
  std::atomic<bool> stop_{false};
  std::atomic<int> next_{1};
  mutable std::mutex mutex_;
  std::vector<Written> written_;
  std::vector<std::thread> threads_;
};

/// The rows of `written` in the target, or in a kept database.
inline std::multiset<std::string> written_rows(const TestDatabase& db, const std::string& database) {
  const Words rows = run_sql(db.url().with_database(database), "SELECT id FROM written");
  return {rows.begin(), rows.end()};
}

/// Everything that a client saw committed is where it was committed to, once, and nowhere else.
inline void check_nothing_lost(const TestDatabase& db, const std::vector<Written>& written, const std::string& kept) {
  const auto oid = [&](const std::string& database) {
    return run_sql(db.url().with_database(database), "SELECT oid FROM pg_database WHERE datname = current_database()")
        .at(0);
  };
  const std::map<std::string, std::multiset<std::string>> rows{{oid(db.name()), written_rows(db, db.name())},
                                                               {oid(kept), written_rows(db, kept)}};
  std::string wrong;
  for (const Written& one : written) {
    if (rows.find(one.database) == rows.end()) wrong += "in no database that is left: " + std::to_string(one.id) + "\n";
    for (const auto& [database, there] : rows) {
      const std::size_t expected = database == one.database ? 1 : 0;
      if (there.count(std::to_string(one.id)) != expected)
        wrong += std::to_string(one.id) + " of " + one.database + ": " +
                 std::to_string(there.count(std::to_string(one.id))) + " times in " + database + "\n";
    }
  }
  CHECK(wrong == "");
}

}  // namespace belay::test
