// What is refused before anything is touched: locks that are held, histories that are not in order, rights that are
// missing.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// Status 3, the database as before, no side database.
void check_refused(const ToolBench& bench, const RunResult& result, const std::string& before, const Words& told) {
  INFO(result.err);
  CHECK(result.status == 3);
  for (const std::string& text : told) CHECK_THAT(result.err, Catch::Contains(text));
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

std::string this_host() {
  std::array<char, 256> name{};
  REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
  return name.data();
}

TEST_CASE(
    "while another run holds the run lock every tool refuses and names its pid, host and run; a dry run goes on") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string archive = bench.take_backup();
  bench.migration("20240102000000_slow", "SELECT pg_sleep(60);");
  Background holder = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, holder);
  holder.kill(SIGSTOP);
  const std::map<std::string, Words> calls{
      {"backup-db", {"--output-path", "x"}},
      {"restore-database", {"--backup-file", archive, "--force"}},
      {"rollback-migration", {"--migration-name", "init", "--mark-only", "--force"}},
      {"migrate-production", {"--no-rehearse", "--force"}}};
  for (const auto& [name, words] : calls) {
    CAPTURE(name);
    const RunResult result = bench.tool(name, words);
    INFO(result.err);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains("pid " + std::to_string(holder.pid())) &&
                               Catch::Contains("host " + this_host()) && Catch::Contains("belay/20"));
    Words dry = words;
    dry.push_back("--dry-run");
    const RunResult looked = bench.tool(name, dry);
    INFO(looked.err);
    CHECK(looked.status == 0);
  }
  holder.kill(SIGCONT);
  holder.kill(SIGINT);
  CHECK(holder.wait(std::chrono::seconds(30)).status == 130);
}

TEST_CASE("recover refuses while the run that it would clear away is alive", "[long]") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_slow", "SELECT pg_sleep(60);");
  Background holder = bench.start("migrate-production", {"--no-rehearse", "--force"});
  wait_for_sleep(bench.db, holder);
  CHECK(bench.recover().status == 3);
  CHECK(holder.running());
  CHECK(bench.sides("restore").size() == 1);
  holder.kill(SIGINT);
  CHECK(holder.wait(std::chrono::seconds(30)).status == 130);
}

TEST_CASE("while Prisma's lock is held a guarded run waits ten seconds and refuses (P1002)") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  RunResult result;
  {
    const Session prisma(bench.db.owner_url(), bench.db.name());
    prisma.run("SELECT pg_advisory_lock(72707369)");
    result = bench.migrate();
  }
  check_refused(bench, result, before, {"P1002", "belay-test"});
}

TEST_CASE("a session that this role may not end is named, and refused before the run") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string archive = bench.take_backup();
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  RunResult migrated, restored;
  {
    const Session admin(bench.db.url(), bench.db.name());
    migrated = bench.migrate();
    restored = bench.restore({"--backup-file", archive, "--force"});
  }
  check_refused(bench, migrated, before, {"postgres"});
  check_refused(bench, restored, before, {"postgres"});
}

TEST_CASE("a role that may not create databases is refused with the statement that allows it") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string archive = bench.take_backup();
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  run_sql(server_url(), "ALTER ROLE " + bench.db.owner_name() + " NOCREATEDB");
  const std::string line = "ALTER ROLE \"" + bench.db.owner_name() + "\" CREATEDB;";
  check_refused(bench, bench.migrate(), before, {line});
  check_refused(bench, bench.restore({"--backup-file", archive, "--force"}), before, {line});
  CHECK(bench.backup().status == 0);
}

TEST_CASE("prepared transactions and replication slots of the database refuse what could not be swapped") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string archive = bench.take_backup();
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  bench.db.sql("BEGIN; INSERT INTO orders VALUES (999); PREPARE TRANSACTION '" + bench.db.owner_name() + "'");
  const std::string before = bench.state();
  check_refused(bench, bench.migrate(), before, {"prepared transaction"});
  check_refused(bench, bench.restore({"--backup-file", archive, "--force"}), before, {"prepared transaction"});
}

TEST_CASE("a database with tables and no history is refused (P3005)") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.migration("20240101000000_init", "CREATE TABLE a ();");
  const std::string before = bench.state();
  check_refused(bench, bench.migrate(), before, {"P3005", "orders"});
}

TEST_CASE("a failed migration of before is refused (P3009)") {
  const ToolBench bench;
  deploy_first(bench);
  bench.db.sql(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ('x', 'y', "
      "'20240102000000_failed', now())");
  bench.migration("20240103000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  check_refused(bench, bench.migrate(), before, {"P3009", "20240102000000_failed"});
}

TEST_CASE("a pending folder without migration.sql is refused (P3015)") {
  const ToolBench bench;
  deploy_first(bench);
  fs::create_directories(bench.migrations() / "20240102000000_empty_folder");
  const std::string before = bench.state();
  check_refused(bench, bench.migrate(), before, {"P3015", "20240102000000_empty_folder"});
}

TEST_CASE("migrations of another database system are refused (P3019)") {
  const ToolBench bench;
  deploy_first(bench);
  write_text(bench.migrations() / "migration_lock.toml", "provider = \"mysql\"\n");
  const std::string before = bench.state();
  check_refused(bench, bench.migrate(), before, {"P3019", "mysql"});
}

TEST_CASE("without --no-rehearse nothing is deployed") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  check_refused(bench, bench.tool("migrate-production", {"--force"}), before, {"--no-rehearse"});
}

TEST_CASE("a missing migrations folder is a usage error and not \"nothing pending\"") {
  const ToolBench bench;
  fs::remove_all(bench.work / "prisma");
  CHECK(bench.migrate().status == 2);
  CHECK(bench.migrate({"--migrations", "nowhere"}).status == 2);
}

TEST_CASE("databases of the server's own are refused by every tool that writes") {
  ToolBench bench("own", Owner::superuser);
  const std::string archive = bench.take_backup();
  DatabaseUrl url = bench.db.url();
  url.database = "postgres";
  bench.env["DATABASE_URL"] = url_text(url);
  CHECK(bench.restore({"--backup-file", archive, "--force"}).status == 3);
  CHECK(bench.migrate().status == 3);
}

TEST_CASE("a role that the backup refers to and that is gone stops a restore, with the statement that makes it") {
  const ToolBench bench("roles", Owner::superuser);
  fill_orders(bench.db);
  std::string archive, role;
  {
    const TestDatabase other("other", Owner::plain);
    role = other.owner_name();
    bench.db.sql("GRANT SELECT ON orders TO " + role);
    archive = bench.take_backup();
    bench.db.sql("REVOKE SELECT ON orders FROM " + role);
  }
  const std::string before = bench.state();
  check_refused(bench, bench.restore({"--backup-file", archive, "--force"}), before, {"CREATE ROLE \"" + role + "\""});
}

}  // namespace
}  // namespace belay::test
