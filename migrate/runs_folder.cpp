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

/// The last whole line: one that is being written, or that a killed run left, is none.
std::string last_step_of(const fs::path& journal) {
  try {
    const std::string text = read_small_file(journal, largest_journal);
    const std::size_t end = text.rfind('\n');
    if (end == std::string::npos || end == 0) return {};
    const std::size_t before = text.rfind('\n', end - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return text_in(Json::parse(text.substr(begin, end - begin), nullptr, false), "step");
  } catch (const Error&) {
    return {};  // it is for people, and said to be missing by saying nothing
  }
}

PastRun read_run(const fs::path& folder) {
  PastRun run{.run = folder.filename().string(), .folder = folder, .report = {}, .problem = {}, .last_step = {}};
  const fs::path report = folder / "report.json", journal = folder / "journal.ndjson";
  run.at_work = is_locked_by_another(journal);
  try {
    if (is_there(report)) {
      Json json = parse_strict(read_small_file(report, largest_report));
      require_readable_report(json);
      run.report = std::move(json);
      return run;
    }
  } catch (const Error& error) {
    run.problem = error.detail.empty() ? error.message : error.detail;
    if (!error.hint.empty()) run.problem += " " + error.hint;
    return run;
  }
  run.last_step = last_step_of(journal);
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
  for (const std::string& name : run_names(catalogue / "runs")) runs.push_back(read_run(catalogue / "runs" / name));
  return runs;
}

std::optional<PastRun> find_run(const fs::path& catalogue, const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& name : run_names(catalogue / "runs")) {
    if (name == prefix) return read_run(catalogue / "runs" / name);
    if (name.starts_with(prefix)) found.push_back(name);
  }
  if (found.empty()) return std::nullopt;
  if (found.size() == 1) return read_run(catalogue / "runs" / found.front());
  std::string names;
  for (const std::string& name : found) names += name + "\n";
  throw Error{Failure::usage, fmt::format("\"{}\" fits several runs", prefix), names,
              "Give as much of the run's id as fits only one."};
}

}  // namespace belay
