// `migrate-production show RUN --bundle FILE`: what somebody who is to help needs of a run, in one file. No password
// and no row is in any of it.
#pragma once
#include <filesystem>

#include "common/run_tool.hpp"
#include "migrate/runs_folder.hpp"

namespace belay {

/// Report and page, journal, and the versions of what is at work here, as far as they are there. Throws storage, also
/// where `file` exists. Died here: at most FILE.partial.
Result write_bundle(const PastRun& run, const std::filesystem::path& file, Tool& tool);

}  // namespace belay
