// Copies of finished backups in other places. The archive goes first, then the other files, the manifest last, and each
// is read back and compared before the next one goes: a manifest there means that its archive, as it lies there, is
// equal.
//
// What is true if the process dies: before the manifest has its name there, no backup is listed there; what lies there
// is whole files that a second try finds equal, or NAME.partial, which a second try replaces. After it the copy exists,
// at worst without the local manifest saying so.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "backup/manifest.hpp"
#include "backup/options.hpp"
#include "backup/rclone.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// Where --copy-to or --backup-minio points; none if neither is given. Throws usage.
[[nodiscard]] std::optional<RemotePlace> place_to_copy_to(const BackupOptions& options);
/// Where --from or --backup-minio points; none if neither is given. Throws usage.
[[nodiscard]] std::optional<RemotePlace> place_to_read(const BackupOptions& options);
/// The same of what was typed: --from's value, or --backup-minio.
enum class Minio { no, yes };
[[nodiscard]] std::optional<RemotePlace> place_to_read(const std::optional<std::string>& from, Minio minio);

/// Copies the backup of `archive`, and records that in its manifest. Throws storage or interrupted, saying what to type
/// next; then the local backup is untouched, and what this call had put there is removed if it can be.
OffSiteCopy copy_backup(Rclone& rclone, const std::filesystem::path& archive, Tool& tool);

/// Puts the manifest of a backup that lies there in the place of the one that is there. Throws storage.
void put_manifest(Rclone& rclone, const Manifest& manifest, Tool& tool);

/// Adds to the manifest of `archive` that it is in another place too; a former mention of that place goes. Returns the
/// manifest as it is now. Throws storage.
Manifest record_copy(Files& files, const std::filesystem::path& archive, const OffSiteCopy& copy);

/// True if both are manifests of one backup: they differ in nothing but where it is and how far it was verified.
[[nodiscard]] bool same_backup(Manifest a, Manifest b);

/// The verb copy: each file, or the first one that fails.
int copy_backups(const BackupOptions& options, Tool& tool);

/// The copy that belongs to a backup that is being taken: looked into before, made after.
class CopyAfterwards {
 public:
  /// Throws usage for a place that cannot be, refused if there is no rclone. Nothing is asked of the place yet.
  CopyAfterwards(const BackupOptions& options, Tool& tool);
  /// The place answers. Changes nothing there.
  void look();
  /// The place answers, takes a file and gives it back. Folder or bucket is made. `database`: whose backups go there.
  void check(const std::string& database);
  /// Copies, and mentions it in `manifest`. A failure is kept for throw_if_failed: the backup itself is good.
  void copy(const std::filesystem::path& archive, Manifest& manifest);
  /// What came of it, for the result.
  void describe(Result& result) const;
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  void throw_if_failed() const;

 private:
  Tool& tool_;
  std::optional<Rclone> rclone_;  ///< none: no copy was asked for
  std::optional<OffSiteCopy> made_;
  std::optional<Error> failure_;
};

}  // namespace belay
