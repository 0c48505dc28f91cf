// What every tool understands and how it answers, from outside.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

const Words all_tools{"backup-db", "restore-database", "rollback-migration", "migrate-production"};

/// A call of each tool that would do its work; `bench` holds what it needs.
std::map<std::string, Words> working_calls(const std::string& archive) {
  return {{"backup-db", {"--output-path", "elsewhere"}},
          {"restore-database", {"--backup-file", archive}},
          {"rollback-migration", {"--migration-name", "20240101000000_init", "--restore-backup", archive}},
          {"migrate-production", {"--no-rehearse"}}};
}

Words with(Words words, const Words& further) {
  words.insert(words.end(), further.begin(), further.end());
  return words;
}

/// A deployed migration, a backup from before it, and one pending migration.
class Ready : public ToolBench {
 public:
  Ready() {
    db.sql(history_table_sql);
    archive = take_backup();
    db.sql("DROP TABLE _prisma_migrations");
    deploy_first(*this);
    migration("20240102000000_next", "CREATE TABLE next ();");
  }
  std::string archive;
};

TEST_CASE("option --help shows examples and the exit statuses, ends with 0, and does nothing else") {
  const ScratchFolder folder;
  for (const std::string& name : all_tools) {
    CAPTURE(name);
    const RunResult result = run({program(name), "--help"}, {}, {.cwd = folder.path()});
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    CHECK_THAT(result.out, Catch::Contains("Examples\n") && Catch::Contains("Exit statuses\n") &&
                               Catch::Contains("  130   interrupted"));
    CHECK(run({program(name), "--version"}, {}, {.cwd = folder.path()}).out == name + " (belay) " BELAY_VERSION "\n");
    CHECK(fs::is_empty(folder.path()));
  }
}

TEST_CASE("an unknown option, a missing value and a surplus word are status 2") {
  for (const std::string& name : all_tools) {
    CAPTURE(name);
    for (const Words& words :
         {Words{"--no-such"}, Words{"--config"}, Words{"--lock-timeout", "x"}, Words{"one", "two", "three"}}) {
      CAPTURE(words);
      const RunResult result = run(ToolBench::argv_of(name, words), {{"DATABASE_URL", "postgresql://u@127.0.0.1:1/x"}});
      CHECK(result.status == 2);
      CHECK(result.out.empty());
      CHECK_THAT(result.err, Catch::StartsWith("error: "));
    }
  }
}

TEST_CASE("with --json a usage error is one line of JSON, too") {
  for (const std::string& name : all_tools) {
    CAPTURE(name);
    const RunResult result = run({program(name), "--json", "--no-such"}, {});
    CHECK(result.status == 2);
    const Json event = Json::parse(result.err, nullptr, false);
    REQUIRE(event.is_object());
    CHECK(event.at("event") == "error");
    CHECK(event.at("status") == 2);
  }
}

TEST_CASE("with --json stdout is exactly one JSON object, and every line of stderr is one") {
  const Ready bench;
  std::map<std::string, Words> calls = working_calls(bench.archive);
  calls["restore-database"] = {"--backup-file", bench.take_backup()};
  for (const auto& [name, words] : calls) {
    CAPTURE(name);
    for (const std::string& kept : bench.sides("before")) CHECK(bench.restore({"drop", kept, "--force"}).status == 0);
    const RunResult result = bench.tool(name, with(words, {"--json", "--force"}));
    INFO(result.err);
    CHECK(result.status == 0);
    const Json whole = Json::parse(result.out, nullptr, false);
    REQUIRE(whole.is_object());
    CHECK(whole.at("tool") == name);
    CHECK(whole.at("version") == 1);
    for (const std::string& line : lines_of(result.err)) {
      CAPTURE(line);
      const Json event = Json::parse(line, nullptr, false);
      REQUIRE(event.is_object());
      CHECK(event.contains("event"));
    }
  }
}

TEST_CASE("with --json a put-back is one JSON object on stdout, with its error beside the result") {
  const Ready bench;
  bench.migration("20240103000000_bad", "SELECT 1/0;");
  const RunResult result = bench.migrate({"--json"});
  CHECK(result.status == 6);
  const Json whole = Json::parse(result.out, nullptr, false);
  REQUIRE(whole.is_object());
  CHECK(whole.at("failed_migration") == "20240103000000_bad");
  CHECK_THAT(whole.at("error").at("detail").get<std::string>(), Catch::Contains("division by zero"));
  for (const std::string& line : lines_of(result.err)) CHECK(Json::parse(line, nullptr, false).is_object());
}

TEST_CASE("option --dry-run says what would be done and changes neither database nor disk") {
  const Ready bench;
  const std::string before = bench.state();
  const auto files = files_below(bench.work.path());
  const auto written = [&] {
    return bench.db.value("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables");
  };
  const std::string writes = written();
  for (const auto& [name, words] : working_calls(bench.archive)) {
    CAPTURE(name);
    const RunResult result = bench.tool(name, with(words, {"--dry-run", "--json"}));
    INFO(result.err);
    CHECK(result.status == 0);
    CHECK(Json::parse(result.out).at("dry_run") == true);
  }
  CHECK(bench.tool("migrate-production", {"recover", "--dry-run"}).status == 0);
  CHECK(written() == writes);
  CHECK(bench.state() == before);
  CHECK(files_below(bench.work.path()) == files);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("undo, drop and mark-only with --dry-run change nothing either") {
  const Ready bench;
  REQUIRE(bench.restore({"--backup-file", bench.take_backup(), "--force"}).status == 0);
  const std::string before = bench.state();
  const Words sides = bench.db.side_databases();
  CHECK(bench.restore({"undo", "--dry-run"}).status == 0);
  CHECK(bench.restore({"drop", sides.at(0), "--dry-run"}).status == 0);
  CHECK(bench.rollback({"--migration-name", "init", "--mark-only", "--dry-run"}).status == 0);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases() == sides);
}

TEST_CASE("without a terminal and without --force nothing that asks is begun") {
  const Ready bench;
  const std::string before = bench.state();
  const auto files = files_below(bench.work.path());
  for (const auto& [name, words] : working_calls(bench.archive)) {
    if (name == "backup-db") continue;  // it has nothing to ask
    CAPTURE(name);
    const RunResult result = bench.tool(name, words);
    INFO(result.err);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains("--force"));
  }
  CHECK(bench.rollback({"--migration-name", "init", "--mark-only"}).status == 3);
  CHECK(bench.state() == before);
  CHECK(files_below(bench.work.path()) == files);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("an unreachable server is status 5 for every tool") {
  const ScratchFolder folder;
  write_text(folder / "prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
  write_text(folder / "x.dump.zst", "x");
  for (const auto& [name, words] : working_calls("x.dump.zst")) {
    CAPTURE(name);
    const RunResult result = run(ToolBench::argv_of(name, with(words, {"--force"})),
                                 {{"DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x"}}, {.cwd = folder.path()});
    CHECK(result.status == 5);
    CHECK_THAT(result.err, Catch::Contains("P1001") && !Catch::Contains("secret"));
  }
}

TEST_CASE("a database that does not exist is refused by migrate and rollback, with 3") {
  Ready bench;
  DatabaseUrl url = bench.db.owner_url();
  url.database += "_nowhere";
  bench.env["DATABASE_URL"] = url_text(url);
  for (const std::string name : {"migrate-production", "rollback-migration"}) {
    CAPTURE(name);
    const RunResult result = bench.tool(name, with(working_calls(bench.archive).at(name), {"--force"}));
    INFO(result.err);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains("P1003"));
  }
}

TEST_CASE("in CI a guarded run's catalogue that goes away with the runner is refused, unless --local-only says so") {
  Ready bench;
  bench.env["CI"] = "true";
  for (const std::string& folder :
       Words{"new", "./new", "new/er", "backups", "../" + bench.work.path().filename().string()}) {
    CAPTURE(folder);
    const RunResult refused = bench.migrate({"--backup-path", folder});
    CHECK(refused.status == 3);
    CHECK_THAT(refused.err, Catch::Contains("--local-only"));
  }
  CHECK(bench.migrate().status == 3);
  CHECK_FALSE(bench.has("next"));
  const ScratchFolder volume;
  CHECK(bench.migrate({"--backup-path", volume.path().string()}).status == 0);
  bench.migration("20240103000000_more", "CREATE TABLE more ();");
  CHECK(bench.migrate({"--local-only"}).status == 0);
}

TEST_CASE("option --quiet leaves the result, warnings and errors, and nothing else") {
  const Ready bench;
  const RunResult result = bench.migrate({"--quiet"});
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, Catch::Contains("20240102000000_next"));
}

}  // namespace
}  // namespace belay::test
