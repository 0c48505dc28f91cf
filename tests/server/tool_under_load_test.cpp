// Backups while others work on the database without a pause: each is of one moment, whole, and restores to it.
#include "tests/support/kept_bench.hpp"

namespace belay::test {
namespace {

/// The newest archive restored by pg_restore into a database of its own.
class RestoredCopy {
 public:
  explicit RestoredCopy(const KeptBench& bench)
      : db_("copy", Owner::superuser, bench.db.url().with_database("postgres")) {
    const std::string command = "zstd -dc '" + bench.archives().back().string() + "' | " +
                                (pg_bin() / "pg_restore").string() + " --exit-on-error -d \"$COPY\"";
    const RunResult loaded = run({"bash", "-o", "pipefail", "-c", command}, {{"COPY", url_text(db_.url())}});
    INFO(loaded.err);
    REQUIRE(loaded.status == 0);
  }
  [[nodiscard]] const TestDatabase& db() const { return db_; }

 private:
  TestDatabase db_;
};

Json newest_manifest(const KeptBench& bench) {
  return Json::parse(read_text(bench.archives().back().string() + ".manifest.json"));
}

std::uint64_t rows_of(const Json& manifest, const std::string& table) {
  for (const Json& one : manifest.at("fingerprint").at("content").at("tables"))
    if (one.at("name") == table) return one.at("rows");
  FAIL("no table " + table);
  return 0;
}

/// Eight clients of pgbench, writing until the end of the test.
class Writers {
 public:
  /// `limits`: further options of pgbench, to leave something of the machine to other tests.
  explicit Writers(const KeptBench& bench, const Words& limits = {}) : bench_(bench) {
    const RunResult filled = run({pgbench(), "-i", "-q", "-I", "dtgvp", url_text(bench.db.owner_url())});
    INFO(filled.err);
    REQUIRE(filled.status == 0);
    Words argv{pgbench(), "-n", "-c", "8", "-T", "36000"};
    argv.insert(argv.end(), limits.begin(), limits.end());
    argv.push_back(url_text(bench.db.owner_url()));
    clients_.emplace(argv);
    wait_until("the clients to write", [this] { return written() > 0; });
  }
  [[nodiscard]] long written() const { return std::stol(bench_.db.value("SELECT count(*) FROM pgbench_history")); }
  [[nodiscard]] bool at_work() { return clients_->running(); }

 private:
  static std::string pgbench() { return (pg_bin() / "pgbench").string(); }
  const KeptBench& bench_;
  std::optional<Background> clients_;
};

/// Each transaction of pgbench adds one number in four places. A copy that is not of one moment has other sums.
void check_one_moment(const KeptBench& bench, long least, long most) {
  const RestoredCopy copy(bench);
  const std::string sums = copy.db().value(
      "SELECT concat_ws(' ', (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM "
      "pgbench_branches), "
      "(SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(delta) FROM pgbench_history))");
  std::istringstream in(sums);
  long accounts = 0, branches = 0, tellers = 0, history = 0;
  in >> accounts >> branches >> tellers >> history;
  CAPTURE(sums);
  CHECK(in);
  CHECK((accounts == branches && branches == tellers && tellers == history));
  const long rows = std::stol(copy.db().value("SELECT count(*) FROM pgbench_history"));
  CHECK(rows >= least);
  CHECK(rows <= most);
  CHECK(rows_of(newest_manifest(bench), "pgbench_history") == static_cast<std::uint64_t>(rows));
  CHECK(copy.db().value("SELECT count(*) FROM pgbench_accounts") == "100000");
}

void back_up_under_load(int count, const Words& limits) {
  KeptBench bench("load");
  Writers writers(bench, limits);
  for (int i = 0; i < count; ++i) {
    CAPTURE(i);
    const long before = writers.written();
    const RunResult result = bench.backup({"--verify", "restore", "--json"});
    INFO(result.err);
    REQUIRE(result.status == 0);
    const Json json = Json::parse(result.out);
    CHECK(json.at("proof").at("passed") == true);
    CHECK(json.at("proof").at("words").get<std::string>().starts_with("proven by"));
    CHECK_THAT(result.err, !Catch::Contains("begins anew"));
    check_one_moment(bench, before, writers.written());
    CHECK(writers.at_work());
  }
  CHECK(not_whole(bench.folder()) == "");
  CHECK(bench.archives().size() == static_cast<std::size_t>(count));
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("backups while eight clients write are proven, each exactly of one moment") {
  back_up_under_load(2, {"--rate", "300"});
}
TEST_CASE("twenty backups in a row while eight clients write are proven, each exactly of one moment", "[long]") {
  back_up_under_load(20, {});
}

/// What empties or rewrites a table, and what the table holds afterwards.
struct Rewrite {
  std::string table, statement;
  int rows;
};

const std::vector<Rewrite>& rewrites() {
  static const std::vector<Rewrite> all{
      {"z_truncated", "BEGIN; TRUNCATE z_truncated; INSERT INTO z_truncated VALUES (1, '1'); COMMIT", 1},
      {"z_retyped", "ALTER TABLE z_retyped ALTER v TYPE bigint", 1000},
      {"z_unlogged", "ALTER TABLE z_unlogged SET UNLOGGED", 1000},
      {"z_logged", "ALTER TABLE z_logged SET LOGGED", 1000},
      {"z_clustered", "CLUSTER z_clustered USING z_clustered_pkey", 1000},
      {"z_vacuumed", "VACUUM FULL z_vacuumed", 1000},
      {"z_moved",
       "BEGIN; CREATE TABLE n (LIKE z_moved INCLUDING ALL); INSERT INTO n SELECT * FROM z_moved WHERE v > 500; "
       "DROP TABLE z_moved; ALTER TABLE n RENAME TO z_moved; COMMIT",
       500}};
  return all;
}

void make_tables_to_rewrite(const KeptBench& bench) {
  for (const Rewrite& one : rewrites())
    bench.db.sql(std::string("CREATE ") + (one.table == "z_logged" ? "UNLOGGED" : "") + " TABLE " + one.table +
                 " (v integer PRIMARY KEY, t text); INSERT INTO " + one.table +
                 " SELECT i, i::text FROM generate_series(1, 1000) i");
}

void check_rewritten_and_whole(const KeptBench& bench, const RunResult& result) {
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json manifest = newest_manifest(bench);
  for (const Rewrite& one : rewrites()) {
    CAPTURE(one.statement);
    CHECK(rows_of(manifest, one.table) == static_cast<std::uint64_t>(one.rows));
  }
  const RestoredCopy copy(bench);
  CHECK(copy.db().dump() == bench.db.dump());
}

std::string sessions_of_run(const KeptBench& bench, const std::string& condition) {
  const Session server(bench.db.url(), "postgres");
  return server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = " +
                    server.literal(bench.db.name()) + " AND " + condition)[0];
}

TEST_CASE("tables that are emptied or rewritten while the backup waits for another one's lock are whole in it") {
  const KeptBench bench("rewritten");
  bench.db.sql("CREATE TABLE a_blocked (a integer)");  // locked before those that come after it
  make_tables_to_rewrite(bench);
  const Session holder(bench.db.owner_url(), bench.db.name());
  holder.run("BEGIN; LOCK TABLE a_blocked IN ACCESS EXCLUSIVE MODE");
  Background run = bench.start_backup({});
  wait_until("the backup to wait for a lock", [&] {
    REQUIRE(run.running());
    return sessions_of_run(bench, "wait_event_type = 'Lock'") == "1";
  });
  const Session client(bench.db.owner_url(), bench.db.name());
  client.run("SET lock_timeout = '10s'");
  for (const Rewrite& one : rewrites()) client.run(one.statement);
  CHECK(run.running());
  holder.run("COMMIT");
  check_rewritten_and_whole(bench, run.wait(std::chrono::seconds(60)));
}

TEST_CASE("tables that are to be emptied or rewritten once the backup has its locks go first, and are whole in it") {
  const KeptBench bench("rewritten");
  make_tables_to_rewrite(bench);
  const std::string bin = bench.programs({{"pg_dump", "sleep 1; exec \"$REAL\" \"$@\""}});
  Background run = bench.start_backup({"--pg-bin", bin});
  wait_until("pg_dump to be started", [&] { return wait_for_child(run, "pg_dump") != 0; });
  std::vector<std::unique_ptr<Background>> clients;
  for (const Rewrite& one : rewrites()) {
    Words argv{(pg_bin() / "psql").string(), "-XAtq", "-v", "ON_ERROR_STOP=1", url_text(bench.db.owner_url())};
    argv.insert(argv.end(), {"-c", one.statement});
    clients.push_back(std::make_unique<Background>(argv));
  }
  const RunResult result = run.wait(std::chrono::seconds(90));
  for (const std::unique_ptr<Background>& client : clients) {
    const RunResult changed = client->wait(std::chrono::seconds(60));
    INFO(changed.err);
    CHECK(changed.status == 0);
  }
  check_rewritten_and_whole(bench, result);
  CHECK_THAT(result.err, Catch::Contains("begins anew"));
}

/// Empties and fills a table, and changes a column's type, without a pause.
void rewrite_without_pause(const KeptBench& bench, const std::atomic<bool>& stop) {
  const Session session(bench.db.owner_url(), bench.db.name());
  for (int i = 0; !stop; ++i) {
    session.run("BEGIN; TRUNCATE busy; INSERT INTO busy SELECT generate_series(1, 1000); COMMIT");
    session.run(std::string("ALTER TABLE busy ALTER v TYPE ") + (i % 2 == 0 ? "bigint" : "integer"));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

TEST_CASE("a table that is emptied, filled and rewritten without a pause is never empty or half in a good backup",
          "[long]") {
  KeptBench bench("busy");
  bench.db.sql("CREATE TABLE busy (v integer); INSERT INTO busy SELECT generate_series(1, 1000)");
  bench.keep();
  std::atomic<bool> stop{false};
  std::thread busy([&] { rewrite_without_pause(bench, stop); });
  std::vector<RunResult> results;
  for (int i = 0; i < 3; ++i) results.push_back(bench.backup());
  stop = true;
  busy.join();
  std::size_t good = 0;
  for (const RunResult& result : results) {
    INFO(result.err);
    CHECK((result.status == 0 || result.status == 3 || result.status == 6));
    good += result.status == 0 ? 1 : 0;
  }
  for (const CatalogueEntry& entry : list_backups(bench.folder()))
    for (const TableContent& table : entry.manifest.value().content.tables)
      if (table.name == "busy") CHECK(table.rows == 1000);
  CHECK(bench.judge({.more = good}) == "");
}

}  // namespace
}  // namespace belay::test
