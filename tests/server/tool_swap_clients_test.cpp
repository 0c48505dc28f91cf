// Swaps while clients connect, write and come back at once: whatever a client saw committed is in the database that it
// was committed to, and what is only in the kept one was announced.
#include <iostream>

#include "tests/server/writing_clients.hpp"
#include "tests/support/pgbouncer.hpp"

namespace belay::test {
namespace {

class SwapBench : public ToolBench {
 public:
  SwapBench() : ToolBench("swap") {
    fill_orders(db);
    db.sql("CREATE TABLE written (id integer)");
    archive = take_backup();
  }
  [[nodiscard]] RunResult restore_now(const Words& more = {}) const {
    Words words{"--backup-file", archive, "--force", "--skip-pre-restore-backup", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return restore(words);
  }
  [[nodiscard]] std::multiset<std::string> rows_in(const std::string& database) const {
    return written_rows(db, database);
  }
  [[nodiscard]] std::string kept() const { return sides("before").at(0); }
  void check_nothing_lost(const std::vector<Written>& written) const { test::check_nothing_lost(db, written, kept()); }

  std::string archive;
};

/// Rows of `written` that a run announced, before its swap and after it.
std::int64_t announced(const RunResult& result) {
  const Json json = Json::parse(result.out);
  std::int64_t sum = 0;
  for (const char* list : {"loss", "only_in_kept"}) {
    for (const Json& table : json.at(list)) {
      if (table.at("table") == "\"public\".\"written\"") sum += table.at("new_or_changed").get<std::int64_t>();
    }
  }
  return sum;
}

/// A restore and then one undo after the other, each under the clients' hands. What each announces is what the database
/// that it puts away got since it came into its place.
std::vector<long> swap_under_clients(int swaps, std::chrono::milliseconds pause) {
  const SwapBench bench;
  Clients clients(bench.db.owner_url(), 16, Clients::Session::one_row, pause);
  std::vector<long> gaps;
  std::size_t had = 0;  // rows of the present database when it came into its place
  for (int i = 0; i < swaps; ++i) {
    CAPTURE(i);
    const std::size_t incoming = i == 0 ? 0 : bench.rows_in(bench.kept()).size();
    const Clock::time_point began = Clock::now();
    const RunResult result = i == 0 ? bench.restore_now() : bench.restore({"undo", "--force", "--json"});
    const Clock::time_point ended = Clock::now();
    INFO(result.err);
    REQUIRE(result.status == 0);
    clients.wait_for_some();
    gaps.push_back(clients.longest_gap(began, ended));
    INFO(result.out);
    CHECK(announced(result) == static_cast<std::int64_t>(bench.rows_in(bench.kept()).size() - had));
    had = incoming;
  }
  clients.stop();
  bench.check_nothing_lost(clients.written());
  std::sort(gaps.begin(), gaps.end());
  std::cout << "longest gaps between two writes around " << swaps << " swaps: median " << gaps[gaps.size() / 2]
            << " ms, maximum " << gaps.back() << " ms\n";
  return gaps;
}

TEST_CASE("what 16 reconnecting clients saw committed is in exactly one database after three swaps, and announced") {
  (void)swap_under_clients(3, std::chrono::milliseconds(30));
}

TEST_CASE("twenty swaps under 16 reconnecting clients lose nothing and hold them up for less than a second", "[long]") {
  const std::vector<long> gaps = swap_under_clients(20, {});
  CHECK(gaps[gaps.size() / 2] <= 600);
  CHECK(gaps.back() <= 2000);
}

/// A client that writes in one go with the swap: its statistics come only with its end.
void write_between_count_and_swap(int runs) {
  const SwapBench bench;
  for (int i = 0; i < runs; ++i) {
    CAPTURE(i);
    Clients clients(bench.db.owner_url(), 1, Clients::Session::as_long_as_it_lasts, std::chrono::milliseconds(1));
    const RunResult result = bench.restore_now();
    clients.stop();
    INFO(result.err << result.out);
    REQUIRE(result.status == 0);
    CHECK(announced(result) == static_cast<std::int64_t>(bench.rows_in(bench.kept()).size()));
    bench.check_nothing_lost(clients.written());
    REQUIRE(bench.restore({"undo", "--force"}).status == 0);
    REQUIRE(bench.restore({"drop", bench.kept(), "--force"}).status == 0);
    bench.db.sql("TRUNCATE written");
  }
}

TEST_CASE("what a client writes between the count and the swap is announced, to the row") {
  write_between_count_and_swap(3);
}
TEST_CASE("in fifty restores nothing that is written between the count and the swap goes unannounced", "[long]") {
  write_between_count_and_swap(50);
}

TEST_CASE("a restore swaps under the clients of a PgBouncer, and they go on through it") {
  for (const std::string mode : {"session", "transaction"}) {
    CAPTURE(mode);
    const SwapBench bench;
    const PgBouncer bouncer(bench.db.owner_url(), mode);
    Clients clients(bouncer.url(), 8, Clients::Session::as_long_as_it_lasts, std::chrono::milliseconds(5));
    const Clock::time_point began = Clock::now();
    const RunResult result = bench.restore_now();
    const Clock::time_point ended = Clock::now();
    INFO(result.err << bouncer.log());
    REQUIRE(result.status == 0);
    clients.wait_for_some();
    std::cout << "longest gap through PgBouncer, " << mode << " pooling: " << clients.longest_gap(began, ended)
              << " ms\n";
    clients.stop();
    CHECK(announced(result) == static_cast<std::int64_t>(bench.rows_in(bench.kept()).size()));
    CHECK(!bench.rows_in(bench.db.name()).empty());
    bench.check_nothing_lost(clients.written());
  }
}

}  // namespace
}  // namespace belay::test
