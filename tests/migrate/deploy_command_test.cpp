#include "migrate/deploy_command.hpp"

#include "common/sha256.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

using Catch::Contains;

const std::string usual_sql = "CREATE TABLE t ();";

Migration script_file(const std::string& name, const std::string& text = usual_sql) {
  return {name, name + "/migration.sql", text, sha256_hex(text)};
}

HistoryRow record(const std::string& id, const std::string& name, const std::string& state,
                  const std::string& text = usual_sql) {
  HistoryRow r;
  r.id = id;
  r.migration_name = name;
  r.checksum = sha256_hex(text);
  r.started_at = "2024-01-01T00:00:00.000000Z";
  if (state == "applied") r.finished_at = "2024-01-01T00:00:01.500000Z";
  if (state == "rolled back") r.rolled_back_at = "2024-01-01T00:00:01.000000Z";
  if (state == "failed") r.logs = "ERROR: it broke";
  return r;
}

struct CommandCase {
  std::vector<HistoryRow> after;
  std::optional<Error> failure = {};
  std::vector<Migration> files = {script_file("0_old"), script_file("1_a"), script_file("2_b")};
  std::string script_of_b = usual_sql;
};

DeployReport judged(const CommandCase& c) {
  MigrationPlan plan;
  plan.pending.push_back({script_file("1_a"), parse_script(usual_sql)});
  plan.pending.push_back({script_file("2_b"), parse_script(c.script_of_b)});
  const History before{true, {record("0", "0_old", "applied"), record("r", "1_a", "rolled back")}};
  AfterCommand after{.failure = c.failure, .history = {true, c.after}, .folder = {}};
  after.folder.migrations = c.files;
  return judge_command(plan, before, after);
}

const HistoryRow old_row = record("0", "0_old", "applied"), earlier_row = record("r", "1_a", "rolled back");
const HistoryRow a = record("1", "1_a", "applied"), b = record("2", "2_b", "applied");

std::string problem(const DeployReport& report) {
  return report.failure ? report.failure->message + "\n" + report.failure->detail : "good";
}

TEST_CASE("a command that ended well and whose migrations are all recorded is good") {
  const DeployReport report = judged({{old_row, earlier_row, a, b}});
  CHECK(problem(report) == "good");
  CHECK(report.committed_something);
  REQUIRE(report.applied.size() == 2);
  CHECK(report.applied.at(0).name == "1_a");
  CHECK(report.applied.at(0).duration == std::chrono::milliseconds{1500});
}

TEST_CASE("the history decides, whatever the command's status says") {
  const Error status{Failure::failed, "--deploy-command ended with status 1", "P3018\n"};
  struct Row {
    CommandCase c;
    std::string why, migration;
    bool committed;
  };
  for (const Row& r : {
           Row{{{old_row, earlier_row}}, "did not apply migration \"1_a\"", "1_a", false},
           Row{{{old_row, earlier_row, a}}, "did not apply migration \"2_b\"", "2_b", true},
           Row{{{old_row, earlier_row, a, b}, status}, "ended with status 1", "", true},
           Row{{{old_row, earlier_row, record("1", "1_a", "failed")}, status}, "P3018", "1_a", false},
           Row{{{old_row, earlier_row, a, record("2", "2_b", "failed")}, status}, "ended with status 1", "2_b", true},
           Row{{{old_row, earlier_row, a, record("2", "2_b", "failed")}}, "ERROR: it broke", "2_b", true},
           Row{{{old_row, earlier_row, a, record("2", "2_b", "rolled back")}}, "was rolled back", "2_b", true},
           Row{{{old_row, earlier_row, a, record("2", "2_b", "applied", "CREATE TABLE other ();")}},
               "a file other than",
               "2_b",
               true},
           Row{{{old_row, earlier_row, a, b, record("3", "3_c", "applied")}},
               "\"3_c\", which this run did not have pending",
               "",
               true},
           Row{{{earlier_row, a, b}}, "changed the earlier history of migration \"0_old\"", "", true},
           Row{{{record("0", "0_old", "rolled back"), earlier_row, a, b}}, "changed the earlier history", "", true},
           Row{{{old_row, earlier_row, a, b}, {}, {script_file("1_a"), script_file("2_b", "SELECT 1")}},
               "were changed while",
               "2_b",
               true},
           Row{{{old_row, earlier_row, a, b}, {}, {script_file("1_a")}}, "were changed while", "2_b", true},
           Row{{{old_row, earlier_row, record("2", "2_b", "failed")},
                status,
                {script_file("1_a"), script_file("2_b")},
                "VACUUM;"},
               "status 1",
               "2_b",
               true},
       }) {
    const DeployReport report = judged(r.c);
    INFO(r.why << "\n" << problem(report));
    CHECK_THAT(problem(report), Contains(r.why));
    if (!r.migration.empty() && r.why.find("status") == std::string::npos)
      CHECK(report.failed_migration == r.migration);
    CHECK(report.committed_something == r.committed);
  }
}

}  // namespace
}  // namespace belay
