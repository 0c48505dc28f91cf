// The verbs of migrate-production that look at folder and history, or settle the history, without running a migration.
#include <memory>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

RunResult verb(const ToolBench& bench, const Words& words) { return bench.tool("migrate-production", words); }

/// A row as Prisma writes it: applied, failed or rolled back, of the migration's file as it is.
void record(const ToolBench& bench, const std::string& name, const std::string& state) {
  const Session server(server_url(), server_url().database);
  const std::string script = read_text(bench.migrations() / name / "migration.sql");
  bench.db.sql("INSERT INTO _prisma_migrations SELECT gen_random_uuid(), encode(sha256(convert_to(" +
               server.literal(script) + ", 'UTF8')), 'hex'), " + (state == "applied" ? "now()" : "NULL") + ", " +
               server.literal(name) + ", " + (state == "failed" ? "'ERROR: it broke'" : "NULL") + ", " +
               (state == "rolled back" ? "now()" : "NULL") + ", clock_timestamp(), " + (state == "failed" ? "0" : "1"));
}

/// One migration of each state.
void fill_states(const ToolBench& bench) {
  deploy_first(bench);
  for (const std::string state : {"edited", "failed", "gone", "pending", "rolled"}) {
    bench.migration("20240202000000_" + state, "SELECT '" + state + "';");
  }
  record(bench, "20240202000000_edited", "applied");
  record(bench, "20240202000000_failed", "failed");
  record(bench, "20240202000000_gone", "applied");
  record(bench, "20240202000000_rolled", "rolled back");
  bench.migration("20240202000000_edited", "SELECT 'another';");
  fs::remove_all(bench.migrations() / "20240202000000_gone");
}

TEST_CASE("a status names the state of every migration, is answered by 9 until all is in order, and changes nothing") {
  const ToolBench bench;
  fill_states(bench);
  const std::string before = bench.state();
  const RunResult text = verb(bench, {"status"});
  INFO(text.out << text.err);
  CHECK(text.status == 9);
  for (const std::string line : {"5 migrations found in ", "20240101000000_init     applied 2", "_edited   applied 2",
                                 "_failed   failed, started 2", "_pending  pending", "_rolled   rolled back 2",
                                 "_gone     applied 2", "UTC, missing locally", "UTC, edited since"})
    CHECK_THAT(text.out, Catch::Contains(line));
  const Json json = Json::parse(verb(bench, {"status", "--json"}).out);
  for (const std::string list : {"edited", "failed", "pending"})
    CHECK(json.at(list) == Json::array({"20240202000000_" + list}));
  CHECK(json.at("missing_locally") == Json::array({"20240202000000_gone"}));
  CHECK(json.at("rolled_back") == Json::array({"20240202000000_rolled"}));
  CHECK(json.at("up_to_date") == false);
  CHECK(bench.state() == before);
}

TEST_CASE("a status is up to date, by a role that may only read, beside a run that holds both locks") {
  ToolBench bench;
  deploy_first(bench);
  const Session server(server_url(), bench.db.name());
  const std::string reader = server.identifier("reader of " + bench.db.name());
  bench.db.sql_as_superuser("CREATE ROLE " + reader + " LOGIN PASSWORD 'x'; GRANT SELECT ON _prisma_migrations TO " +
                            reader + "; ALTER ROLE " + reader + " SET default_transaction_read_only = on");
  DatabaseUrl url = bench.db.owner_url();
  url.user = "reader of " + bench.db.name();
  url.password = "x";
  bench.env["DATABASE_URL"] = url_text(url);
  server.run("SELECT pg_advisory_lock(72707369)");
  const RunResult good = verb(bench, {"status"});
  const RunResult history = verb(bench, {"history", "20240101000000_init"});
  bench.db.sql_as_superuser("REVOKE ALL ON _prisma_migrations FROM " + reader);
  const RunResult closed = verb(bench, {"status"});
  bench.db.sql_as_superuser("DROP ROLE " + reader);
  INFO(good.err << closed.err << history.err);
  CHECK(good.status == 0);
  CHECK_THAT(good.out, Catch::EndsWith("Database schema is up to date!\n"));
  CHECK(history.status == 0);
  CHECK(closed.status == 3);
  CHECK_THAT(closed.err, Catch::Contains("42501") && Catch::Contains("GRANT SELECT"));
}

TEST_CASE("a status of a server that is not there is 5, of a database 3, of a folder 2") {
  ToolBench bench;
  CHECK(verb(bench, {"status", "--migrations", "nowhere"}).status == 2);
  DatabaseUrl url = bench.db.owner_url();
  bench.env["DATABASE_URL"] = url_text(url.with_database("not there"));
  CHECK(verb(bench, {"status"}).status == 3);
  url.hosts = {{"127.0.0.1", "1"}};
  bench.env["DATABASE_URL"] = url_text(url);
  CHECK(verb(bench, {"status"}).status == 5);
}

TEST_CASE("a status of 500 applied migrations is there within half a second") {
  const ToolBench bench;
  bench.db.sql(std::string(history_table_sql) +
               "INSERT INTO _prisma_migrations SELECT gen_random_uuid(), encode(sha256(''), 'hex'), now(), 'm' || "
               "lpad(i::text, 4, '0'), NULL, NULL, now(), 1 FROM generate_series(1, 500) i");
  for (int i = 1; i <= 500; ++i) {
    const std::string number = std::to_string(i);
    bench.migration("m" + std::string(4 - number.size(), '0') + number, "");
  }
  const auto begin = std::chrono::steady_clock::now();
  const RunResult result = verb(bench, {"status"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500));
}

TEST_CASE("a history lists every row, and of one migration its logs, its file's checksum and its SQL") {
  const ToolBench bench;
  fill_states(bench);
  const RunResult all = verb(bench, {"history"});
  CHECK(all.status == 0);
  CHECK(lines_of(all.out).size() == 5);
  CHECK_THAT(all.out, Catch::Contains("failed       20240202000000_failed\n"));

  const RunResult failed = verb(bench, {"history", "20240202000000_failed", "--sql"});
  CHECK(failed.status == 9);
  CHECK_THAT(failed.out, Catch::Contains("  logs\n    ERROR: it broke\n") && Catch::Contains("\nSELECT 'failed';\n"));
  const RunResult edited = verb(bench, {"history", "20240202000000_edited"});
  CHECK(edited.status == 0);
  CHECK_THAT(edited.out, Catch::Contains("not that of the file") && !Catch::Contains("SELECT"));
  CHECK(verb(bench, {"history", "20240202000000_gone"}).status == 0);
  CHECK(verb(bench, {"history", "20240202000000_pending"}).status == 9);
  const RunResult unknown = verb(bench, {"history", "no such", "--json"});
  CHECK(unknown.status == 9);
  CHECK(Json::parse(unknown.out).at("state") == "unknown");
}

TEST_CASE("a validation reads the folder alone: 0 with notes, 9 with a problem") {
  ToolBench bench;
  bench.env.erase("DATABASE_URL");
  bench.migration("20260101000000_init", "CREATE TABLE a ();");
  bench.migration("20260102000000_index", "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON a ((1));");
  fs::create_directory_symlink(bench.migrations() / "20260101000000_init", bench.migrations() / "20260103000000_link");
  fs::create_symlink("loop", bench.migrations() / "loop");
  const RunResult good = verb(bench, {"validate"});
  INFO(good.out << good.err);
  CHECK(good.status == 0);
  CHECK_THAT(good.out, Catch::Contains("note     20260102000000_index/migration.sql:2: CREATE INDEX") &&
                           Catch::Contains("20260103000000_link: is a symbolic link") &&
                           Catch::EndsWith("No problem found.\n"));
  bench.migration("20260104000000_latin1", "SELECT '\xE9';");
  bench.migration("odd \xff name", "SELECT 1;");
  fs::create_directory(bench.migrations() / "20260105000000_none");
  const RunResult bad = verb(bench, {"validate", "--json"});
  CHECK(bad.status == 9);
  const Json json = Json::parse(bad.out);
  CHECK(json.at("problems") == 3);
  CHECK(json.at("found") == 5);
  CHECK(verb(bench, {"validate", "--migrations", "nowhere"}).status == 9);
}

/// Name, whether finished and rolled back, equal times, steps, logs, whether the checksum is the file's.
Words rows_of(const ToolBench& bench) {
  return bench.db.column(
      "SELECT concat_ws('|', migration_name, finished_at IS NOT NULL, rolled_back_at IS NOT NULL, finished_at = "
      "started_at, applied_steps_count, coalesce(quote_literal(logs), 'NULL'), length(id), checksum = "
      "encode(sha256('SELECT "
      "1;'), 'hex')) FROM _prisma_migrations ORDER BY started_at, finished_at NULLS LAST");
}

TEST_CASE("a failed migration resolved as applied gets Prisma's rows; nothing of it runs") {
  const ToolBench bench;
  bench.db.sql(history_table_sql);
  bench.migration("1_a", "SELECT 1;");
  record(bench, "1_a", "failed");
  const std::string before = bench.state();
  const RunResult dry = verb(bench, {"resolve", "--applied", "1_a", "--dry-run"});
  CHECK(dry.status == 0);
  CHECK(bench.state() == before);
  const RunResult result = verb(bench, {"resolve", "--applied", "1_a"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(result.out == "Migration 1_a marked as applied.\n");
  CHECK(rows_of(bench) == Words{"1_a|f|t|0|'ERROR: it broke'|36|t", "1_a|t|f|t|0|''|36|t"});
  const RunResult again = verb(bench, {"resolve", "--applied", "1_a"});
  CHECK(again.status == 3);
  CHECK_THAT(again.err, Catch::Contains("P3008"));
  CHECK(verb(bench, {"status"}).status == 0);
}

TEST_CASE("a failed migration resolved as rolled back, without any folder, is deployed again") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  record(bench, "20240102000000_next", "failed");
  const RunResult result = verb(bench, {"resolve", "--rolled-back", "20240102000000_next", "--json"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(Json::parse(result.out).at("rows_rolled_back") == 1);
  CHECK(verb(bench, {"resolve", "--rolled-back", "20240102000000_next"}).status == 0);
  CHECK(verb(bench, {"resolve", "--rolled-back", "20240101000000_init"}).status == 3);
  CHECK(verb(bench, {"status"}).status == 9);
  CHECK(bench.migrate().status == 0);
  CHECK(bench.has("next"));
  CHECK(verb(bench, {"status"}).status == 0);
}

TEST_CASE("a resolve that is refused changes nothing: a missing name, both options, neither, no verb") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string before = bench.state();
  CHECK(verb(bench, {"resolve"}).status == 2);
  CHECK(verb(bench, {"resolve", "--applied", "a", "--rolled-back", "a"}).status == 2);
  CHECK(verb(bench, {"--applied", "a"}).status == 2);
  CHECK(verb(bench, {"status", "--up-to", "a"}).status == 2);
  const RunResult missing = verb(bench, {"resolve", "--applied", "no such"});
  CHECK(missing.status == 3);
  CHECK_THAT(missing.err, Catch::Contains("P3017"));
  CHECK(bench.state() == before);
}

TEST_CASE("a resolve waits for Prisma's lock, and judges what it finds then") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "SELECT 1;");
  auto holder = std::make_unique<Session>(bench.db.url(), bench.db.name());
  holder->run("SELECT pg_advisory_lock(72707369)");
  Background resolve = bench.start("migrate-production", {"resolve", "--applied", "20240102000000_next"});
  const Session server(server_url(), "postgres");
  const std::string asked =
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory_lock(72707369)%' AND datname = " +
      server.literal(bench.db.name());
  wait_until("the resolve to ask for the lock", [&] { return server.run(asked).at(0) == "1"; });
  record(bench, "20240102000000_next", "applied");
  holder.reset();
  const RunResult result = resolve.wait();
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("P3008"));
  CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations") == "2");
}

TEST_CASE("a database made without migrations is baselined, and then takes further migrations") {
  const ToolBench bench;
  for (const std::string name : {"1_a", "2_b"}) bench.migration(name, "SELECT 1;");
  bench.migration("3_c", "CREATE TABLE next ();");
  const RunResult empty = verb(bench, {"baseline"});
  CHECK(empty.status == 3);
  bench.db.sql("CREATE TABLE orders (id integer)");
  CHECK_THAT(verb(bench, {"status"}).out, Catch::Contains("migrate-production baseline"));
  const std::string before = bench.state();
  CHECK(verb(bench, {"baseline", "--dry-run"}).status == 0);
  CHECK(bench.state() == before);
  const RunResult result = verb(bench, {"baseline", "--up-to", "2_b"});
  INFO(empty.err << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::EndsWith("2 marked as applied, 1 pending.\n"));
  CHECK(rows_of(bench) == Words{"1_a|t|f|t|0|''|36|t", "2_b|t|f|t|0|''|36|t"});
  CHECK(verb(bench, {"baseline"}).status == 3);
  CHECK(bench.migrate().status == 0);
  CHECK(bench.has("next"));
}

TEST_CASE("every verb finds the .env beside the folder, and history and --rolled-back do without a folder") {
  ToolBench bench;
  deploy_first(bench);
  const std::string url = bench.env.at("DATABASE_URL");
  bench.env.erase("DATABASE_URL");
  write_text(bench.work / "prisma/.env", "DATABASE_URL=\"" + url + "\"\n");
  CHECK(verb(bench, {"status"}).status == 0);
  CHECK(verb(bench, {"history"}).status == 0);
  CHECK(verb(bench, {"resolve", "--rolled-back", "20240101000000_init"}).status == 3);
  bench.env["DATABASE_URL"] = url;
  fs::remove_all(bench.work / "prisma");
  CHECK(verb(bench, {"status"}).status == 2);
  CHECK(verb(bench, {"history"}).status == 0);
  CHECK_THAT(verb(bench, {"resolve", "--rolled-back", "20240101000000_init"}).err, Catch::Contains("P3012"));
}

TEST_CASE("an option of one verb is refused by another") {
  const ToolBench bench;
  CHECK(verb(bench, {"--sql"}).status == 2);
  CHECK(verb(bench, {"status", "--sql"}).status == 2);
  CHECK(verb(bench, {"history", "--sql"}).status == 2);
}

}  // namespace
}  // namespace belay::test
