#include "backup/inspect.hpp"

#include <fmt/format.h>

#include "backup/catalogue.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> folders(const BackupOptions& options) {
  if (options.output_path) return {*options.output_path};
  return default_folders();
}

std::size_t count_applied(const Manifest& manifest) {
  std::size_t count = 0;
  for (const RecordedMigration& migration : manifest.history) count += migration.state == "applied" ? 1 : 0;
  return count;
}

std::string line_of(const CatalogueEntry& entry, TimePoint now) {
  if (!entry.manifest) return fmt::format("not usable: {}\n", entry.problem);
  const Manifest& m = *entry.manifest;
  return fmt::format("{}  {:>9} old  {:>10}  {:>14} rows  {:<8}  {:>3} migrations  {}\n",
                     iso_utc(m.created_at).substr(0, 19) + "Z", human_duration(now - m.created_at),
                     human_size(m.archive.bytes), human_count(m.rows()), to_string(m.level()), count_applied(m),
                     entry.archive.string());
}

Json json_of(const CatalogueEntry& entry) {
  if (!entry.manifest) return {{"archive", entry.archive.string()}, {"problem", entry.problem}};
  const Manifest& m = *entry.manifest;
  return {{"archive", entry.archive.string()},
          {"database", m.database.name},
          {"created_at", iso_utc(m.created_at)},
          {"bytes", m.archive.bytes},
          {"rows", m.rows()},
          {"level", to_string(m.level())},
          {"migrations", count_applied(m)},
          {"system_identifier", m.system_identifier}};
}

std::string describe_verification(const Manifest& m) {
  std::string text;
  for (const VerificationRecord& record : m.verification) {
    text += fmt::format("Verified  {} at {} by belay {}\n", to_string(record.level), record.at, record.by);
    for (const std::string& skipped : record.skipped) text += fmt::format("          skipped: {}\n", skipped);
  }
  return text;
}

fs::path wanted_file(const BackupOptions& options) { return fs::absolute(options.files.front()).lexically_normal(); }

}  // namespace

int list_backups_command(const BackupOptions& options, Tool& tool) {
  Result result{.json = {{"backups", Json::array()}}};
  for (const fs::path& folder : folders(options)) {
    for (const CatalogueEntry& entry : list_backups(folder)) {
      result.text += line_of(entry, tool.clock.now());
      result.json["backups"].push_back(json_of(entry));
    }
  }
  if (result.text.empty()) {
    for (const fs::path& folder : folders(options)) result.text += fmt::format("No backup in {}\n", folder.string());
  }
  tool.out.result(result);
  return 0;
}

int show_backup(const BackupOptions& options, Tool& tool) {
  const fs::path archive = wanted_file(options);
  const Manifest m = read_manifest_of(archive);
  std::string text = fmt::format(
      "Backup    {}\nDatabase  \"{}\" of system {}, PostgreSQL {}\nTaken     {} by {} (run {})\nSize      {}, {} of "
      "dump, SHA-256 {}\n"
      "Content   {} rows in {} tables, {} sequences, {} large objects\nHistory   {} migrations applied\n",
      archive.string(), m.database.name, m.system_identifier, m.server_version / 10000, iso_utc(m.created_at), m.tool,
      m.run, human_size(m.archive.bytes), human_size(m.archive.plain_bytes), m.archive.sha256, human_count(m.rows()),
      m.content.tables.size(), m.content.sequences.size(), m.content.large_objects.count, count_applied(m));
  text += describe_verification(m);
  for (const std::string& what : m.not_included) text += fmt::format("Not in it {}\n", what);
  text += fmt::format("Restore   restore-database --backup-file {}\nWithout belay:\n  {}\n", archive.string(),
                      m.restore_command);
  tool.out.result({text, Json::parse(write_manifest(m))});
  return 0;
}

}  // namespace belay
