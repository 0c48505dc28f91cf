// Verification by a trial restore: where it is made, what it finds, and what it leaves.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

Json list_of(const ToolBench& bench) {
  return Json::parse(bench.tool("backup-db", {"list", "--output-path", "backups", "--json"}).out).at("backups");
}

/// A dump that restores to something else than what it was taken from: the function is asked again by the restore.
void add_a_view_that_remembers(const ToolBench& bench) {
  // A CHECK that holds now and not when it is read in again: pg_restore stops there.
  bench.db.sql(
      "CREATE TABLE gate (open boolean); INSERT INTO gate VALUES (true);"
      "CREATE FUNCTION is_open() RETURNS boolean LANGUAGE sql AS 'SELECT coalesce(bool_and(open), false) FROM "
      "public.gate';"
      "CREATE TABLE a_guarded (v integer CHECK (is_open())); INSERT INTO a_guarded VALUES (1)");
}

/// The number of the last point of that name in a trace.
std::string last_point(const fs::path& trace, const std::string& name) {
  std::string number;
  for (const std::string& line : lines_of(read_text(trace))) {
    if (line.ends_with(" " + name)) number = line.substr(0, line.find(' '));
  }
  return number;
}

TEST_CASE("a backup that does not restore stays at its level, is status 9, and leaves no database") {
  const ToolBench bench;
  fill_orders(bench.db);
  add_a_view_that_remembers(bench);
  const std::string before = bench.state();
  const RunResult result = bench.backup({"--verify", "restore", "--json"});
  INFO(result.err);
  CHECK(result.status == 9);
  CHECK_THAT(result.err, Catch::Contains("a_guarded"));
  const Json json = Json::parse(result.out);
  CHECK(json.at("proof").at("passed") == false);
  CHECK(json.at("level") == "archive");
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
  REQUIRE(list_of(bench).size() == 1);
  CHECK(list_of(bench)[0].at("level") == "archive");
}

TEST_CASE("several backups are verified in one go, each judged by itself") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string first = bench.take_backup();
  bench.db.sql("DELETE FROM lines");
  const std::string second = bench.take_backup();
  std::string damaged = read_text(second);
  damaged[damaged.size() / 2] ^= 1;
  write_text(second, damaged);
  const RunResult result = bench.tool("backup-db", {"verify", first, second, "nothing.dump.zst", "--json"});
  CHECK(result.status == 9);
  const Json results = Json::parse(result.out).at("results");
  REQUIRE(results.size() == 3);
  CHECK(results[0].at("passed") == true);
  CHECK(results[1].at("passed") == false);
  CHECK(results[2].at("passed") == false);
}

TEST_CASE("a backup is proven on another server, without touching the first") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = bench.take_backup();
  const OwnServer other;
  run_sql(other.url(), "CREATE ROLE prover LOGIN CREATEDB PASSWORD 'pw'");
  DatabaseUrl prover = other.url();
  prover.user = "prover";
  prover.password = "pw";
  ToolBench elsewhere("elsewhere");
  std::map<std::string, std::string> env{{"SHADOW_DATABASE_URL", url_text(prover)}};
  const Words verify = ToolBench::argv_of("backup-db", {"verify", archive, "--verify", "restore"});
  const RunResult refused = run(verify, env, {.cwd = bench.work.path()});
  INFO(refused.err);
  CHECK(refused.status == 3);  // the owner is no role there
  CHECK_THAT(refused.err, Catch::Contains("CREATE ROLE"));
  run_sql(other.url(),
          "CREATE ROLE \"" + bench.db.owner_name() + "\"; GRANT \"" + bench.db.owner_name() + "\" TO prover");
  const RunResult proven = run(verify, env, {.cwd = bench.work.path()});
  INFO(proven.err);
  CHECK(proven.status == 0);
  CHECK(list_of(bench)[0].at("level") == "restore");
  CHECK(run_sql(other.url(), "SELECT count(*) FROM pg_database WHERE datname LIKE '%restore%'").at(0) == "0");

  // Killed there, it is cleaned up there by the next one.
  std::map<std::string, std::string> killed = env;
  killed["BELAY_FAULT_TRACE"] = (bench.work / "trace").string();
  REQUIRE(run(verify, killed, {.cwd = bench.work.path()}).status == 0);
  killed["BELAY_FAULT_KILL_AT"] = last_point(bench.work / "trace", "child ended: pg_restore");
  CHECK(run(verify, killed, {.cwd = bench.work.path()}).signal == SIGKILL);
  const std::string sides = "SELECT count(*) FROM pg_database WHERE datname LIKE '%restore%'";
  CHECK(run_sql(other.url(), sides).at(0) == "1");
  wait_until("the dead run's lock to go", [&] { return run(verify, env, {.cwd = bench.work.path()}).status == 0; });
  CHECK(run_sql(other.url(), sides).at(0) == "0");

  // The same while a backup is taken, with the URL as an option and the password in the password file.
  const fs::path passwords = bench.work / "pgpass";
  write_text(passwords, "*:*:*:prover:pw\n");
  fs::permissions(passwords, fs::perms::owner_read | fs::perms::owner_write);
  std::map<std::string, std::string> with_file = bench.env;
  with_file["PGPASSFILE"] = passwords.string();
  prover.password.reset();
  const RunResult taken = run(
      ToolBench::argv_of("backup-db", {"--output-path", "backups", "--verify", "restore", "--side-server",
                                       "postgresql://prover@127.0.0.1:" + *other.url().hosts[0].port + "/postgres"}),
      with_file, {.cwd = bench.work.path()});
  INFO(taken.err);
  CHECK(taken.status == 0);
}

TEST_CASE("a trial restore that was killed is cleaned up by the next backup, or by recover") {
  const ToolBench bench;
  fill_orders(bench.db);
  std::map<std::string, std::string> env = bench.env;
  const Words backup = ToolBench::argv_of("backup-db", {"--output-path", "backups", "--verify", "restore"});
  env["BELAY_FAULT_TRACE"] = (bench.work / "trace").string();
  REQUIRE(run(backup, env, {.cwd = bench.work.path()}).status == 0);
  fs::remove_all(bench.work / "backups");
  env["BELAY_FAULT_KILL_AT"] = last_point(bench.work / "trace", "child ended: pg_restore");
  CHECK(run(backup, env, {.cwd = bench.work.path()}).signal == SIGKILL);
  REQUIRE(bench.db.side_databases().size() == 1);
  REQUIRE(list_of(bench).size() == 1);
  CHECK(list_of(bench)[0].at("level") == "archive");
  SECTION("the next backup") {
    wait_until("the dead run's lock to go", [&] { return bench.backup().status == 0; });
  }
  SECTION("recover") {
    const RunResult recovered = bench.recover();
    INFO(recovered.err);
    CHECK(recovered.status == 0);
  }
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a server that is known to be too full is not asked for a trial restore") {
  const ToolBench bench;
  fill_orders(bench.db);
  const RunResult result = bench.backup({"--verify", "restore", "--server-free", "1MB"});
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("too little space"));
  CHECK_FALSE(fs::exists(bench.work / "backups"));
}

TEST_CASE("a role that may not create databases is told before the dump") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql_as_superuser("ALTER ROLE \"" + bench.db.owner_name() + "\" NOCREATEDB");
  const RunResult result = bench.backup({"--verify", "restore"});
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("CREATEDB"));
  CHECK(bench.archives().empty());
  CHECK(bench.backup().status == 0);
}

TEST_CASE("a result that cannot be written down is said, and the backup stays as it was") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = bench.take_backup();
  write_text(archive + ".manifest.json.partial", "held by somebody");
  const RunResult result = bench.tool("backup-db", {"verify", archive, "--json"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(Json::parse(result.out).at("results").at(0).at("recorded") == false);
  CHECK_THAT(result.err, Catch::Contains("could not be recorded"));
}

}  // namespace
}  // namespace belay::test
