// What lies in a folder of backups, as a table.
#pragma once
#include "backup/catalogue.hpp"
#include "backup/foreign.hpp"
#include "backup/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

struct FolderListing {
  std::string place;                    ///< as the reader calls it
  std::vector<CatalogueEntry> entries;  ///< oldest first, those that cannot be used among them
  UnmanagedDumps unmanaged;
  std::vector<std::string> unfinished;  ///< archives whose removal was begun
};

/// Reads one folder. Nothing that is not whole is among the backups.
[[nodiscard]] FolderListing read_listing(const std::filesystem::path& folder);

/// A table per place, backups oldest first by their manifests' time; then what cannot be used, with the reason, and
/// dumps that belay did not write. Pure.
[[nodiscard]] Result show_listing(const std::vector<FolderListing>& places, TimePoint now);

/// The verb: the folder of --output-path, or the three default folders.
int list_backups_command(const BackupOptions& options, Tool& tool);

/// Why the last verification of a backup failed; none if it passed, or a later one did to the same level.
[[nodiscard]] const VerificationRecord* standing_failure(const Manifest& manifest);

[[nodiscard]] std::size_t count_applied(const Manifest& manifest);

}  // namespace belay
