#include "backup/reverify.hpp"

#include <fmt/format.h>

#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/pg_tools.hpp"
#include "common/process.hpp"
#include "common/target.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

/// A program that could not be run, was killed, or lost its server says nothing about the backup.
bool says_something_about_the_backup(const Error& error, Level level) {
  const auto* server = dynamic_cast<const ServerError*>(&error);
  if (dynamic_cast<const ChildKilled*>(&error) != nullptr || (server != nullptr && server->connection_lost))
    return false;
  return error.kind == Failure::storage || (level >= Level::restore && error.kind == Failure::failed);
}

void verify_without_server(Level level, const fs::path& archive, const Manifest& manifest, const Verifier& verifier,
                           Tool& tool) {
  (void)read_recorded_schema(archive, manifest);
  verify_companions(archive, manifest);
  if (level < Level::archive) return verify_checksum(archive, manifest.archive);
  const PgTool pg_restore =
      find_pg_tool(tool.processes, "pg_restore", manifest.server_version / 10000, verifier.pg_bin);
  verify_archive(tool.processes, pg_restore, archive, manifest, tool.out);
}

/// Judges what happened at `level`.
void settle(Verdict& verdict, Level level, const Error& error) {
  if (!says_something_about_the_backup(error, level)) throw;  // called while it is being handled
  verdict.record.level = level;
  verdict.record.problem = error.message + (error.detail.empty() ? "" : ": " + error.detail);
  verdict.words = "not good: " + error.message;
  verdict.error = error;
}

Verdict begin_verdict(Level level, const Manifest& manifest) {
  return {.record = {level, {}, BELAY_VERSION, skipped_at(level, manifest)},
          .error = std::nullopt,
          .words = "verified to level " + to_string(level)};
}

}  // namespace

Verdict prove_to_restore(const fs::path& archive, const Manifest& manifest, const Verifier& verifier, Tool& tool) {
  Verdict verdict = begin_verdict(Level::restore, manifest);
  try {
    const TrialResult result = verifier.trial->prove(verifier.place.value(), archive, manifest, tool);
    for (const std::string& exception : result.exceptions)
      verdict.record.skipped.push_back("not compared: " + exception);
    for (const std::string& difference : result.soft) tool.out.note("Differs, and does not count: " + difference);
    verdict.words = fmt::format("{} by a restore of {}", result.words, human_duration(result.took));
  } catch (const Error& error) {
    settle(verdict, Level::restore, error);
  }
  verdict.record.at = iso_utc(tool.clock.now());
  return verdict;
}

Verdict verify_to(Level level, const fs::path& archive, const Manifest& manifest, const Verifier& verifier,
                  Tool& tool) {
  Verdict verdict = begin_verdict(level, manifest);
  try {
    verify_without_server(level, archive, manifest, verifier, tool);
  } catch (const Error& error) {
    settle(verdict, Level::checksum, error);
  }
  if (verdict.passed() && level >= Level::restore) return prove_to_restore(archive, manifest, verifier, tool);
  verdict.record.at = iso_utc(tool.clock.now());
  return verdict;
}

bool record_verdict(const fs::path& archive, Manifest manifest, const Verdict& verdict, Tool& tool) {
  manifest.verification.push_back(verdict.record);
  try {
    replace_manifest(tool.files, archive, manifest);
    return true;
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    tool.out.warn(fmt::format("the result could not be recorded in the manifest: {}: {}", error.message, error.detail));
    return false;
  }
}

namespace {

/// One file of the verb.
class FileCheck {
 public:
  FileCheck(const fs::path& archive, Level level, const BackupOptions& options, const Verifier& verifier, Tool& tool)
      : archive_(archive), level_(level), options_(options), verifier_(verifier), tool_(tool) {}

  /// True if it passed.
  bool run(Result& result) {
    Json json{{"archive", archive_.string()}};
    const bool passed = judge(result.text, json);
    json["passed"] = passed;
    result.json["results"].push_back(json);
    return passed;
  }

 private:
  bool judge(std::string& text, Json& json) {
    text += archive_.string() + "\n";
    Manifest manifest;
    try {
      manifest = read_manifest_of(archive_);
    } catch (const Error& error) {
      if (error.kind != Failure::storage) throw;
      return describe(error, text, json);
    }
    const Verdict verdict = verify_to(level_, archive_, manifest, verifier_, tool_);
    json["recorded"] = !options_.common.dry_run && record_verdict(archive_, manifest, verdict, tool_);
    json["level"] = to_string(level_);
    if (!verdict.passed()) return describe(*verdict.error, text, json);
    text += fmt::format("  {}: {} rows in {} tables\n", verdict.words, human_count(manifest.rows()),
                        manifest.content.tables.size());
    for (const std::string& skipped : verdict.record.skipped) text += fmt::format("  skipped: {}\n", skipped);
    json["rows"] = manifest.rows();
    json["skipped"] = verdict.record.skipped;
    return true;
  }

  static bool describe(const Error& error, std::string& text, Json& json) {
    text += fmt::format("  not good: {}\n", error.message);
    if (!error.detail.empty()) text += fmt::format("  {}\n", error.detail);
    json["problem"] = error.message;
    json["detail"] = error.detail;
    return false;
  }

  fs::path archive_;
  Level level_;
  const BackupOptions& options_;
  const Verifier& verifier_;
  Tool& tool_;
};

TrialPlace place_at(const DatabaseTarget& target, const BackupOptions& options) {
  return {.url = target.url,
          .source = target.source,
          .maintenance_db = options.common.maintenance_db,
          .free = options.server_free,
          .pg_bin = options.common.pg_bin};
}

}  // namespace

std::optional<TrialPlace> other_trial_place(const BackupOptions& options) {
  const std::optional<DatabaseTarget> side = find_side_server(options.side_server, real_surroundings());
  if (!side) return std::nullopt;
  return place_at(*side, options);
}

TrialPlace trial_place(const BackupOptions& options) {
  if (const std::optional<TrialPlace> other = other_trial_place(options)) return *other;
  return place_at(resolve_target(options.common, real_surroundings(), std::nullopt), options);
}

int verify_backups(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  const Level level = options.verify ? level_named(*options.verify) : Level::archive;
  Verifier verifier{.trial = &trial, .place = std::nullopt, .pg_bin = options.common.pg_bin};
  if (level >= Level::restore) verifier.place = trial_place(options);
  Result result{.text = {}, .json = {{"results", Json::array()}}};
  bool passed = true;
  for (const std::string& file : options.files) {
    const fs::path archive = fs::absolute(file).lexically_normal();
    passed = FileCheck{archive, level, options, verifier, tool}.run(result) && passed;
  }
  result.json["passed"] = passed;
  tool.out.result(result);
  return passed ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace belay
