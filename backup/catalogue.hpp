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
/// missing folder is empty. Throws storage if the folder cannot be read.
[[nodiscard]] std::vector<CatalogueEntry> list_backups(const std::filesystem::path& folder);

/// The three folders that the tools write to when nobody names another.
[[nodiscard]] std::vector<std::filesystem::path> default_folders();

/// `chosen`, else those of the default folders that are there; each folder once, whatever paths lead to it.
[[nodiscard]] std::vector<std::filesystem::path> catalogue_folders(const std::optional<std::filesystem::path>& chosen);

/// Names of all files in the folder; none if it is missing. Throws storage if it cannot be read: what may be there and
/// cannot be seen is not nothing.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& folder);

/// Removes what a dead run of belay left: .partial files that no live process holds, and the archive and schema file
/// that such a manifest.json.partial names; and finishes removals that were begun. Returns the names removed.
std::vector<std::string> sweep_leftovers(Files& files, const std::filesystem::path& folder);

/// Removes one backup: first its manifest gets another name, so that from there on no backup exists; then its files go,
/// then that mark. A kill in between leaves the mark, and sweep_leftovers finishes. Files that another manifest of the
/// folder names stay. Throws storage.
void remove_backup(Files& files, const std::filesystem::path& archive);

/// Archives, by name, whose removal was begun and could not be finished.
[[nodiscard]] std::vector<std::string> unfinished_removals(const std::filesystem::path& folder);

/// What the manifest of a backup that is being removed is called.
[[nodiscard]] std::filesystem::path removal_mark(const std::filesystem::path& archive);

/// The newest backup of `database` on `system_identifier`, verified to level archive at least, whose history does not
/// hold `migration` as applied or failed. Pure.
[[nodiscard]] std::optional<CatalogueEntry> newest_before_migration(const std::vector<CatalogueEntry>& entries,
                                                                    const std::string& database,
                                                                    const std::string& system_identifier,
                                                                    const std::string& migration);

}  // namespace belay
