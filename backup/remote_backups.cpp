#include "backup/remote_backups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backup/foreign.hpp"
#include "backup/offsite.hpp"
#include "backup/transfer_progress.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

using SizeByName = std::map<std::string, std::optional<Bytes>>;

SizeByName by_name(const std::vector<RemoteFile>& files) {
  SizeByName sizes;
  for (const RemoteFile& file : files) sizes[file.name] = file.size;
  return sizes;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

/// Why the file cannot be the one of `bytes`; empty if it can.
std::string size_problem(const SizeByName& there, const std::string& name, std::optional<Bytes> bytes) {
  const auto found = there.find(name);
  if (found == there.end()) return fmt::format("\"{}\" is missing there.", name);
  if (!bytes || !found->second || *found->second == *bytes) return {};
  return fmt::format("\"{}\" has {} bytes there instead of {}.", name, *found->second, *bytes);
}

/// Of the files that the manifest names; empty if all can be there.
std::string problem_of(const Manifest& manifest, const SizeByName& there) {
  for (const BackupPart& part : parts_of(manifest)) {
    if (!is_plain_name(part.name)) return fmt::format("It names a file \"{}\", which is no plain name.", part.name);
    if (std::string problem = size_problem(there, part.name, part.bytes); !problem.empty()) return problem;
  }
  return {};
}

CatalogueEntry entry_of(const std::string& archive, const fs::path& manifest_file, const SizeByName& there) {
  CatalogueEntry entry{.archive = archive, .manifest = std::nullopt, .problem = {}};
  try {
    Manifest manifest = parse_manifest(read_small_file(manifest_file, largest_manifest), archive);
    entry.problem = manifest.archive.file == archive
                        ? problem_of(manifest, there)
                        : fmt::format("Its manifest belongs to \"{}\".", manifest.archive.file);
    if (entry.problem.empty()) {
      entry.manifest = std::move(manifest);
    } else {
      entry.problem = fmt::format("the backup \"{}\" is not whole: {}", archive, entry.problem);
    }
  } catch (const Error& error) {
    entry.problem = error.message + (error.detail.empty() ? "" : ": " + error.detail);
  }
  return entry;
}

}  // namespace

std::vector<RemoteFile> list_place(Rclone& rclone) {
  std::optional<std::vector<RemoteFile>> files = rclone.list();
  if (!files) throw Error{Failure::storage, fmt::format("there is no {}", rclone.place().shown), {}, "Check the name."};
  return *std::move(files);
}

RemoteBackups list_remote_backups(Rclone& rclone) {
  const std::vector<RemoteFile> files = list_place(rclone);
  const PrivateFolder folder;
  rclone.download_manifests(folder.path());
  const SizeByName there = by_name(files);
  RemoteBackups backups;
  for (const auto& [name, size] : there) {
    if (is_archive_name(name) && !there.contains(name + std::string{manifest_suffix})) ++backups.without_manifest;
    if (!name.ends_with(manifest_suffix)) continue;
    const std::string archive = name.substr(0, name.size() - manifest_suffix.size());
    backups.entries.push_back(entry_of(archive, folder.path() / name, there));
  }
  const auto time = [](const CatalogueEntry& entry) {
    return entry.manifest ? entry.manifest->created_at : TimePoint{};
  };
  std::stable_sort(backups.entries.begin(), backups.entries.end(),
                   [&](const CatalogueEntry& a, const CatalogueEntry& b) { return time(a) < time(b); });
  return backups;
}

Download::Download(Rclone& rclone, const std::string& name, const std::vector<RemoteFile>& there, fs::path folder,
                   Tool& tool)
    : rclone_(rclone), name_(name), folder_(std::move(folder)), tool_(tool) {
  if (!is_plain_name(name_))
    throw Error{Failure::usage, fmt::format("\"{}\" is no name of a backup in another place", name_),
                "It has to be a file's name without a folder.", "`backup-db list --from …` shows the names."};
  read_manifest(there);
  check_parts(there);
}

void Download::read_manifest(const std::vector<RemoteFile>& there) {
  const SizeByName sizes = by_name(there);
  std::string file = name_ + std::string{manifest_suffix};
  // A manifest is replaced there by a rename, which is two steps at some places: in between it has this name only.
  if (!sizes.contains(file) && sizes.contains(file + ".partial")) file += ".partial";
  if (!sizes.contains(file)) {
    const char* what = sizes.contains(name_) ? "It is there, but has no manifest: it is not whole, or not belay's."
                                             : "There is no such file.";
    throw DamagedThere{Failure::storage, fmt::format("there is no backup \"{}\" in {}", name_, rclone_.place().shown),
                       what, fmt::format("`backup-db list {}` shows what there is.", rclone_.place().typed("--from"))};
  }
  std::string text;
  rclone_.read(file, [&](ByteSpan bytes) {
    text += as_text(bytes);
    if (text.size() > largest_manifest)
      throw DamagedThere{Failure::storage, fmt::format("\"{}\" is too large for a manifest", file)};
  });
  try {
    manifest_ = parse_manifest(text, name_);
  } catch (const Error& error) {
    throw DamagedThere{error.kind, error.message, error.detail, error.hint};
  }
}

void Download::check_parts(const std::vector<RemoteFile>& there) {
  const SizeByName sizes = by_name(there);
  const std::string problem = manifest_.archive.file == name_
                                  ? problem_of(manifest_, sizes)
                                  : fmt::format("Its manifest belongs to \"{}\".", manifest_.archive.file);
  if (!problem.empty())
    throw DamagedThere{Failure::storage,
                       fmt::format("the backup \"{}\" in {} is not whole", name_, rclone_.place().shown), problem,
                       "Use another backup."};
  parts_ = parts_of(manifest_);
  for (BackupPart& part : parts_) {
    if (!part.bytes) part.bytes = sizes.at(part.name);
  }
}

void Download::bring(Present present) {
  make_private_directories(folder_);
  std::vector<BackupPart> wanted = parts_;
  if (present == Present::keep_equal) {
    check_manifest_here();
    std::erase_if(wanted, [&](const BackupPart& part) { return is_here(part); });
  }
  check_space(wanted);
  // Died here, or anywhere below: .partial files, which the next run in the folder removes.
  for (const BackupPart& part : wanted) bring_part(part);
}

void Download::check_space(const std::vector<BackupPart>& wanted) const {
  Bytes needed = 0;
  for (const BackupPart& part : wanted) needed += part.bytes.value_or(0);
  const std::optional<Bytes> free = free_space(folder_);
  if (!free || *free >= needed) return;
  throw Error{Failure::storage, fmt::format("not enough space in \"{}\"", folder_.string()),
              fmt::format("{} are needed, {} are free.", human_size(needed), human_size(*free)),
              "Free some space there, or choose another folder."};
}

/// A manifest of another backup under the same name is refused before anything is fetched.
void Download::check_manifest_here() const {
  const fs::path path = manifest_path(archive());
  if (!fs::exists(path)) return;
  try {
    if (same_backup(parse_manifest(read_small_file(path, largest_manifest), archive().string()), manifest_)) return;
  } catch (const Error&) {
    // Damaged: as good as another one.
  }
  throw Error{Failure::refused, fmt::format("there is another backup \"{}\" already", archive().string()),
              "Its manifest is not the one of the backup that is to be fetched.",
              "Choose another folder with --output-path."};
}

bool Download::is_here(const BackupPart& part) const {
  const fs::path file = folder_ / part.name;
  if (!fs::exists(file)) return false;
  if (digest_of(file).sha256 == part.sha256) return true;
  throw Error{Failure::refused, fmt::format("there is another file \"{}\" already", file.string()),
              "It has not the content of the one that is to be fetched.", "Choose another folder with --output-path."};
}

/// Of a run that was killed: whoever is alive holds its lock.
void Download::remove_dead_partial(const std::string& name) {
  const fs::path partial = folder_ / (name + ".partial");
  if (fs::exists(partial) && !is_locked_by_another(partial)) tool_.files.remove(partial);
}

void Download::bring_part(const BackupPart& part) {
  remove_dead_partial(part.name);
  files_.push_back(std::make_unique<PendingFile>(tool_.files, folder_ / part.name, PendingFile::Existing::refuse));
  PendingFile& file = *files_.back();
  TransferProgress progress{tool_.out, "fetching", part.name, part.bytes.value_or(0)};
  Sha256 digest;
  const auto damaged = [&](const std::string& why) {
    throw DamagedThere{Failure::storage, fmt::format("\"{}\" in {} is damaged", part.name, rclone_.place().shown), why,
                       "Use another backup."};
  };
  rclone_.read(part.name, [&](ByteSpan bytes) {
    if (part.bytes && file.size() + bytes.size() > *part.bytes)
      damaged(fmt::format("It has more than {} bytes.", *part.bytes));
    file.write(bytes);
    digest.update(bytes);
    progress.at(file.size());
  });
  if (part.bytes && file.size() != *part.bytes)
    damaged(fmt::format("It has {} bytes instead of {}.", file.size(), *part.bytes));
  if (digest.hex() != part.sha256) damaged("Its SHA-256 is not the manifest's.");
  file.finish();
}

std::vector<std::pair<std::string, fs::path>> Download::fetched() const {
  std::vector<std::pair<std::string, fs::path>> result;
  for (const std::unique_ptr<PendingFile>& file : files_)
    result.emplace_back(file->final_path().filename(), file->partial_path());
  return result;
}

bool Download::commit(const OffSiteCopy& copy) {
  const fs::path manifest_here = manifest_path(archive());
  const bool had_manifest = fs::exists(manifest_here);
  if (had_manifest) {
    for (const auto& file : files_) file->commit();
    record_copy(tool_.files, archive(), copy);
    return !files_.empty();
  }
  Manifest manifest = manifest_;
  std::erase_if(manifest.copies, [&](const OffSiteCopy& former) { return former.remote == copy.remote; });
  manifest.copies.push_back(copy);
  remove_dead_partial(manifest_here.filename());
  PendingFile manifest_file{tool_.files, manifest_here, PendingFile::Existing::refuse};
  manifest_file.write(as_bytes(write_manifest(manifest)));
  manifest_file.finish();  // on the disk before the others have their names: it says what belongs to it, should we die
  std::reverse(files_.begin(), files_.end());  // as a backup is made: the archive last of them
  for (const auto& file : files_) file->commit();
  manifest_file.commit();  // from here on the backup exists here
  return true;
}

FetchedBackup::FetchedBackup(Rclone& rclone, const std::string& name, const std::vector<RemoteFile>& there,
                             const fs::path& folder, Tool& tool)
    : download_(rclone, name, there, fs::absolute(folder), tool) {
  try {
    download_.bring(Download::Present::pass_over);
  } catch (DamagedThere& damage) {
    damage.manifest = manifest();
    throw;
  }
  for (const auto& [file, partial] : download_.fetched()) fs::create_symlink(partial, links_.path() / file);
}

}  // namespace belay
