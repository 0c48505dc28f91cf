// What becomes of the folders of migrations that were taken back: as long as one is there, the next deploy applies its
// migration again.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/run_tool.hpp"
#include "rollback/options.hpp"

namespace belay {

enum class FolderFate { keep, move };

class MigrationFolders {
 public:
  /// `folder`: of all migrations; `names`: of those that are taken back.
  MigrationFolders(std::filesystem::path folder, std::vector<std::string> names, Tool& tool);
  /// What the options say, else what is answered. Throws refused if nobody can be asked, or if a folder could not be
  /// moved where it is to go.
  void choose(const RollbackOptions& options);
  /// Moves them, if that was said. After the COMMIT: died before or in between, those that are still there would be
  /// applied again by the next deploy. What cannot be moved is warned of.
  void move();
  /// Where they are now, one per moved folder.
  [[nodiscard]] const std::vector<std::filesystem::path>& moved() const { return moved_; }
  [[nodiscard]] bool all_moved() const { return moved_.size() == names_.size(); }

 private:
  [[nodiscard]] std::filesystem::path place_for(const std::string& name) const;
  std::filesystem::path folder_;
  std::vector<std::string> names_;
  Tool& tool_;
  FolderFate fate_ = FolderFate::keep;
  std::vector<std::filesystem::path> moved_;
};

/// Nobody will be asked: said before the work of the proof, not after it. Throws refused.
void require_folder_fate(const RollbackOptions& options);

}  // namespace belay
