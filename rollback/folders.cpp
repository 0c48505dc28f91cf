#include "rollback/folders.hpp"

#include <fmt/format.h>

#include "common/fault_point.hpp"
#include "common/files.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse_unsaid() {
  throw Error{Failure::refused,
              "what becomes of the migration's folder was not said",
              {},
              "Give --keep-folder, --move-folder or --delete-history. Nothing was changed."};
}

bool is_said(const RollbackOptions& options) {
  return options.keep_folder || options.move_folder || options.delete_history;
}

}  // namespace

MigrationFolders::MigrationFolders(fs::path folder, std::vector<std::string> names, Tool& tool)
    : folder_(std::move(folder)), names_(std::move(names)), tool_(tool) {}

fs::path MigrationFolders::place_for(const std::string& name) const {
  return folder_.parent_path() / "migrations-rolled-back" / name;
}

void MigrationFolders::choose(const RollbackOptions& options) {
  if (names_.empty()) return;
  if (options.move_folder) fate_ = FolderFate::move;
  if (!is_said(options)) {
    if (options.common.force) refuse_unsaid();
    const bool one = names_.size() == 1;
    const Answer answer = tool_.prompt.ask(
        fmt::format("As long as {} there, the next deploy applies {} again. Move {} to {}? (yes/no)",
                    one ? "its folder is" : "their folders are", one ? "it" : "them", one ? "it" : "them",
                    one ? place_for(names_.front()).string() : place_for("").parent_path().string()),
        "yes");
    if (answer == Answer::cannot_ask) refuse_unsaid();
    if (answer == Answer::yes) fate_ = FolderFate::move;
  }
  if (fate_ == FolderFate::keep) return;
  for (const std::string& name : names_) {
    if (!is_there(place_for(name))) continue;
    throw Error{Failure::refused,
                fmt::format("\"{}\" is there already", place_for(name).string()),
                {},
                "Remove it, or give --keep-folder. Nothing was changed."};
  }
}

void MigrationFolders::move() {
  if (fate_ == FolderFate::keep) return;
  for (const std::string& name : names_) {
    fault_point("undo: before moving the folder");
    const fs::path place = place_for(name);
    std::error_code error;
    fs::create_directories(place.parent_path(), error);
    if (!error) fs::rename(folder_ / name, place, error);
    if (!error) {
      moved_.push_back(place);
      continue;
    }
    tool_.out.warn(
        fmt::format("could not move the folder to {}: {}. Move it by hand, or the next deploy applies the migration "
                    "again.",
                    place.string(), error.message()));
  }
}

void require_folder_fate(const RollbackOptions& options) {
  if (is_said(options) || !options.common.force || options.common.dry_run || options.write_down) return;
  refuse_unsaid();
}

}  // namespace belay
