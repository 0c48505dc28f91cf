// Dumps that belay did not write, as sources of a restore.
#pragma once
#include "restore/source.hpp"

namespace belay {

/// Reads all of the dump at `path`, and says what cannot be checked of it. Throws storage for damage, refused for what
/// is no dump of one database, or must not be run.
[[nodiscard]] RestoreSource open_foreign(const std::filesystem::path& path, const RestoreOptions& options,
                                         const RunContext& context, Tool& tool);

/// Standard input, taken to its end into a file of its own, then the same.
[[nodiscard]] RestoreSource open_standard_input(const RestoreOptions& options, const RunContext& context, Tool& tool);

}  // namespace belay
