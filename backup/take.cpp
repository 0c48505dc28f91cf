#include "backup/take.hpp"

#include <fmt/format.h>

#include <thread>

#include "backup/dump.hpp"
#include "backup/record.hpp"
#include "backup/snapshot.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/pending_file.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

std::string write_schema_file(const BackupPlan& plan, const SchemaFingerprint& schema, Manifest& manifest) {
  std::string text = to_json(schema).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  manifest.schema_file = plan.file_name + ".schema.json";
  manifest.schema_file_sha256 = sha256_hex(text);
  return text;
}

VerificationRecord verified(const BackupPlan& plan, Tool& tool, const Manifest& manifest,
                            const std::filesystem::path& partial) {
  std::vector<std::string> skipped{"restore: not restored into a side database"};
  if (plan.wishes.level >= Level::archive) {
    verify_archive(tool.processes, plan.pg_restore, partial, manifest.archive, manifest.content, tool.out);
  } else {
    verify_checksum(partial, manifest.archive);
    skipped.insert(skipped.begin(), "archive: not read by pg_restore, rows not compared");
  }
  return {plan.wishes.level, iso_utc(tool.clock.now()), BELAY_VERSION, skipped};
}

/// One snapshot and one dump of it, everything compared. None if pg_dump got no lock.
std::unique_ptr<ArchiveWriter> dump_once(const BackupPlan& plan, const SessionSettings& settings, BackupReport& report,
                                         Tool& tool) {
  BackupSnapshot snapshot{plan.url, settings, plan.wishes.lock_timeout};
  tool.out.detail(fmt::format("snapshot {} at {} ({}), tables {}", snapshot.exported(), snapshot.facts().lsn,
                              snapshot.facts().time, snapshot.facts().lock));
  report.manifest = {};
  read_into(report.manifest, report.schema, plan, snapshot);
  auto archive =
      std::make_unique<ArchiveWriter>(tool.files, report.archive, plan.wishes.format, plan.wishes.compression);
  std::string said;
  if (run_dump(plan, settings, snapshot.exported(), *archive, said, tool) == DumpEnd::no_lock) return nullptr;
  archive->finish();
  snapshot.check_nothing_moved();
  check_tables(plan, archive->reader(), snapshot.session());
  if (!said.empty()) tool.out.warn("pg_dump says: " + said);
  snapshot.session().finish_transaction("COMMIT");
  ContentFingerprint content = archive->reader().content();
  content.sequences = report.manifest.content.sequences;
  report.manifest.content = std::move(content);
  return archive;
}

std::unique_ptr<ArchiveWriter> dump_with_patience(const BackupPlan& plan, BackupReport& report, Tool& tool) {
  constexpr int attempts = 5;
  SessionSettings settings = tool.session();
  settings.pinned_text_form = true;
  settings.lc_monetary = plan.server.database->lc_monetary;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    if (std::unique_ptr<ArchiveWriter> archive = dump_once(plan, settings, report, tool)) return archive;
    tool.out.warn(
        "somebody else waits for an exclusive lock on a table; the backup lets go of its locks and begins anew");
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
  throw Error{Failure::failed,
              "no backup was made: exclusive locks came in between each time",
              {},
              "Nothing was changed. Run it again when no DDL is running."};
}

}  // namespace

BackupReport take_backup(const BackupPlan& plan, Tool& tool) {
  const TimePoint started = tool.clock.now();
  make_private_directories(plan.wishes.folder);
  tool.out.detail(fmt::format("{} {}, {} {}", plan.pg_dump.path.string(), plan.pg_dump.version,
                              plan.pg_restore.path.string(), plan.pg_restore.version));
  BackupReport report{.archive = plan.archive()};
  const std::unique_ptr<ArchiveWriter> archive = dump_with_patience(plan, report, tool);
  Manifest& manifest = report.manifest;
  manifest.archive = archive->facts();
  manifest.restore_command = restore_without_belay(manifest.archive, manifest.database);
  manifest.verification.push_back(verified(plan, tool, manifest, archive->file().partial_path()));

  const std::string schema_text = write_schema_file(plan, report.schema, manifest);
  PendingFile schema_file{tool.files, plan.wishes.folder / manifest.schema_file, PendingFile::Existing::refuse};
  schema_file.write(as_bytes(schema_text));
  PendingFile manifest_file{tool.files, manifest_path(report.archive), PendingFile::Existing::refuse};
  manifest_file.write(as_bytes(write_manifest(manifest)));
  manifest_file.finish();  // on the disk under its .partial name: it says what the files below belong to, should we die
                           // between them
  schema_file.commit();
  archive->file().commit();
  report.duration = tool.clock.now() - started;
  manifest_file.commit();  // from here on the backup exists
  return report;
}

std::string restore_without_belay(const ArchiveFacts& archive, const DatabaseProperties& database) {
  const bool plain_name = archive.file.find_first_of(" '\"$`\\") == std::string::npos;
  const std::string file = plain_name ? archive.file : "'" + archive.file + "'";
  const std::string read = archive.compression == Compression::zstd   ? "zstd -dc "
                           : archive.compression == Compression::gzip ? "gzip -dc "
                                                                      : "cat ";
  const char* load = archive.format == ArchiveFormat::custom
                         ? "pg_restore --exit-on-error --dbname=NEW_EMPTY_DATABASE"
                         : "psql -X -q -v ON_ERROR_STOP=1 --dbname=NEW_EMPTY_DATABASE";
  return fmt::format("{}{} | {}   # created with: {}", read, file, load,
                     create_statement("NEW_EMPTY_DATABASE", database));
}

Result show_report(const BackupReport& report) {
  const Manifest& m = report.manifest;
  const double ratio =
      m.archive.bytes == 0 ? 0.0 : static_cast<double>(m.archive.plain_bytes) / static_cast<double>(m.archive.bytes);
  std::string text = fmt::format(
      "Backup   {}\n"
      "Size     {} ({:.1f} : 1, {} of dump)\n"
      "Content  {} rows in {} tables, {} sequences, {} large objects\n"
      "Level    {} ({})\n"
      "Took     {}\n",
      report.archive.string(), human_size(m.archive.bytes), ratio, human_size(m.archive.plain_bytes),
      human_count(m.rows()), m.content.tables.size(), m.content.sequences.size(), m.content.large_objects.count,
      to_string(m.level()),
      m.level() >= Level::archive
          ? "pg_restore reads all of it; rows and hash of every table recomputed from the file are equal"
          : "size, digest and complete stream only",
      human_duration(report.duration));
  for (const auto& [kind, count] : report.schema.not_compared)
    text += fmt::format("Not compared: {}, {} objects\n", kind, count);
  for (const std::string& what : m.not_included) text += fmt::format("Not in it: {}\n", what);
  text += fmt::format("Restore  restore-database --backup-file {}\nWithout belay:\n  {}\n", report.archive.string(),
                      m.restore_command);
  return {text,
          {{"archive", report.archive.string()},
           {"bytes", m.archive.bytes},
           {"plain_bytes", m.archive.plain_bytes},
           {"sha256", m.archive.sha256},
           {"rows", m.rows()},
           {"tables", m.content.tables.size()},
           {"level", to_string(m.level())},
           {"duration_ms", std::chrono::duration_cast<std::chrono::milliseconds>(report.duration).count()},
           {"snapshot_lsn", m.snapshot.lsn},
           {"not_included", m.not_included},
           {"not_compared", report.schema.not_compared},
           {"restore_without_belay", m.restore_command}}};
}

}  // namespace belay
