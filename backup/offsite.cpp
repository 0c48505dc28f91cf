#include "backup/offsite.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "backup/copy_out.hpp"
#include "backup/private_folder.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/pending_file.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

std::optional<std::string> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string reason_of(const Error& error) {
  return error.detail.empty() ? error.message : error.message + ": " + error.detail;
}

LocalPart write_part(Files& files, const PrivateFolder& folder, const std::string& name, const std::string& text) {
  PendingFile file{files, folder.path() / name, PendingFile::Existing::refuse};
  file.write(as_bytes(text));
  file.commit();
  return {name, folder.path() / name, text.size(), sha256_hex(text)};
}

/// One name for each database of each host: two runs never write and remove the same file, and where nothing may be
/// removed there is never more than one of it.
std::string test_file_name(const std::string& database) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return "belay-write-test-" + sha256_hex(std::string(host.data()) + "\n" + database).substr(0, 12);
}

void test_write(Rclone& rclone, const std::string& database, Tool& tool) {
  const PrivateFolder folder;
  const LocalPart part =
      write_part(tool.files, folder, test_file_name(database), "belay looked whether this place takes files\n");
  rclone.upload(part.file, part.name);
  compare_there(rclone, part.name, part, tool.out);
  try {
    rclone.remove(part.name);
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    tool.out.detail(fmt::format("\"{}\" stays in {}: {}", part.name, rclone.place().shown, reason_of(error)));
  }
}

std::string copied_line(const OffSiteCopy& copy) {
  return fmt::format("{:<10}{} (every file read back from there and equal)\n", "Copy", copy.remote);
}

}  // namespace

std::optional<RemotePlace> place_to_copy_to(const BackupOptions& options) {
  if (options.copy_to) return rclone_place(*options.copy_to, "--copy-to");
  if (options.backup_minio) return minio_place(from_environment);
  return std::nullopt;
}

std::optional<RemotePlace> place_to_read(const BackupOptions& options) {
  return place_to_read(options.from, options.backup_minio ? Minio::yes : Minio::no);
}

std::optional<RemotePlace> place_to_read(const std::optional<std::string>& from, Minio minio) {
  if (from) return rclone_place(*from, "--from");
  if (minio == Minio::yes) return minio_place(from_environment);
  return std::nullopt;
}

bool same_backup(Manifest a, Manifest b) {
  for (Manifest* manifest : {&a, &b}) {
    manifest->verification.clear();
    manifest->copies.clear();
  }
  return write_manifest(a) == write_manifest(b);
}

Manifest record_copy(Files& files, const fs::path& archive, const OffSiteCopy& copy) {
  // Read anew: a verification may have been recorded while the copy was under way.
  Manifest manifest = read_manifest_of(archive);
  std::erase_if(manifest.copies, [&](const OffSiteCopy& former) { return former.remote == copy.remote; });
  manifest.copies.push_back(copy);
  replace_manifest(files, archive, manifest);
  return manifest;
}

void put_manifest(Rclone& rclone, const Manifest& manifest, Tool& tool) {
  const PrivateFolder folder;
  const std::string name = manifest_path(manifest.archive.file).string();
  std::vector<std::string> placed;
  put_compared(rclone, write_part(tool.files, folder, name, write_manifest(manifest)), tool.out, placed);
}

OffSiteCopy copy_backup(Rclone& rclone, const fs::path& archive, Tool& tool) {
  const std::string& where = rclone.place().shown;
  tool.out.note(fmt::format("Copying {} to {}.", archive.filename().string(), where));
  try {
    CopyOut{rclone, archive, tool}.run();
  } catch (const Error& error) {
    const std::string here = fs::absolute(archive).lexically_normal().string();
    throw Error{kind_in_step(error.kind, Failure::storage), fmt::format("could not copy the backup to {}", where),
                reason_of(error),
                fmt::format("The backup here is as it was: {}. When the cause is mended: backup-db copy {} {}", here,
                            shell_word(here), rclone.place().typed("--copy-to"))};
  }
  const OffSiteCopy copy{where, iso_utc(tool.clock.now())};
  try {
    record_copy(tool.files, archive, copy);
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    tool.out.warn(fmt::format("the copy in {} is whole, but the manifest here could not be made to say so: {}", where,
                              reason_of(error)));
  }
  return copy;
}

int copy_backups(const BackupOptions& options, Tool& tool) {
  Rclone rclone{*place_to_copy_to(options), tool.processes};
  Result result{.text = {}, .json = {{"copies", Json::array()}}};
  try {
    for (const std::string& name : options.files) {
      const fs::path archive = fs::absolute(name).lexically_normal();
      const Manifest manifest = read_manifest_of(archive);
      if (options.common.dry_run) {
        result.text += fmt::format("{} ({}) would be copied to {}\n", archive.string(),
                                   human_size(manifest.archive.bytes), rclone.place().shown);
        continue;
      }
      verify_checksum(archive, manifest.archive);  // it may have lain here for months
      const OffSiteCopy copy = copy_backup(rclone, archive, tool);
      result.text += archive.string() + "\n" + copied_line(copy);
      result.json["copies"].push_back({{"archive", archive.string()}, {"remote", copy.remote}, {"at", copy.at}});
    }
  } catch (const Error&) {
    if (!result.text.empty()) tool.out.result(result);  // those before it are copied
    throw;
  }
  tool.out.result(result);
  return 0;
}

CopyAfterwards::CopyAfterwards(const BackupOptions& options, Tool& tool) : tool_(tool) {
  if (std::optional<RemotePlace> place = place_to_copy_to(options)) rclone_.emplace(*std::move(place), tool.processes);
}

void CopyAfterwards::look() {
  if (!rclone_) return;
  const bool there = rclone_->list().has_value();
  tool_.out.note(
      fmt::format("The backup would be copied to {}{}.", rclone_->place().shown, there ? "" : ", which would be made"));
}

void CopyAfterwards::check(const std::string& database) {
  if (!rclone_) return;
  const std::string& where = rclone_->place().shown;
  try {
    if (!rclone_->list()) {
      rclone_->make_folder();
      tool_.out.note(fmt::format("Made {}, which was not there.", where));
    }
    test_write(*rclone_, database, tool_);
  } catch (const Error& error) {
    if (error.kind == Failure::interrupted) throw;
    throw Error{kind_in_step(error.kind, Failure::storage),
                fmt::format("the place for copies, {}, cannot be used", where), reason_of(error),
                "No backup was taken. Mend the cause, or run it without the copy."};
  }
}

void CopyAfterwards::copy(const fs::path& archive, Manifest& manifest) {
  if (!rclone_) return;
  try {
    made_ = copy_backup(*rclone_, archive, tool_);
    manifest.copies.push_back(*made_);
  } catch (const Error& error) {
    failure_ = error;
  }
}

void CopyAfterwards::describe(Result& result) const {
  if (made_) {
    result.text += copied_line(*made_);
    result.json["off_site"] = {{"remote", made_->remote}, {"at", made_->at}, {"copied", true}};
  }
  if (failure_) {
    result.text += fmt::format("{:<10}none in {}: {}\n", "Copy", rclone_->place().shown, failure_->message);
    result.json["off_site"] = {{"remote", rclone_->place().shown},
                               {"copied", false},
                               {"problem", failure_->message},
                               {"detail", failure_->detail}};
  }
}

void CopyAfterwards::throw_if_failed() const {
  if (failure_) throw Error{*failure_};
}

}  // namespace belay
