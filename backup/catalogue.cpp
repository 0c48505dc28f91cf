#include "backup/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/error.hpp"
#include "common/fault_point.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view partial_suffix = ".partial";
constexpr std::string_view removing = ".removing";

/// Only names of our own making are ever touched.
bool is_ours(const std::string& name) {
  return name.starts_with("backup_") || name.starts_with("schema_backup_") || name.starts_with("partial_backup_");
}

/// A half-written manifest of an adopted dump, whose name is not of our making: known by how it begins, as far as it
/// got.
bool is_manifest_begun(const fs::path& path) {
  std::error_code missing;
  if (!fs::is_regular_file(path, missing)) return false;
  std::array<std::byte, 64> room{};
  try {
    const std::string_view begin = as_text(ByteSpan{room}.first(read_file(path)(room)));
    return begin.empty() || begin.find("\"belay-manifest\"") != std::string_view::npos;
  } catch (const Error&) {
    return false;
  }
}

CatalogueEntry read_entry(const fs::path& archive) {
  CatalogueEntry entry{.archive = archive};
  try {
    entry.manifest = read_manifest_of(archive);
  } catch (const Error& error) {
    entry.problem = error.message + (error.detail.empty() ? "" : ": " + error.detail);
  }
  return entry;
}

/// A manifest that was written but never got its name: the files it announces were not a backup yet.
void remove_announced(Files& files, const fs::path& manifest_partial, std::vector<std::string>& removed) {
  try {
    const Manifest manifest =
        parse_manifest(read_small_file(manifest_partial, largest_manifest), manifest_partial.string());
    if (manifest.adopted) return;  // its archive was there before it
    for (const std::string& name : manifest.files()) {
      const fs::path file = manifest_partial.parent_path() / fs::path{name}.filename();
      if (fs::exists(manifest_path(manifest_partial.parent_path() / manifest.archive.file)) || !fs::exists(file) ||
          !is_ours(name))
        continue;
      files.remove(file);
      removed.push_back(name);
    }
  } catch (const Error&) {
    // Cut short: then nothing had been renamed yet either.
  }
}

/// What cannot be removed is no reason not to take a backup: it is never listed, and the next run tries again.
void remove_leftover(Files& files, const fs::path& file, std::vector<std::string>& removed) {
  try {
    files.remove(file);
    removed.push_back(file.filename());
  } catch (const Error&) {
    // A folder by such a name, or another user's file.
  }
}

/// Files of the folder that belong to a backup there. A manifest that cannot be read may claim whatever has its name in
/// front.
class Claims {
 public:
  explicit Claims(const fs::path& folder) {
    for (const CatalogueEntry& entry : list_backups(folder)) {
      if (!entry.manifest) {
        unknown_.push_back(entry.archive.filename());
        continue;
      }
      for (const std::string& name : entry.manifest->files()) names_.insert(name);
    }
  }
  [[nodiscard]] bool has(const std::string& name) const {
    return names_.contains(name) || std::any_of(unknown_.begin(), unknown_.end(),
                                                [&](const std::string& begin) { return name.starts_with(begin); });
  }

 private:
  std::set<std::string> names_;
  std::vector<std::string> unknown_;
};

/// What is left of a backup whose manifest is a mark by now. A kill anywhere in here leaves the mark, which says what
/// else there is to remove, so it goes last.
void remove_marked(Files& files, const fs::path& mark, const Manifest& manifest, std::vector<std::string>& removed) {
  const fs::path folder = mark.parent_path();
  const Claims claims{folder};
  for (const std::string& name : manifest.files()) {
    std::error_code missing;
    if (claims.has(name) || !fs::exists(fs::symlink_status(folder / name, missing))) continue;
    files.remove(folder / name);
    removed.push_back(name);
    fault_point("backup's file removed");
  }
  files.sync_directory(folder);  // the files, before the mark that knows of them
  fault_point("backup's files removed");
  files.remove(mark);
  removed.push_back(mark.filename());
  fault_point("backup's mark removed");
}

std::string mark_suffix() { return std::string{manifest_suffix} + std::string{removing}; }

/// Only a mark that is a whole manifest, and the one of the backup whose name it bears, is acted on.
void finish_removals(Files& files, const fs::path& folder, std::vector<std::string>& removed) {
  const std::string suffix = mark_suffix();
  for (const std::string& name : names_in(folder)) {
    if (!name.ends_with(suffix)) continue;
    std::optional<Manifest> manifest;
    try {
      manifest = parse_manifest(read_small_file(folder / name, largest_manifest), name);
    } catch (const Error&) {
      continue;  // not ours, or damaged: nobody knows what belongs to it
    }
    if (manifest->archive.file + suffix != name) continue;
    try {
      remove_marked(files, folder / name, *manifest, removed);
    } catch (const Error&) {
      // A file that cannot be removed must not keep the next backup from being taken: the mark stays, `list` and
      // `prune` show it, and every run tries again.
    }
  }
}

}  // namespace

fs::path removal_mark(const fs::path& archive) {
  fs::path path = manifest_path(archive);
  path += removing;
  return path;
}

std::vector<std::string> unfinished_removals(const fs::path& folder) {
  std::vector<std::string> marks;
  for (const std::string& name : names_in(folder)) {
    if (name.ends_with(mark_suffix())) marks.push_back(name.substr(0, name.size() - mark_suffix().size()));
  }
  return marks;
}

void remove_backup(Files& files, const fs::path& archive) {
  const fs::path folder = archive.parent_path();
  const fs::path manifest_file = manifest_path(archive);
  const Manifest manifest = parse_manifest(read_small_file(manifest_file, largest_manifest), archive.string());
  if (manifest.archive.file != archive.filename()) {
    throw Error{Failure::storage, fmt::format("the manifest of \"{}\" belongs to another backup", archive.string())};
  }
  const fs::path mark = removal_mark(archive);
  files.rename(manifest_file, mark);  // killed before: the backup is whole and listed; after: it is none any more
  files.sync_directory(folder);       // the mark, before anything that it is needed for
  std::vector<std::string> removed;
  remove_marked(files, mark, manifest, removed);
  files.sync_directory(folder);
}

std::vector<fs::path> default_folders() { return {"./backups", "./backups/pre-migration", "./backups/pre-restore"}; }

std::vector<fs::path> catalogue_folders(const std::optional<fs::path>& chosen) {
  if (chosen) return {*chosen};
  std::vector<fs::path> folders;
  for (const fs::path& folder : default_folders()) {
    // A backup seen twice would be taken for two, of which one can go.
    std::error_code missing;
    const bool again = std::any_of(folders.begin(), folders.end(),
                                   [&](const fs::path& other) { return fs::equivalent(other, folder, missing); });
    if (fs::is_directory(folder, missing) && !again) folders.push_back(folder);
  }
  return folders;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code reason;
  for (fs::directory_iterator at{folder, reason}, end; !reason && at != end; at.increment(reason))
    names.push_back(at->path().filename());
  if (reason && reason != std::errc::no_such_file_or_directory)
    throw Error{Failure::storage, fmt::format("could not read the folder \"{}\"", folder.string()), reason.message()};
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<CatalogueEntry> list_backups(const fs::path& folder) {
  std::vector<CatalogueEntry> entries;
  for (const std::string& name : names_in(folder)) {
    if (!name.ends_with(manifest_suffix) || name.size() == manifest_suffix.size()) continue;
    entries.push_back(read_entry(folder / name.substr(0, name.size() - manifest_suffix.size())));
  }
  const auto time = [](const CatalogueEntry& entry) {
    return entry.manifest ? entry.manifest->created_at : TimePoint{};
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const CatalogueEntry& a, const CatalogueEntry& b) { return time(a) < time(b); });
  return entries;
}

std::vector<std::string> sweep_leftovers(Files& files, const fs::path& folder) {
  std::vector<std::string> removed;
  const std::vector<std::string> names = names_in(folder);
  for (const bool manifests : {true, false}) {  // a manifest's own leftover goes first: it says what else belongs to it
    for (const std::string& name : names) {
      const bool is_manifest = name.ends_with(std::string{manifest_suffix} + std::string{partial_suffix});
      const bool ours = is_ours(name) || (is_manifest && is_manifest_begun(folder / name));
      if (!ours || !name.ends_with(partial_suffix) || is_manifest != manifests || is_locked_by_another(folder / name))
        continue;
      if (is_manifest) remove_announced(files, folder / name, removed);
      remove_leftover(files, folder / name, removed);
    }
  }
  finish_removals(files, folder, removed);
  if (!removed.empty()) files.sync_directory(folder);
  return removed;
}

std::optional<CatalogueEntry> newest_before_migration(const std::vector<CatalogueEntry>& entries,
                                                      const std::string& database, const std::string& system_identifier,
                                                      const std::string& migration) {
  std::optional<CatalogueEntry> newest;
  for (const CatalogueEntry& entry : entries) {
    if (!entry.manifest) continue;
    const Manifest& m = *entry.manifest;
    const bool holds = std::any_of(m.history.begin(), m.history.end(), [&](const RecordedMigration& r) {
      return r.name == migration && r.state != "rolled back";
    });
    const bool fits = m.database.name == database && m.system_identifier == system_identifier &&
                      m.level() >= Level::archive && !holds;
    if (fits && (!newest || newest->manifest->created_at < m.created_at)) newest = entry;
  }
  return newest;
}

}  // namespace belay
