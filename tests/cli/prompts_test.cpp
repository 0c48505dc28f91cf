// Questions on a terminal: what is asked, and what each answer does.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

using Dialogue = std::vector<std::pair<std::string, std::string>>;

RunResult talk(const ToolBench& bench, const std::string& name, const Words& words, const Dialogue& dialogue) {
  return run_on_terminal(ToolBench::argv_of(name, words), bench.env, dialogue, {.cwd = bench.work.path()});
}

class Restorable : public ToolBench {
 public:
  Restorable() {
    fill_orders(db);
    archive = take_backup();
    db.sql("DELETE FROM lines; DELETE FROM orders");
    before = state();
  }
  [[nodiscard]] RunResult ask(const std::string& prompt, const std::string& answer) const {
    return talk(*this, "restore-database", {"--backup-file", archive}, {{prompt, answer}});
  }
  std::string archive, before;
};

void check_cancelled(const ToolBench& bench, const RunResult& result, const std::string& before, int status = 4) {
  INFO(result.out);
  CHECK(result.status == status);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("in production only the word RESTORE, exactly, restores") {
  const Restorable bench;
  for (const std::string answer : {"restore\n", "\x04"}) {
    CAPTURE(answer);
    check_cancelled(bench, bench.ask("Type 'RESTORE'", answer), bench.before);
  }
  const RunResult result = bench.ask("Type 'RESTORE'", "RESTORE\n");
  INFO(result.out);
  CHECK(result.status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("in development yes is enough to restore, and no is no") {
  Restorable bench;
  bench.env["NODE_ENV"] = "development";
  check_cancelled(bench, bench.ask("Go on? (yes/no)", "no\n"), bench.before);
  CHECK(bench.ask("Go on? (yes/no)", "yes\n").status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("BELAY_ENV=production wins over NODE_ENV=development") {
  Restorable bench;
  bench.env["NODE_ENV"] = "development";
  bench.env["BELAY_ENV"] = "production";
  check_cancelled(bench, bench.ask("Type 'RESTORE'", "yes\n"), bench.before);
}

TEST_CASE("Ctrl-C at a question ends with 130 and leaves nothing") {
  const Restorable bench;
  check_cancelled(bench, bench.ask("Type 'RESTORE'", "\x03"), bench.before, 130);
}

TEST_CASE("the question before a restore names database, server, source, age and what is lost") {
  const Restorable bench;
  const RunResult result = bench.ask("Type 'RESTORE'", "no\n");
  const auto& host = bench.db.url().hosts.at(0);
  for (const std::string& text :
       {"\"" + bench.db.name() + "\"", host.port.value_or("5432"), std::string("environment DATABASE_URL"),
        std::string("ago"), std::string("300 rows deleted or changed")})
    CHECK_THAT(result.out, Catch::Contains(text));
}

TEST_CASE("\"no\" before a guarded run changes nothing, and makes no backup") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  for (const std::string answer : {"no\n", "\n"}) {
    CAPTURE(answer);
    check_cancelled(bench, talk(bench, "migrate-production", {"--no-rehearse"}, {{"Run these migrations?", answer}}),
                    before);
  }
  CHECK_FALSE(fs::exists(bench.work / "backups"));
  CHECK(talk(bench, "migrate-production", {"--no-rehearse"}, {{"Run these migrations?", "yes\n"}}).status == 0);
  CHECK(bench.has("next"));
}

TEST_CASE("after a rehearsal a guarded run shows locks and ways back, and asks again before it touches the target") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string before = bench.state();
  const auto rehearsed = [&](const std::string& answer) {
    return talk(bench, "migrate-production", {"--rehearse"},
                {{"Run these migrations?", "yes\n"}, {"Deploy to", answer}});
  };
  const RunResult no = rehearsed("no\n");
  check_cancelled(bench, no, before);
  CHECK_THAT(no.out, Catch::Contains("the longest lock that others wait for was held for") &&
                         Catch::Contains("20240102000000_next") && Catch::Contains("reversal proven"));
  check_cancelled(bench, rehearsed("\x03"), before, 130);
  CHECK(rehearsed("yes\n").status == 0);
  CHECK(bench.has("next"));
}

TEST_CASE("a guarded run asks once for what only people can tell, and the report says who answered") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  write_text(bench.work / "belay.toml", "[checklist]\none = \"The first\"\ntwo = \"The second\"\n");
  bench.env["BELAY_CONFIG"] = (bench.work / "belay.toml").string();
  const std::string before = bench.state();
  const Words words{"--no-rehearse", "--checklist-done", "one"};
  const RunResult no = talk(bench, "migrate-production", words, {{"Is all of it done?", "no\n"}});
  check_cancelled(bench, no, before);
  CHECK_THAT(no.out, Catch::Contains("two: The second"));
  const RunResult yes =
      talk(bench, "migrate-production", words, {{"Is all of it done?", "yes\n"}, {"Run these migrations?", "yes\n"}});
  CHECK(yes.status == 0);
  CHECK(bench.has("next"));
  const Json runs = Json::parse(bench.tool("migrate-production", {"runs", "--json"}).out).at("runs");
  const Json report = Json::parse(read_text(runs.at(0).at("report").get<std::string>()));
  CHECK(report.at("confirmed").size() == 2);
  CHECK_THAT(report.at("confirmed").at(1).at("by").get<std::string>(), Catch::EndsWith(", on the terminal"));
}

TEST_CASE("marking a migration as rolled back asks, and \"no\" changes nothing") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string before = bench.state();
  const Words words{"--migration-name", "init", "--mark-only"};
  check_cancelled(bench, talk(bench, "rollback-migration", words, {{"Mark it as rolled back?", "no\n"}}), before);
  CHECK(talk(bench, "rollback-migration", words, {{"Mark it as rolled back?", "yes\n"}}).status == 0);
  CHECK(bench.db.value("SELECT count(rolled_back_at) FROM _prisma_migrations") == "1");
}

TEST_CASE("removing a kept database asks, and \"no\" keeps it") {
  const Restorable bench;
  REQUIRE(bench.restore({"--backup-file", bench.archive, "--force"}).status == 0);
  const std::string kept = bench.sides("before").at(0);
  const RunResult refused = talk(bench, "restore-database", {"drop", kept}, {{"Remove it for good?", "no\n"}});
  CHECK(refused.status == 4);
  CHECK(bench.sides("before").size() == 1);
  CHECK(talk(bench, "restore-database", {"drop", kept}, {{"Remove it for good?", "yes\n"}}).status == 0);
  CHECK(bench.sides("before").empty());
}

}  // namespace
}  // namespace belay::test
