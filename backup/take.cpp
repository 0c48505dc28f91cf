#include "backup/take.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "backup/attempt.hpp"
#include "backup/globals.hpp"
#include "backup/verify.hpp"
#include "common/pending_file.hpp"

namespace belay {

namespace {

VerificationRecord verified(const BackupPlan& plan, Tool& tool, const Manifest& manifest,
                            const std::filesystem::path& partial) {
  const Level level = std::min(plan.wishes.level, Level::archive);
  try {
    if (level >= Level::archive) {
      verify_archive(tool.processes, plan.pg_restore, partial, manifest, tool.out);
    } else {
      verify_digest(partial, manifest.archive);  // what was written has been decoded and compared on its way
    }
  } catch (Error& error) {
    if (error.kind == Failure::storage) error.hint = "No backup was kept.";  // there is nothing to use another one for
    throw;
  }
  return {level, iso_utc(tool.clock.now()), BELAY_VERSION, skipped_at(level, manifest)};
}

/// Takes the names back that were given, in order, where the last of them is not reached: no file of a backup that does
/// not exist stays under its own name.
class Naming {
 public:
  Naming(Files& files, PendingFile& last) : files_(files), last_(last) {}
  ~Naming() {
    if (last_.renamed()) return;
    try {
      for (const PendingFile* file : given_) {
        if (file->renamed()) files_.remove(file->final_path());
      }
    } catch (const std::exception& error) {
      spdlog::warn("a file of a backup that does not exist could not be removed: {}", error.what());
    }
  }
  Naming(const Naming&) = delete;
  Naming& operator=(const Naming&) = delete;

  void name(PendingFile& file) {
    given_.push_back(&file);
    file.commit();
  }

 private:
  Files& files_;
  PendingFile& last_;
  std::vector<const PendingFile*> given_;
};

}  // namespace

BackupReport take_backup(const BackupPlan& plan, Tool& tool) {
  const TimePoint started = tool.clock.now();
  make_private_directories(plan.wishes.folder);
  tool.out.detail(fmt::format("{} {}, {} {}", plan.pg_dump.path.string(), plan.pg_dump.version,
                              plan.pg_restore.path.string(), plan.pg_restore.version));
  BackupReport report{.archive = plan.archive()};
  std::vector<std::string> warnings;
  std::unique_ptr<GlobalsFile> globals;
  if (plan.wishes.with_globals) globals = write_globals(plan, warnings, tool);
  const std::unique_ptr<ArchiveWriter> archive = dump_with_patience(plan, report, tool);
  Manifest& manifest = report.manifest;
  manifest.warnings.insert(manifest.warnings.begin(), warnings.begin(), warnings.end());
  if (globals) manifest.globals = globals->facts;
  manifest.archive = archive->facts();
  manifest.restore_command = restore_without_belay(manifest.archive, manifest.database);
  manifest.verification.push_back(verified(plan, tool, manifest, archive->file().partial_path()));

  const std::string schema_text = schema_file_text(report.schema);
  name_schema_file(manifest, report.schema, schema_text);
  PendingFile schema_file{tool.files, plan.wishes.folder / manifest.schema_file, PendingFile::Existing::refuse};
  schema_file.write(as_bytes(schema_text));
  PendingFile manifest_file{tool.files, manifest_path(report.archive), PendingFile::Existing::refuse};
  manifest_file.write(as_bytes(write_manifest(manifest)));
  manifest_file.finish();  // on the disk under its .partial name: it says what the files below belong to, should we die
                           // between them
  Naming naming{tool.files, manifest_file};
  naming.name(schema_file);
  if (globals) naming.name(globals->file);
  naming.name(archive->file());
  report.duration = tool.clock.now() - started;
  naming.name(manifest_file);  // from here on the backup exists
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
