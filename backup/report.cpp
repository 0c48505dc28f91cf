#include "backup/report.hpp"

#include <fmt/format.h>

namespace belay {

namespace {

constexpr std::size_t most_in_report = 12;

std::string content_words(const Manifest& m) {
  if (m.scope == Scope::schema) return "definitions only, no rows";
  return fmt::format("{} in {}, {}, {}", count_of(m.rows(), "row"), count_of(m.content.tables.size(), "table"),
                     count_of(m.content.sequences.size(), "sequence"),
                     count_of(m.content.large_objects.count, "large object"));
}

std::string describe_level(const Manifest& m) {
  switch (m.level()) {
    case Level::none:
      return "not verified";
    case Level::checksum:
      return "checksum: complete, decoded again while it was written, and on the disk as written";
    case Level::archive:
      if (m.scope == Scope::schema) return "archive: the whole of it was read";
      return m.archive.format == ArchiveFormat::custom
                 ? "archive: pg_restore reads all of it, and every table's rows, recomputed from it, are equal"
                 : "archive: the whole script was read, and every table's rows, recomputed from it, are equal";
    case Level::restore:
      return "restore: restored for trial, and schema and rows are equal";
  }
  return {};
}

std::string some_of(const std::string& title, const std::vector<std::string>& lines, const std::string& archive) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < most_in_report; ++i)
    text += fmt::format("{:<10}{}\n", i == 0 ? title : "", lines[i]);
  if (lines.size() > most_in_report)
    text += fmt::format("{:<10}and {} more: backup-db show {}\n", "", lines.size() - most_in_report, archive);
  return text;
}

std::vector<std::string> not_compared(const BackupReport& report) {
  std::vector<std::string> lines;
  for (const auto& [kind, count] : report.schema.not_compared)
    lines.push_back(fmt::format("{}, {}: in the archive, not compared", kind, count_of(count, "object")));
  return lines;
}

std::string restore_lines(const BackupReport& report) {
  const std::string archive = report.archive.string();
  const std::string restore = report.manifest.scope == Scope::whole
                                  ? fmt::format("{:<10}restore-database --backup-file {}\n", "Restore", archive)
                                  : fmt::format("{:<10}not by restore-database: there are no rows in it\n", "Restore");
  return restore + fmt::format("{:<10}{}\n", "By hand", report.manifest.restore_command);
}

}  // namespace

Result show_report(const BackupReport& report) {
  const Manifest& m = report.manifest;
  const double ratio =
      m.archive.bytes == 0 ? 0.0 : static_cast<double>(m.archive.plain_bytes) / static_cast<double>(m.archive.bytes);
  const std::string archive = report.archive.string();
  std::string text = fmt::format("{:<10}{}\n", "Backup", archive);
  text += fmt::format("{:<10}{} in {} ({} of dump, {:.1f} : 1)\n", "Size", human_size(m.archive.bytes),
                      human_duration(report.duration), human_size(m.archive.plain_bytes), ratio);
  text += fmt::format("{:<10}{}\n{:<10}{}\n", "Content", content_words(m), "Verified", describe_level(m));
  text += some_of("Unknown", not_compared(report), archive);
  text += some_of("Not in it", m.not_included, archive) + some_of("Warnings", m.warnings, archive);
  text += restore_lines(report);
  return {text,
          {{"archive", archive},
           {"scope", to_string(m.scope)},
           {"bytes", m.archive.bytes},
           {"plain_bytes", m.archive.plain_bytes},
           {"sha256", m.archive.sha256},
           {"rows", m.rows()},
           {"tables", m.content.tables.size()},
           {"level", to_string(m.level())},
           {"duration_ms", std::chrono::duration_cast<std::chrono::milliseconds>(report.duration).count()},
           {"snapshot_lsn", m.snapshot.lsn},
           {"not_included", m.not_included},
           {"warnings", m.warnings},
           {"not_compared", report.schema.not_compared},
           {"restore_without_belay", m.restore_command}}};
}

}  // namespace belay
