#include "backup/copy_out.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/offsite.hpp"
#include "backup/parts.hpp"
#include "backup/transfer_progress.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/pending_file.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

FileDigest digest_there(Rclone& rclone, const std::string& name, TransferProgress progress) {
  Sha256 digest;
  FileDigest seen;
  rclone.read(name, [&](ByteSpan bytes) {
    digest.update(bytes);
    seen.bytes += bytes.size();
    progress.at(seen.bytes);
  });
  seen.sha256 = digest.hex();
  return seen;
}

const RemoteFile* find_file(const std::vector<RemoteFile>& files, const std::string& name) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const RemoteFile& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::string partial_of(const std::string& name) { return name + ".partial"; }

[[noreturn]] void refuse_other(const RemotePlace& place, const std::string& name, const std::string& why) {
  throw Error{Failure::storage, fmt::format("there is another file \"{}\" in {} already", name, place.shown),
              why + " Nothing there is ever overwritten."};
}

}  // namespace

void compare_there(Rclone& rclone, const std::string& name, const LocalPart& part, Output& out) {
  const FileDigest there = digest_there(rclone, name, TransferProgress{out, "comparing", part.name, part.bytes});
  if (there.bytes == part.bytes && there.sha256 == part.sha256) return;
  // Which of the two is the damaged one?
  const FileDigest here = digest_of(part.file);
  if (here.bytes != part.bytes || here.sha256 != part.sha256)
    throw Error{Failure::storage, fmt::format("the file \"{}\" is not what its manifest says", part.file.string()),
                "It was damaged on this disk, or changed meanwhile."};
  throw Error{Failure::storage, fmt::format("\"{}\" came back from {} with other content", name, rclone.place().shown),
              fmt::format("There: {} bytes, SHA-256 {}. Here: {} bytes, SHA-256 {}.", there.bytes, there.sha256,
                          part.bytes, part.sha256)};
}

void put_compared(Rclone& rclone, const LocalPart& part, Output& out, std::vector<std::string>& placed) {
  const std::string name = rclone.can_rename() ? partial_of(part.name) : part.name;
  TransferProgress progress{out, "copying", part.name, part.bytes};
  placed.push_back(name);
  rclone.upload(part.file, name, [&](Bytes gone) { progress.at(gone); });
  compare_there(rclone, name, part, out);
  if (name == part.name) return;
  placed.push_back(part.name);
  rclone.rename(name, part.name);
}

CopyOut::CopyOut(Rclone& rclone, fs::path archive, Tool& tool)
    : rclone_(rclone), archive_(std::move(archive)), tool_(tool), manifest_(read_manifest_of(archive_)) {
  for (const BackupPart& part : parts_of(manifest_)) add_part(part.name, part.sha256);
  const fs::path manifest_file = manifest_path(archive_);
  add_part(manifest_file.filename(), sha256_hex(read_small_file(manifest_file, largest_manifest)));
}

void CopyOut::add_part(const std::string& name, const std::string& sha256) {
  const fs::path file = archive_.parent_path() / name;
  std::error_code error;
  const Bytes bytes = fs::file_size(file, error);
  if (error) throw Error{Failure::storage, fmt::format("could not read \"{}\"", file.string()), error.message()};
  parts_.push_back({name, file, bytes, sha256});
  if (parts_.size() == 1 && bytes != manifest_.archive.bytes)
    throw Error{Failure::storage, fmt::format("the archive \"{}\" is not what its manifest says", file.string()),
                fmt::format("It has {} bytes instead of {}.", bytes, manifest_.archive.bytes), "Use another backup."};
}

void CopyOut::run() {
  look();
  try {
    for (const LocalPart& part : missing_) {
      // Died here: the files before this one are there, whole and compared, and no manifest names them yet.
      put_compared(rclone_, part, tool_.out, placed_);
    }
  } catch (...) {
    take_back();
    throw;
  }
}

/// Everything that speaks against the copy is found before anything goes.
void CopyOut::look() {
  const std::optional<std::vector<RemoteFile>> listed = rclone_.list();
  const std::vector<RemoteFile> files = listed.value_or(std::vector<RemoteFile>{});
  if (!listed) rclone_.make_folder();
  for (const LocalPart& part : parts_) {
    const RemoteFile* there = find_file(files, part.name);
    if (there == nullptr) missing_.push_back(part);
    const bool of_any_size = there == nullptr || !there->size || part.name == parts_.back().name;
    if (!of_any_size && *there->size != part.bytes)
      refuse_other(rclone_.place(), part.name, fmt::format("It has {} bytes, this one {}.", *there->size, part.bytes));
  }
  if (missing_.size() < parts_.size()) check_another_folder();
  for (const LocalPart& part : parts_) {
    if (const RemoteFile* there = find_file(files, part.name)) check_present(part, *there);
  }
}

void CopyOut::check_present(const LocalPart& part, const RemoteFile& there) {
  if (part.name == parts_.back().name) return check_present_manifest(part);
  try {
    compare_there(rclone_, there.name, part, tool_.out);
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    refuse_other(rclone_.place(), part.name, fmt::format("{}. {}", error.message, error.detail));
  }
  tool_.out.note(fmt::format("\"{}\" is there already, and equal.", part.name));
}

void CopyOut::check_present_manifest(const LocalPart& part) {
  std::string text;
  rclone_.read(part.name, [&](ByteSpan bytes) {
    text += as_text(bytes);
    if (text.size() > largest_manifest) refuse_other(rclone_.place(), part.name, "It is no manifest.");
  });
  try {
    if (same_backup(parse_manifest(text, part.name), manifest_)) return;
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    refuse_other(rclone_.place(), part.name, error.detail);
  }
  refuse_other(rclone_.place(), part.name, "It is the manifest of another backup.");
}

/// A place that is the backup's own folder by another name is no other place. A file made here must not show there.
void CopyOut::check_another_folder() {
  std::optional<PendingFile> probe;
  try {
    probe.emplace(tool_.files, archive_.parent_path() / ("backup_" + tool_.run), PendingFile::Existing::refuse);
  } catch (const Error&) {
    return;  // a folder that cannot be written to: it cannot be told
  }
  const auto listed = rclone_.list();
  if (!listed || find_file(*listed, probe->partial_path().filename()) == nullptr) return;
  throw Error{Failure::storage, fmt::format("{} is the folder of the backup itself", rclone_.place().shown)};
}

void CopyOut::take_back() {
  if (placed_.empty()) return;
  const InterruptShield shield;  // Ctrl-C ended the copy; it must not end this
  try {
    remove_placed();
  } catch (const Error& error) {
    tool_.out.warn(fmt::format("what was copied before the failure may still lie in {}: {}: {}", rclone_.place().shown,
                               error.message, error.detail));
  }
}

void CopyOut::remove_placed() {
  const auto listed = rclone_.list(Patience::clean_up);
  std::reverse(placed_.begin(), placed_.end());  // the manifest first
  for (const std::string& name : placed_) {
    if (!listed || find_file(*listed, name) == nullptr) continue;
    rclone_.remove(name);
    tool_.out.note(fmt::format("Removed \"{}\" from {} again.", name, rclone_.place().shown));
  }
}

}  // namespace belay
