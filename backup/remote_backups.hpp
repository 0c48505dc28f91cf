// Backups that lie in another place: which there are, and bringing them here.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backup/catalogue.hpp"
#include "backup/parts.hpp"
#include "backup/private_folder.hpp"
#include "backup/rclone.hpp"
#include "common/pending_file.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// What lies there is not what its manifest says, or has none: the backup there is no good. (Any other failure says
/// nothing about it.)
struct DamagedThere : Error {
  using Error::Error;
  std::optional<Manifest> manifest;  ///< where it could be read: what the files were compared with
};

/// What lies there. Throws storage, also where there is no such place.
[[nodiscard]] std::vector<RemoteFile> list_place(Rclone& rclone);

struct RemoteBackups {
  /// Oldest first, as list_backups has them of a folder; `archive` is the name there. One whose manifest is damaged, or
  /// whose files are missing or of another size, has a problem instead of a manifest.
  std::vector<CatalogueEntry> entries;
  std::size_t without_manifest = 0;  ///< files named like archives of belay: interrupted copies
};
/// Throws storage.
[[nodiscard]] RemoteBackups list_remote_backups(Rclone& rclone);

/// A backup's files on their way here: under their .partial names, locked, until they have been compared.
class Download {
 public:
  enum class Present { keep_equal, pass_over };
  /// Reads and checks the manifest of `name`. Throws usage for what is no plain file name, DamagedThere, storage.
  Download(Rclone& rclone, const std::string& name, const std::vector<RemoteFile>& there, std::filesystem::path folder,
           Tool& tool);

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] std::filesystem::path archive() const { return folder_ / manifest_.archive.file; }
  /// Brings archive and companions. keep_equal: what lies in the folder under their names already stays, if it is
  /// equal, and is refused otherwise; pass_over: it does not matter. Throws DamagedThere, storage, refused.
  void bring(Present present);
  /// Files that bring() fetched: name, and where it lies now.
  [[nodiscard]] std::vector<std::pair<std::string, std::filesystem::path>> fetched() const;
  /// Gives them their names, the manifest's last. False: all of it was there already.
  bool commit(const OffSiteCopy& copy);

 private:
  void read_manifest(const std::vector<RemoteFile>& there);
  void check_parts(const std::vector<RemoteFile>& there);
  void check_space(const std::vector<BackupPart>& wanted) const;
  void check_manifest_here() const;
  bool is_here(const BackupPart& part) const;
  void remove_dead_partial(const std::string& name);
  void bring_part(const BackupPart& part);

  Rclone& rclone_;
  std::string name_;
  std::filesystem::path folder_;
  Tool& tool_;
  Manifest manifest_;
  std::vector<BackupPart> parts_;  ///< archive first
  std::vector<std::unique_ptr<PendingFile>> files_;
};

/// One backup from another place, for looking at it as if it were a local one. Its files lie under .partial names in
/// `folder`, and by their own names, as links, in a private folder; both are gone at the end. Killed, the next run in
/// `folder` removes them.
class FetchedBackup {
 public:
  FetchedBackup(Rclone& rclone, const std::string& name, const std::vector<RemoteFile>& there,
                const std::filesystem::path& folder, Tool& tool);
  [[nodiscard]] const Manifest& manifest() const { return download_.manifest(); }
  /// In the private folder. There is no manifest beside it.
  [[nodiscard]] std::filesystem::path archive() const { return links_.path() / manifest().archive.file; }

 private:
  PrivateFolder links_;
  Download download_;
};

}  // namespace belay
