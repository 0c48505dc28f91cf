#include "migrate/runs_folder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/strict_json.hpp"
#include "migrate/report_fields.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr Bytes largest_report = Bytes{64} << 20U;
constexpr Bytes largest_journal = Bytes{64} << 20U;

std::vector<std::string> run_names(const fs::path& folder) {
  std::vector<std::string> names;
  if (!is_there(folder)) return names;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (is_run_id(name)) names.push_back(name);
    }
  } catch (const fs::filesystem_error& error) {
    throw Error{Failure::storage, fmt::format("could not read the folder \"{}\"", folder.string()),
                error.code().message()};
  }
  std::sort(names.rbegin(), names.rend());
  return names;
}

/// The last whole line: one that is being written, or that a killed run left, is none. Null if there is none.
Json last_line_of(const fs::path& journal) {
  try {
    const std::string text = read_small_file(journal, largest_journal);
    const std::size_t end = text.rfind('\n');
    if (end == std::string::npos || end == 0) return nullptr;
    const std::size_t before = text.rfind('\n', end - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    Json line = Json::parse(text.substr(begin, end - begin), nullptr, false);
    return line.is_object() ? line : Json(nullptr);
  } catch (const Error&) {
    return nullptr;  // it is for people, and said to be missing by saying nothing
  }
}

/// What a recovery made of that run: the last thing that it wrote down.
std::string settled_by(const fs::path& runs, const std::vector<std::string>& names, const std::string& run) {
  for (const std::string& name : names) {
    if (name == run) continue;
    const Json line = last_line_of(runs / name / "journal.ndjson");
    if (text_in(line, "step") == "settled" && text_in(line, "settled_run") == run)
      return fmt::format("{}, by recover at {}", text_in(line, "state"), text_in(line, "at"));
  }
  return {};
}

PastRun read_run(const fs::path& folder, const std::vector<std::string>& all) {
  PastRun run{.run = folder.filename().string(), .folder = folder, .report = {}, .problem = {}, .last_step = {}};
  const fs::path report = folder / "report.json", journal = folder / "journal.ndjson";
  run.at_work = is_locked_by_another(journal);
  try {
    if (is_there(report)) {
      Json json = parse_strict(read_small_file(report, largest_report));
      require_readable_report(json);
      run.report = std::move(json);
      const std::string state = text_in(object_in(*run.report, "outcome"), "state");
      if (!run.at_work && (state == "interrupted" || state == "half-way"))
        run.settled = settled_by(folder.parent_path(), all, run.run);
      return run;
    }
  } catch (const Error& error) {
    run.problem = error.detail.empty() ? error.message : error.detail;
    if (!error.hint.empty()) run.problem += " " + error.hint;
    return run;
  }
  run.last_step = text_in(last_line_of(journal), "step");
  return run;
}

bool remove_half(Files& files, const fs::path& file) {
  if (!is_there(file) || is_locked_by_another(file)) return false;
  files.remove(file);
  return true;
}

}  // namespace

std::vector<std::string> sweep_runs(Files& files, const fs::path& catalogue) {
  std::vector<std::string> names{"runs/put_back.json.partial"};
  for (const std::string& run : run_names(catalogue / "runs")) {
    for (const char* report : {"report.json.partial", "report.html.partial"})
      names.push_back(fmt::format("runs/{}/{}", run, report));
  }
  std::erase_if(names, [&](const std::string& name) { return !remove_half(files, catalogue / name); });
  return names;
}

std::vector<PastRun> find_runs(const fs::path& catalogue) {
  std::vector<PastRun> runs;
  const std::vector<std::string> names = run_names(catalogue / "runs");
  for (const std::string& name : names) runs.push_back(read_run(catalogue / "runs" / name, names));
  return runs;
}

std::optional<PastRun> find_run(const fs::path& catalogue, const std::string& prefix) {
  std::vector<std::string> found;
  const std::vector<std::string> names = run_names(catalogue / "runs");
  for (const std::string& name : names) {
    if (name == prefix) return read_run(catalogue / "runs" / name, names);
    if (name.starts_with(prefix)) found.push_back(name);
  }
  if (found.empty()) return std::nullopt;
  if (found.size() == 1) return read_run(catalogue / "runs" / found.front(), names);
  std::string fitting;
  for (const std::string& name : found) fitting += name + "\n";
  throw Error{Failure::usage, fmt::format("\"{}\" fits several runs", prefix), fitting,
              "Give as much of the run's id as fits only one."};
}

}  // namespace belay
