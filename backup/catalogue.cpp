#include "backup/catalogue.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view partial = ".partial";
constexpr std::string_view manifest_suffix = ".manifest.json";
constexpr Bytes largest_manifest = Bytes{256} * 1024 * 1024;

/// Only names of our own making are ever touched.
bool is_ours(const std::string& name) {
  return name.starts_with("backup_") || name.starts_with("schema_backup_") || name.starts_with("partial_backup_");
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

}  // namespace

std::vector<fs::path> default_folders() { return {"./backups", "./backups/pre-migration", "./backups/pre-restore"}; }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<CatalogueEntry> list_backups(const fs::path& folder) {
  std::vector<CatalogueEntry> entries;
  for (const std::string& name : names_in(folder)) {
    if (!name.ends_with(manifest_suffix)) continue;
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
      const bool is_manifest = name.ends_with(std::string{manifest_suffix} + std::string{partial});
      if (!is_ours(name) || !name.ends_with(partial) || is_manifest != manifests || is_locked_by_another(folder / name))
        continue;
      if (is_manifest) remove_announced(files, folder / name, removed);
      files.remove(folder / name);
      removed.push_back(name);
    }
  }
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
