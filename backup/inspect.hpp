// One backup's manifest, for people.
#pragma once
#include "backup/manifest.hpp"
#include "backup/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// The verb show: everything that the manifest says, lists of tables and of names bounded; with --json the whole
/// manifest. Throws storage for a backup that cannot be used.
int show_backup(const BackupOptions& options, Tool& tool);

/// The text alone. Pure.
[[nodiscard]] std::string describe_backup(const std::filesystem::path& archive, const Manifest& manifest,
                                          TimePoint now);

}  // namespace belay
