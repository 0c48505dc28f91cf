// A backup that holds much less than the one before: a whole backup of a table that somebody emptied is "verified" too.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "backup/catalogue.hpp"
#include "common/output.hpp"

namespace belay {

/// A line for each of size, number of tables and tables' rows that fell by more than half, or for tables with rows that
/// are gone; the most rows lost first, at most ten tables. Empty: nothing did. Sizes are compared only where both
/// archives are of one format; rows not where one of them holds none by its scope. Pure.
[[nodiscard]] std::vector<std::string> describe_shrinkage(const Manifest& before, const Manifest& now);

/// The newest whole backup of the same database and system that is older than `now`; none if there is none. Pure.
[[nodiscard]] const CatalogueEntry* newest_before(const std::vector<CatalogueEntry>& entries, const Manifest& now);

/// Warns if the backup just taken, of which `now` is the manifest, holds much less than the one before in `folder`.
void warn_about_shrinkage(const std::filesystem::path& folder, const Manifest& now, Output& out);

}  // namespace belay
