// The runs that a catalogue knows: a folder each below runs/, with a journal and, of a guarded run, a report.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/files.hpp"
#include "common/output.hpp"

namespace belay {

struct PastRun {
  std::string run;  ///< its id
  std::filesystem::path folder;
  std::optional<Json> report;  ///< if it is there, and can be read
  std::string problem;         ///< why a report that is there cannot be read
  bool at_work = false;        ///< a live process on this host writes its journal
  std::string last_step;       ///< the journal's, where there is no report
  std::string settled;         ///< what a later `recover` made of it, and when; empty = none did
};

/// <catalogue>/runs, newest first; empty where there is none. Throws storage if it cannot be looked into.
[[nodiscard]] std::vector<PastRun> find_runs(const std::filesystem::path& catalogue);

/// The run of that id, or the only one whose id begins so; none = there is no such run. Throws usage if several do.
[[nodiscard]] std::optional<PastRun> find_run(const std::filesystem::path& catalogue, const std::string& prefix);

/// Removes the half files of reports, and of the list of what was put back, that killed runs left in <catalogue>/runs;
/// what a live process writes is left alone. Their names below the catalogue.
std::vector<std::string> sweep_runs(Files& files, const std::filesystem::path& catalogue);

}  // namespace belay
