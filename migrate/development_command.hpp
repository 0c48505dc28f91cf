// A command line that is to deploy to production is looked at before anything is done: whether it is, or leads to, one
// of Prisma's commands for development.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace belay {

/// The text of a file; none if it cannot be read. A seam for tests.
using FileText = std::function<std::optional<std::string>(const std::filesystem::path&)>;

/// Why `command`, given to a shell in `folder`, must not be run against production; none if nothing speaks against it.
/// Looked for: `migrate dev`, `migrate reset` and `db push` of Prisma, however they are called, in each part of a
/// chain, in what is quoted (sh -c), in scripts of the nearest package.json (npm, pnpm, yarn, bun; pre and post scripts
/// too) and in shell scripts that are files, some levels deep. What a variable or another program will run is not seen.
[[nodiscard]] std::optional<std::string> development_command(const std::string& command,
                                                             const std::filesystem::path& folder, const FileText& read);

}  // namespace belay
