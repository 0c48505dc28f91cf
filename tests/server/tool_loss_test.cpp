// What a restore takes away: said before it, exactly where it can be, and counted again if somebody wrote meanwhile.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// `"public"."t"` of a result's list of losses; null where it is not there.
Json lost(const RunResult& result, const std::string& table, const std::string& list = "loss") {
  const Json json = Json::parse(result.out);
  for (const Json& one : json.at(list)) {
    if (one.at("table") == "\"public\".\"" + table + "\"") return one;
  }
  return nullptr;
}

/// A restored row takes as long as it says; nothing anywhere else.
void make_loading_slow(const TestDatabase& db, const std::string& seconds) {
  db.sql(
      "CREATE FUNCTION on_load() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF current_database() ~ "
      "'__restore_[0-9]{8}T' THEN PERFORM pg_sleep(" +
      seconds +
      "); END IF; RETURN true; END $$; CREATE TABLE slow (a integer CHECK (public.on_load())); INSERT INTO slow "
      "VALUES (1)");
}

/// Once the restore's pg_restore sleeps, `act` happens, once. Joined at the end.
class WhileLoading {
 public:
  WhileLoading(const TestDatabase& db, std::function<void()> act)
      : thread_([&db, act = std::move(act)] {
          const Session server(server_url(), "postgres");
          const std::string question =
              "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND starts_with(datname, " +
              server.literal(db.name()) + ")";
          const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
          while (server.run(question).at(0) == "0" && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          act();
        }) {}
  ~WhileLoading() { thread_.join(); }

 private:
  std::thread thread_;
};

/// Until no transaction of the server is older than what was written so far. Other tests' databases are on the same
/// server: rows that were written while a transaction of theirs was open are told apart from its savepoints' by
/// nothing.
void wait_for_older_transactions(const TestDatabase& db) {
  const std::string now = db.value("SELECT pg_current_xact_id()::text");
  wait_until("older transactions to end",
             [&] { return db.value("SELECT pg_snapshot_xmin(pg_current_snapshot()) > '" + now + "'::xid8") == "t"; });
}

std::string backup_when_quiet(const ToolBench& bench) {
  wait_for_older_transactions(bench.db);
  return bench.take_backup();
}

std::string in_kept(const ToolBench& bench, const std::string& query) {
  DatabaseUrl kept = bench.db.url();
  kept.database = bench.sides("before").at(0);
  return run_sql(kept, query).at(0);
}

TEST_CASE(
    "rows, tables, columns and migrations that a restore takes away are told exactly, with and without a backup") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql("CREATE TABLE still AS SELECT 1 AS a; CREATE TABLE dropped AS SELECT generate_series(1, 4) AS a");
  const std::string archive = backup_when_quiet(bench);
  bench.db.sql(
      "INSERT INTO orders VALUES (1001), (1002), (1003); UPDATE orders SET note = 'x' WHERE id <= 2; DELETE FROM "
      "orders "
      "WHERE id BETWEEN 11 AND 15; CREATE TABLE later AS SELECT generate_series(1, 7) AS a; DROP TABLE dropped; ALTER "
      "TABLE still ADD wider text; INSERT INTO _prisma_migrations VALUES ('second', 'c', now(), '20240102000000_next', "
      "NULL, NULL, now(), 1)");
  for (const Words& how : {Words{}, Words{"--skip-pre-restore-backup"}}) {
    Words words{"--backup-file", archive, "--force", "--json"};
    words.insert(words.end(), how.begin(), how.end());
    const RunResult result = bench.restore(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
    const Json orders = lost(result, "orders");
    CHECK(orders.at("new_or_changed") == 5);
    CHECK(orders.at("gone_or_changed") == 7);
    CHECK(orders.at("exact") == true);
    CHECK(lost(result, "later").at("what") == "goes away");
    CHECK(lost(result, "later").at("new_or_changed") == 7);
    CHECK(lost(result, "dropped").at("what") == "comes back");
    CHECK(lost(result, "still").at("columns_going") == Json{"wider"});
    CHECK(Json::parse(result.out).at("loss").size() == 4);
    CHECK(Json::parse(result.out).at("migrations_since") == Json{"20240102000000_next (applied)"});
    CHECK(Json::parse(result.out).at("only_in_kept").empty());
    CHECK_THAT(result.err, Catch::Contains("5 rows new or changed, 7 rows deleted or changed") ||
                               Catch::Contains("5 rows new or changed, 7 rows deleted"));
    REQUIRE(bench.restore({"undo", "--force"}).status == 0);
    REQUIRE(bench.restore({"drop", bench.sides("before").at(0), "--force"}).status == 0);
  }
}

TEST_CASE("after an earlier restore no row's version tells: equal tables lose nothing, the others are said as about") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = backup_when_quiet(bench);
  REQUIRE(bench.restore({"--backup-file", archive, "--force", "--skip-pre-restore-backup"}).status == 0);
  const Words again{"--backup-file", archive, "--force", "--json", "--keep", "5"};
  RunResult result = bench.restore(again);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("loss").empty());
  bench.db.sql("INSERT INTO orders VALUES (1000, 'late')");
  result = bench.restore(again);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("loss").size() == 1);
  CHECK(lost(result, "orders").at("exact") == false);
  CHECK_THAT(result.err, Catch::Contains("about 301 rows now, 300 then"));
}

TEST_CASE("a column's new type loses nothing by itself, and what came after it is counted") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = backup_when_quiet(bench);
  bench.db.sql("ALTER TABLE orders ALTER note TYPE varchar(99); ALTER TABLE lines ALTER orders_id TYPE bigint");
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("loss").empty());
}

TEST_CASE("what others write while a restore loads is told again and asked again, and a no leaves everything") {
  const ToolBench bench;
  fill_orders(bench.db);
  make_loading_slow(bench.db, "1");
  const std::string archive = backup_when_quiet(bench);
  const std::string prompt = "Type 'RESTORE'";
  for (const std::string& answer : Words{"no", "RESTORE"}) {
    CAPTURE(answer);
    const std::string before = bench.state();
    const WhileLoading writer(bench.db, [&] { bench.db.sql("INSERT INTO orders VALUES (1000, 'late')"); });
    const RunResult result =
        run_on_terminal(ToolBench::argv_of("restore-database", {"--backup-file", archive, "--skip-pre-restore-backup"}),
                        bench.env, {{prompt, "RESTORE\n"}, {prompt, answer + "\n"}}, {.cwd = bench.work.path()});
    INFO(result.out);
    CHECK_THAT(result.out, Catch::Contains("\"orders\": 1 row new or changed, 0 rows deleted or changed"));
    CHECK(result.status == (answer == "no" ? 4 : 0));
    CHECK(bench.sides("restore").empty());
    if (answer == "RESTORE") CHECK(in_kept(bench, "SELECT note FROM orders WHERE id = 1000") == "late");
    if (answer != "no") continue;
    CHECK(bench.db.side_databases().empty());
    CHECK(bench.db.value("SELECT count(*) FROM orders") == "301");
    bench.db.sql("DELETE FROM orders WHERE id = 1000");
    CHECK(bench.state() == before);
  }
}

TEST_CASE("with --force what others write while a restore loads is told again, before the swap and in the result") {
  const ToolBench bench;
  fill_orders(bench.db);
  make_loading_slow(bench.db, "1");
  const std::string archive = backup_when_quiet(bench);
  RunResult result;
  {
    const WhileLoading writer(bench.db, [&] { bench.db.sql("INSERT INTO orders VALUES (1000, 'late')"); });
    result = bench.restore({"--backup-file", archive, "--force", "--json"});
  }
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("Others wrote to database"));
  CHECK(lost(result, "orders").at("new_or_changed") == 1);
}

TEST_CASE("statistics that move without a row's change ask nobody again") {
  const ToolBench bench;
  fill_orders(bench.db);
  make_loading_slow(bench.db, "1");
  const std::string archive = backup_when_quiet(bench);
  RunResult result;
  {
    const WhileLoading writer(bench.db, [&] { bench.db.sql("ANALYZE; BEGIN; DELETE FROM lines; ROLLBACK"); });
    result = bench.restore({"--backup-file", archive, "--force", "--json"});
  }
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, !Catch::Contains("Others wrote to database"));
  CHECK(Json::parse(result.out).at("loss").empty());
}

TEST_CASE("where nobody's writes are counted by the server, the kept database is looked at after the swap") {
  const ToolBench bench;
  fill_orders(bench.db);
  make_loading_slow(bench.db, "1");
  const Session server(server_url(), "postgres");
  const std::string archive = backup_when_quiet(bench);
  server.run("ALTER ROLE " + server.identifier(bench.db.owner_name()) + " SET track_counts = off");
  RunResult result;
  {
    const WhileLoading writer(bench.db, [&] { bench.db.sql("INSERT INTO orders VALUES (1000, 'late')"); });
    result = bench.restore({"--backup-file", archive, "--force", "--json"});
  }
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("loss").empty());
  CHECK(lost(result, "orders", "only_in_kept").at("new_or_changed") == 1);
  CHECK_THAT(result.err, Catch::Contains("written right before the swap"));
}

TEST_CASE("a session that this role may not end stops the swap after some seconds, and the old database stays",
          "[long]") {
  const ToolBench bench;
  fill_orders(bench.db);
  make_loading_slow(bench.db, "1");
  const std::string archive = backup_when_quiet(bench);
  const std::string before = bench.state();
  std::unique_ptr<Session> superuser;
  RunResult result;
  {
    const WhileLoading visitor(bench.db,
                               [&] { superuser = std::make_unique<Session>(bench.db.url(), bench.db.name()); });
    result = bench.restore({"--backup-file", archive, "--force", "--skip-pre-restore-backup"});
  }
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK_THAT(result.err, Catch::Contains("its sessions do not end") && Catch::Contains("backend "));
  CHECK(superuser->run("SELECT count(*) FROM orders").at(0) == "300");
  superuser.reset();
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a table that somebody keeps locked is told as not known, and stops nothing", "[long]") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = backup_when_quiet(bench);
  const Session holder(bench.db.owner_url(), bench.db.name());
  holder.run("BEGIN; LOCK TABLE lines IN ACCESS EXCLUSIVE MODE");
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--json", "--skip-pre-restore-backup"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("loss").size() == 1);
  CHECK(lost(result, "lines").at("what") == "not known");
  CHECK_THAT(result.err, Catch::Contains("lock timeout"));
}

TEST_CASE("undo tells what was written since the restore, and keeps it") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = backup_when_quiet(bench);
  REQUIRE(bench.restore({"--backup-file", archive, "--force"}).status == 0);
  const RunResult none = bench.restore({"undo", "--force", "--json"});
  CHECK(Json::parse(none.out).at("loss").empty());
  CHECK_THAT(none.err, Catch::Contains("No row was written to it"));
  REQUIRE(bench.restore({"undo", "--force"}).status == 0);
  REQUIRE(bench.restore({"drop", bench.sides("before").at(0), "--force"}).status == 0);
  REQUIRE(bench.restore({"--backup-file", archive, "--force"}).status == 0);
  bench.db.sql(
      "INSERT INTO orders VALUES (1000, 'new'); DELETE FROM lines WHERE id <= 3; CREATE TABLE later AS SELECT 1 AS a");
  const RunResult result = bench.restore({"undo", "--force", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(lost(result, "orders").at("new_or_changed") == 1);
  CHECK(lost(result, "lines").at("gone_or_changed") == 3);
  CHECK(lost(result, "later").at("what") == "goes away");
  CHECK(Json::parse(result.out).at("loss").size() == 3);
  CHECK(in_kept(bench, "SELECT note FROM orders WHERE id = 1000") == "new");
  // And forward again: what was written to the old database meanwhile.
  bench.db.sql("INSERT INTO orders VALUES (2000, 'meanwhile')");
  const RunResult forward = bench.restore({"undo", "--force", "--json"});
  INFO(forward.err);
  CHECK(lost(forward, "orders").at("new_or_changed") == 1);
  CHECK(lost(forward, "orders").at("gone_or_changed").is_null());
}

TEST_CASE("undo says so where nothing tells since when the present database is in its place") {
  const ToolBench bench;
  fill_orders(bench.db);
  REQUIRE(bench.restore({"--backup-file", bench.take_backup(), "--force"}).status == 0);
  const std::string kept = bench.sides("before").at(0);
  Json marker = bench.marker_of(kept);
  marker.at("details").erase("swapped");
  const Session server(server_url(), "postgres");
  server.run("COMMENT ON DATABASE " + server.identifier(kept) + " IS " + server.literal(marker.dump()));
  const RunResult result = bench.restore({"undo", "--force", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("is not known"));
  CHECK(Json::parse(result.out).at("loss").is_null());
}

TEST_CASE("list tells kind, run and age of side and kept databases, in words and in JSON") {
  const ToolBench bench;
  fill_orders(bench.db);
  REQUIRE(bench.restore({"--backup-file", bench.take_backup(), "--force"}).status == 0);
  const std::string bare = bench.db.name() + "__restore_20260101T000000Z-abcd";
  bench.db.sql("CREATE DATABASE \"" + bare + "\"");
  const Json list = Json::parse(bench.restore({"list", "--json"}).out).at("databases");
  REQUIRE(list.size() == 2);
  CHECK(list[0].at("kind") == "before");
  CHECK(list[0].at("age_seconds") < 120);
  CHECK(list[1].at("kind").is_null());
  CHECK(list[1].at("run") == "20260101T000000Z-abcd");
  CHECK(list[1].at("age_seconds") > 86400);
  CHECK_THAT(bench.restore({"list"}).out, Catch::Contains("old, leftover of a run that is not finished"));
}

}  // namespace
}  // namespace belay::test
