#include "migrate/runs_verb.hpp"

#include <fmt/format.h>

#include "backup/columns.hpp"
#include "common/error.hpp"
#include "migrate/bundle.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/report_html.hpp"
#include "migrate/report_text.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

fs::path catalogue_of(const MigrateOptions& options) {
  return fs::absolute(options.backup_path.value_or("./backups/pre-migration")).lexically_normal();
}

std::string why_no_report(const PastRun& run) {
  if (!run.problem.empty()) return "the report cannot be read: " + run.problem;
  if (run.at_work) return "no report yet: it is running";
  return "no report" + (run.last_step.empty() ? "" : "; last step: " + run.last_step);
}

std::size_t count_applied(const Json& report) {
  std::size_t applied = 0;
  for (const Json& m : list_in(report, "migrations")) applied += text_in(m, "state") == "applied" ? 1 : 0;
  return applied;
}

std::vector<std::string> row_of(const PastRun& run) {
  const std::string when = time_words(iso_utc(run_began(run.run))).substr(0, 19);
  if (!run.report) return {run.run, when, "", one_line(why_no_report(run)), "", "", ""};
  const Json& report = *run.report;
  const Json& outcome = object_in(report, "outcome");
  const std::optional<double> seconds = number_in(report, "seconds");
  const std::size_t migrations = list_in(report, "migrations").size();
  return {run.run,
          when,
          one_line(text_in(object_in(report, "target"), "database")),
          run.at_work ? "at work"
                      : one_line(text_in(outcome, "state") + (run.settled.empty() ? "" : "; settled: " + run.settled)),
          one_line(text_in(outcome, "status")),
          seconds ? ms_words(*seconds * 1000) : "",
          migrations == 0 ? "" : fmt::format("{} of {}", count_applied(report), migrations)};
}

Json json_of(const PastRun& run) {
  Json json{{"run", run.run}, {"folder", run.folder.string()}, {"at_work", run.at_work}};
  if (!run.report) {
    json["report"] = nullptr;
    json["why"] = why_no_report(run);
    return json;
  }
  const Json& report = *run.report;
  json["report"] = (run.folder / "report.json").string();
  json["started_at"] = text_in(report, "started_at");
  json["database"] = text_in(object_in(report, "target"), "database");
  json["outcome"] = object_in(report, "outcome");
  json["settled"] = run.settled.empty() ? Json(nullptr) : Json(run.settled);
  json["seconds"] = report.contains("seconds") ? report["seconds"] : Json(nullptr);
  json["migrations"] = Json::array();
  for (const Json& m : list_in(report, "migrations"))
    json["migrations"].push_back({{"name", text_in(m, "name")}, {"state", text_in(m, "state")}});
  return json;
}

[[noreturn]] void no_such_run(const fs::path& catalogue, const std::string& run) {
  throw Error{Failure::answer_no, fmt::format("there is no run \"{}\"", run),
              "Looked for in " + (catalogue / "runs").string(),
              "`migrate-production runs` lists them; --backup-path names another folder."};
}

[[noreturn]] void no_report(const PastRun& run) {
  if (!run.problem.empty())
    throw Error{Failure::storage, fmt::format("the report of run \"{}\" cannot be read", run.run), run.problem,
                fmt::format("Its journal is {}.", (run.folder / "journal.ndjson").string())};
  throw Error{Failure::answer_no, fmt::format("run \"{}\" has no report", run.run), why_no_report(run),
              fmt::format("Its journal is {}. `migrate-production recover` says in which state the database is.",
                          (run.folder / "journal.ndjson").string())};
}

}  // namespace

Result describe_runs(const fs::path& catalogue, const std::vector<PastRun>& runs) {
  Json json{{"catalogue", catalogue.string()}, {"runs", Json::array()}};
  if (runs.empty()) return {fmt::format("No run in {}\n", one_line(catalogue.string())), json};
  std::vector<std::vector<std::string>> rows;
  for (const PastRun& run : runs) {
    rows.push_back(row_of(run));
    json["runs"].push_back(json_of(run));
  }
  return {in_columns({{"RUN"},
                      {"BEGAN (UTC)"},
                      {"DATABASE"},
                      {"STATE"},
                      {"STATUS", Align::right},
                      {"TOOK", Align::right},
                      {"APPLIED"}},
                     rows),
          json};
}

int run_runs(const MigrateOptions& options, Tool& tool) {
  const fs::path catalogue = catalogue_of(options);
  tool.out.result(describe_runs(catalogue, find_runs(catalogue)));
  return 0;
}

int run_show(const MigrateOptions& options, Tool& tool) {
  const fs::path catalogue = catalogue_of(options);
  const std::string wanted = options.run.value_or("");
  if (wanted.empty()) throw Error{Failure::usage, "show needs a run's id", {}, "`migrate-production runs` lists them."};
  const std::optional<PastRun> run = find_run(catalogue, wanted);
  if (!run) no_such_run(catalogue, wanted);
  if (options.bundle) {
    tool.out.result(write_bundle(*run, *options.bundle, tool));
    return 0;
  }
  if (!run->report) no_report(*run);
  if (!run->settled.empty()) tool.out.note("Settled since: " + run->settled);
  tool.out.result({options.html ? report_html(*run->report) : report_text(*run->report), *run->report});
  return 0;
}

void add_show_options(OptionSet& set, MigrateOptions& options) {
  set.command("runs", "the guarded runs that --backup-path knows, newest first");
  set.command("show", "what one of them did; RUN is its id, or as much of it as fits only one");
  set.positional("RUN", options.run, "show: the run", {"show"});
  set.flag("--html", options.html, "show RUN: print its page report.html", Where::command_line_only);
  set.path("--bundle", options.bundle, "FILE", "show RUN: pack report, journal and versions into this tar file",
           Where::command_line_only);
  for (const char* option : {"--html", "--bundle"}) set.only_for(option, {"show"});
}

}  // namespace belay
