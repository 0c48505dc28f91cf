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
  const Level level = std::min(plan.wishes.level, Level::archive);
  if (level >= Level::archive) {
    verify_archive(tool.processes, plan.pg_restore, partial, manifest, tool.out);
  } else {
    verify_digest(partial, manifest.archive);  // what was written has been decoded and compared on its way
  }
  return {level, iso_utc(tool.clock.now()), BELAY_VERSION, skipped_at(level, manifest)};
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

}  // namespace belay
