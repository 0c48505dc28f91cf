#include "backup/fetch.hpp"

#include <fmt/format.h>

#include "backup/list.hpp"
#include "backup/offsite.hpp"
#include "backup/remote_backups.hpp"
#include "backup/reverify.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const BackupOptions& options) { return fs::absolute(options.output_path.value_or("./backups")); }

void sweep(const fs::path& folder, Tool& tool) {
  for (const std::string& name : sweep_leftovers(tool.files, folder))
    tool.out.note("Removed what an interrupted run had left: " + name);
}

/// A backup of the other place, verified.
class RemoteCheck {
 public:
  RemoteCheck(Rclone& rclone, const BackupOptions& options, const Verifier& verifier, Tool& tool)
      : rclone_(rclone), options_(options), verifier_(verifier), tool_(tool), there_(list_place(rclone)) {}

  bool run(const std::string& name, Level level, Result& result) {
    Json json{{"archive", name}, {"remote", rclone_.place().shown}};
    result.text += name + "\n";
    bool passed = false;
    try {
      const FetchedBackup backup{rclone_, name, there_, folder_of(options_), tool_};
      passed = judge(backup, level, result.text, json);
    } catch (const DamagedThere& damage) {
      describe(damage, result.text, json);
      json["recorded"] = record_damage(damage);
    }
    json["passed"] = passed;
    result.json["results"].push_back(json);
    return passed;
  }

 private:
  bool judge(const FetchedBackup& backup, Level level, std::string& text, Json& json) {
    const Verdict verdict = verify_to(level, backup.archive(), backup.manifest(), verifier_, tool_);
    json["recorded"] = record(backup.manifest(), verdict.record);
    json["level"] = to_string(level);
    if (!verdict.passed()) {
      describe(*verdict.error, text, json);
      return false;
    }
    text += fmt::format("  {}: {} rows in {} tables\n", verdict.words, human_count(backup.manifest().rows()),
                        backup.manifest().content.tables.size());
    for (const std::string& skipped : verdict.record.skipped) text += fmt::format("  skipped: {}\n", skipped);
    json["rows"] = backup.manifest().rows();
    json["skipped"] = verdict.record.skipped;
    return true;
  }

  bool record_damage(const DamagedThere& damage) {
    if (!damage.manifest) return false;
    return record(*damage.manifest, {.level = Level::checksum,
                                     .at = iso_utc(tool_.clock.now()),
                                     .by = BELAY_VERSION,
                                     .skipped = {},
                                     .problem = damage.message + ": " + damage.detail});
  }

  bool record(Manifest manifest, const VerificationRecord& verification) {
    if (options_.common.dry_run) return false;
    manifest.verification.push_back(verification);
    try {
      put_manifest(rclone_, manifest, tool_);
      return true;
    } catch (const Error& error) {
      if (error.kind != Failure::storage) throw;
      tool_.out.warn(
          fmt::format("the result could not be recorded in the manifest there: {}: {}", error.message, error.detail));
      return false;
    }
  }

  static void describe(const Error& error, std::string& text, Json& json) {
    text += fmt::format("  not good: {}\n", error.message);
    if (!error.detail.empty()) text += fmt::format("  {}\n", error.detail);
    json["problem"] = error.message;
    json["detail"] = error.detail;
  }

  Rclone& rclone_;
  const BackupOptions& options_;
  const Verifier& verifier_;
  Tool& tool_;
  std::vector<RemoteFile> there_;
};

}  // namespace

int list_remote(const BackupOptions& options, Tool& tool) {
  Rclone rclone{*place_to_read(options), tool.processes};
  const RemoteBackups there = list_remote_backups(rclone);
  const FolderListing listing{rclone.place().shown, there.entries, {{}, there.without_manifest}, {}};
  tool.out.result(show_listing({listing}, tool.clock.now()));
  return 0;
}

int fetch_backups(const BackupOptions& options, Tool& tool) {
  Rclone rclone{*place_to_read(options), tool.processes};
  const std::vector<RemoteFile> there = list_place(rclone);
  const fs::path folder = folder_of(options);
  if (!options.common.dry_run) sweep(folder, tool);
  Result result{.text = {}, .json = {{"fetched", Json::array()}}};
  for (const std::string& name : options.files) {
    Download download{rclone, name, there, folder, tool};
    const Bytes bytes = download.manifest().archive.bytes;
    if (options.common.dry_run) {
      result.text += fmt::format("{} ({}) would be fetched to {}\n", name, human_size(bytes), folder.string());
      continue;
    }
    download.bring(Download::Present::keep_equal);
    const bool new_here = download.commit({rclone.place().shown, iso_utc(tool.clock.now())});
    result.text += fmt::format("{}\n  {} ({})\n", download.archive().string(),
                               new_here ? "fetched, compared with its manifest" : "was there already, and is equal",
                               human_size(bytes));
    result.json["fetched"].push_back({{"archive", download.archive().string()},
                                      {"remote", rclone.place().shown},
                                      {"bytes", bytes},
                                      {"new", new_here}});
  }
  tool.out.result(result);
  return 0;
}

int verify_remote_backups(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  const Level level = options.verify ? level_named(*options.verify) : Level::archive;
  Verifier verifier{.trial = &trial, .place = std::nullopt, .pg_bin = options.common.pg_bin};
  if (level >= Level::restore) verifier.place = trial_place(options);
  Rclone rclone{*place_to_read(options), tool.processes};
  const fs::path folder = folder_of(options);
  const bool was_there = fs::exists(folder);
  sweep(folder, tool);
  RemoteCheck check{rclone, options, verifier, tool};
  Result result{.text = {}, .json = {{"results", Json::array()}}};
  bool passed = true;
  for (const std::string& name : options.files) passed = check.run(name, level, result) && passed;
  std::error_code not_empty;
  if (!was_there) fs::remove(folder, not_empty);  // nothing was to stay here
  result.json["passed"] = passed;
  tool.out.result(result);
  return passed ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace belay
