// A folder of backups: what is in it, which one serves, and what a dead run left there.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/files.hpp"

namespace belay {

struct CatalogueEntry {
  std::filesystem::path archive;
  std::optional<Manifest> manifest;
  std::string problem;  ///< why there is no manifest to use; empty otherwise
};

/// Backups in `folder`, oldest first by the manifest's time. Files without a manifest are no backups and not listed; a
/// missing folder is empty.
[[nodiscard]] std::vector<CatalogueEntry> list_backups(const std::filesystem::path& folder);

/// The three folders that the tools write to when nobody names another.
[[nodiscard]] std::vector<std::filesystem::path> default_folders();

/// Names of all files in the folder; none if it is missing.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& folder);

/// Removes what a dead run of belay left: .partial files that no live process holds, and the archive and schema file
/// that such a manifest.json.partial names. Returns the names removed.
std::vector<std::string> sweep_leftovers(Files& files, const std::filesystem::path& folder);

/// The newest backup of `database` on `system_identifier`, verified to level archive at least, whose history does not
/// hold `migration` as applied or failed. Pure.
[[nodiscard]] std::optional<CatalogueEntry> newest_before_migration(const std::vector<CatalogueEntry>& entries,
                                                                    const std::string& database,
                                                                    const std::string& system_identifier,
                                                                    const std::string& migration);

}  // namespace belay
