// `migrate-production runs` and `show`: what is kept of past runs, listed, shown and packed. No server is needed.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

using Catch::Contains;

/// A folder of backups as after some runs.
class Catalogue {
 public:
  /// The sample report as that run's.
  void report(const std::string& run, const std::string& state = "put back", int status = 6) const {
    nlohmann::ordered_json json =
        nlohmann::ordered_json::parse(read_text(fs::path{BELAY_TEST_DATA} / "report_put_back.json"));
    json["run"] = run;
    json["outcome"]["state"] = state;
    json["outcome"]["status"] = status;
    write_text(runs() / run / "report.json", json.dump(1));
    journal(run, "{\"at\": \"x\", \"step\": \"done\"}\n");
  }
  void journal(const std::string& run, const std::string& lines) const {
    write_text(runs() / run / "journal.ndjson", lines);
  }
  [[nodiscard]] RunResult tool(Words words) const {
    words.insert(words.end(), {"--backup-path", "kept"});
    return run(ToolBench::argv_of("migrate-production", words), {}, {.cwd = work.path()});
  }
  [[nodiscard]] fs::path runs() const { return work / "kept/runs"; }

  ScratchFolder work;
};

TEST_CASE("runs lists the newest first, and says of a run without a report that it died or is running") {
  const Catalogue catalogue;
  catalogue.report("20261120T020000Z-0001", "done", 0);
  catalogue.report("20261122T020000Z-0003");
  catalogue.journal("20261121T020000Z-0002", "{\"step\": \"prepared\"}\n{\"step\": \"deploying\"}\n{\"step\": \"cu");
  write_text(catalogue.runs() / "20261119T020000Z-0000/report.json", "{\"format\": 2, \"version\": \"9.1\"}");
  write_text(catalogue.runs() / "no run/journal.ndjson", "");
  const RunResult result = catalogue.tool({"runs"});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  const Words lines = lines_of(result.out);
  REQUIRE(lines.size() == 5);
  CHECK_THAT(lines[1], Catch::StartsWith("20261122T020000Z-0003  2026-11-22 02:00:00  shop_production") &&
                           Contains("put back") && Contains("2 min 24 s") && Contains("0 of 3"));
  CHECK_THAT(lines[2], Contains("no report; last step: deploying"));
  CHECK_THAT(lines[3], Contains("done"));
  CHECK_THAT(lines[4], Contains("the report cannot be read") && Contains("format 2") && Contains("9.1"));
  const Json json = Json::parse(catalogue.tool({"runs", "--json"}).out);
  CHECK(json.at("runs").size() == 4);
  CHECK(json.at("runs")[0].at("outcome").at("status") == 6);
  CHECK(json.at("runs")[1].at("report").is_null());
}

TEST_CASE("a run whose journal is being written is at work") {
  const Catalogue catalogue;
  const std::string run = "20261121T020000Z-0002";
  catalogue.journal(run, "{\"step\": \"deploying\"}\n");
  const int file = ::open((catalogue.runs() / run / "journal.ndjson").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::flock(file, LOCK_EX | LOCK_NB) == 0);
  CHECK_THAT(catalogue.tool({"runs"}).out, Contains("no report yet: it is running"));
  catalogue.report("20261120T020000Z-0001", "interrupted");
  ::close(file);
  CHECK_THAT(catalogue.tool({"runs"}).out, Contains("no report") && Contains("interrupted"));
}

TEST_CASE("a folder without runs is said to have none") {
  const Catalogue catalogue;
  const RunResult result = catalogue.tool({"runs"});
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::StartsWith("No run in ") && Contains("/kept\n"));
}

TEST_CASE("show takes as much of a run's id as fits only one") {
  const Catalogue catalogue;
  catalogue.report("20261120T020000Z-0001");
  catalogue.report("20261122T020000Z-0003");
  const RunResult one = catalogue.tool({"show", "20261122"});
  CHECK(one.status == 0);
  CHECK_THAT(one.out, Catch::StartsWith("Run 20261122T020000Z-0003: put back, status 6\n"));
  const RunResult several = catalogue.tool({"show", "202611"});
  CHECK(several.status == 2);
  CHECK_THAT(several.err, Contains("20261120T020000Z-0001") && Contains("20261122T020000Z-0003"));
  const RunResult none = catalogue.tool({"show", "2025"});
  CHECK(none.status == 9);
  CHECK_THAT(none.err, Contains("there is no run \"2025\"") && Contains("migrate-production runs"));
  CHECK(catalogue.tool({"show"}).status == 2);
  CHECK(catalogue.tool({"show", ""}).status == 2);
  CHECK(catalogue.tool({"show", "../runs/20261120T020000Z-0001"}).status == 9);
}

TEST_CASE("show --json prints the report itself, and --html its page") {
  const Catalogue catalogue;
  catalogue.report("20261122T020000Z-0003");
  const RunResult json = catalogue.tool({"show", "2026", "--json"});
  CHECK(json.status == 0);
  CHECK(Json::parse(json.out) == Json::parse(read_text(catalogue.runs() / "20261122T020000Z-0003/report.json")));
  const RunResult html = catalogue.tool({"show", "2026", "--html"});
  CHECK(html.status == 0);
  CHECK_THAT(html.out, Catch::StartsWith("<!DOCTYPE html>") && Catch::EndsWith("</html>\n"));
  CHECK(catalogue.tool({"show", "2026", "--html", "--json"}).status == 2);
  CHECK(catalogue.tool({"runs", "--html"}).status == 2);
}

TEST_CASE("a report that is cut, holds a field twice, or is of a later format is refused") {
  const Catalogue catalogue;
  const std::string run = "20261122T020000Z-0003";
  catalogue.report(run);
  const fs::path file = catalogue.runs() / run / "report.json";
  const std::string whole = read_text(file);
  REQUIRE(catalogue.tool({"show", run}).status == 0);
  for (const std::string& damaged : {whole.substr(0, whole.size() / 2), std::string{}, std::string{"[1]"},
                                     std::string{"{\"format\": 1, \"format\": 1}"}, std::string{"{\"format\": 2}"},
                                     std::string{"{\"run\": \"no format\"}"}}) {
    CAPTURE(damaged.substr(0, 40));
    write_text(file, damaged);
    const RunResult result = catalogue.tool({"show", run});
    CHECK(result.status == 8);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("cannot be read") && Contains("journal.ndjson"));
  }
  fs::remove(file);
  const RunResult without = catalogue.tool({"show", run});
  CHECK(without.status == 9);
  CHECK_THAT(without.err, Contains("has no report") && Contains("recover") && Contains("last step: done"));
}

TEST_CASE("show --bundle packs report, page, journal and versions, and overwrites nothing") {
  const Catalogue catalogue;
  const std::string run = "20261122T020000Z-0003";
  catalogue.report(run);
  const RunResult result = catalogue.tool({"show", run, "--bundle", "help.tar"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string tar = (catalogue.work / "help.tar").string();
  const RunResult unpacked = test::run({"tar", "-xvf", tar}, {}, {.cwd = catalogue.work.path()});
  INFO(unpacked.err);
  CHECK(unpacked.status == 0);
  CHECK(unpacked.err.empty());
  CHECK(lines_of(unpacked.out) ==
        Words{run + "/report.json", run + "/journal.ndjson", run + "/report.html", run + "/versions.json"});
  CHECK(read_text(catalogue.work / run / "report.json") == read_text(catalogue.runs() / run / "report.json"));
  CHECK(read_text(catalogue.work / run / "journal.ndjson") == read_text(catalogue.runs() / run / "journal.ndjson"));
  CHECK(read_text(catalogue.work / run / "report.html") == catalogue.tool({"show", run, "--html"}).out);
  CHECK(Json::parse(read_text(catalogue.work / run / "versions.json")).at("belay_of_this_bundle") == BELAY_VERSION);
  const std::string first = read_text(tar);
  CHECK(catalogue.tool({"show", run, "--bundle", "help.tar"}).status == 8);
  CHECK(read_text(tar) == first);
  catalogue.journal("20261121T020000Z-0002", "{\"step\": \"deploying\"}\n");
  CHECK(catalogue.tool({"show", "20261121", "--bundle", "dead.tar"}).status == 0);
  CHECK_FALSE(fs::exists(catalogue.work / "dead.tar.partial"));
}

}  // namespace
}  // namespace belay::test
