#include "backup/take.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <thread>

#include "backup/snapshot.hpp"
#include "backup/verify.hpp"
#include "common/archive_stream.hpp"
#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/pending_file.hpp"
#include "common/sha256.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

/// A running XXH3 of everything that passes: what went into the compressor must come out of the decompressor.
class StreamHash {
 public:
  StreamHash() { XXH3_128bits_reset(state_.get()); }
  void update(ByteSpan bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }
  [[nodiscard]] bool equals(const StreamHash& other) const {
    return XXH128_isEqual(XXH3_128bits_digest(state_.get()), XXH3_128bits_digest(other.state_.get())) != 0;
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_{XXH3_createState()};
};

/// pg_dump's stream on its way to the disk: rows hashed, compressed, digested, and decoded again at once.
class ArchiveWriter {
 public:
  ArchiveWriter(Files& files, const std::filesystem::path& path, const CompressionSettings& settings)
      : file_(files, path, PendingFile::Existing::refuse),
        decoder_(make_decompressor(settings.compression, path.filename().string(),
                                   [this](ByteSpan plain) { decoded_.update(plain); })),
        encoder_(make_compressor(settings, [this](ByteSpan packed) {
          file_.write(packed);
          digest_.update(packed);
          decoder_->write(packed);
        })) {}

  void write(ByteSpan plain) {
    plain_ += plain.size();
    original_.update(plain);
    reader_.write(plain);
    encoder_->write(plain);
  }
  /// Throws storage if the stream is not a whole archive, or if decoding it gave other bytes than were written.
  void finish() {
    reader_.finish();
    encoder_->finish();
    decoder_->finish();
    if (!original_.equals(decoded_))
      throw Error{Failure::storage, "the compressed archive does not decode to what pg_dump wrote"};
    file_.finish();
  }
  [[nodiscard]] ArchiveFacts facts(Compression compression) {
    return {file_.final_path().filename(),   "custom", compression, file_.size(), plain_, digest_.hex(),
            "pg_dump " + reader_.dumped_by()};
  }
  [[nodiscard]] const ArchiveReader& reader() const { return reader_; }
  [[nodiscard]] PendingFile& file() { return file_; }
  [[nodiscard]] Bytes plain_bytes() const { return plain_; }

 private:
  PendingFile file_;
  Sha256 digest_;
  StreamHash original_, decoded_;
  ArchiveReader reader_;
  std::unique_ptr<Decompressor> decoder_;
  std::unique_ptr<Compressor> encoder_;
  Bytes plain_ = 0;
};

std::string object_name(const TableContent& table) {
  return quote_identifier(table.schema) + "." + quote_identifier(table.name);
}

Command dump_command(const BackupPlan& plan, const SessionSettings& settings, const std::string& snapshot) {
  return {.program = plan.pg_dump.path,
          .args = {"--format=custom", "--compress=0", "--snapshot=" + snapshot, "--lock-wait-timeout=2s",
                   "--no-password", "--dbname=" + child_conninfo(plan.url, plan.url.database)},
          .env = child_connection_environment(plan.url, settings, plan.server.version),
          .limit = {}};
}

enum class DumpEnd { whole, no_lock };

/// no_lock: somebody asked for an ACCESS EXCLUSIVE lock between our locks and pg_dump's own. It waits for our session,
/// pg_dump waits behind it, and so does every reader of that table: a deadlock that the server cannot see. So pg_dump
/// waits shortly only, our locks are given up, and all begins anew.
DumpEnd run_dump(const BackupPlan& plan, const SessionSettings& settings, const std::string& snapshot,
                 ArchiveWriter& archive, Tool& tool) {
  const Bytes expected = plan.server.database->size_bytes;
  const Exit end = tool.processes.run(dump_command(plan, settings, snapshot), {}, [&](ByteSpan bytes) {
    archive.write(bytes);
    tool.out.progress(
        fmt::format("dumping {}: {} read of a database of {}",
                    archive.reader().current_table().empty() ? "schema" : archive.reader().current_table(),
                    human_size(archive.plain_bytes()), human_size(expected)),
        {{"phase", "dump"},
         {"table", archive.reader().current_table()},
         {"bytes", archive.plain_bytes()},
         {"database_bytes", expected}});
  });
  if (!end.ok() && end.signal == 0 && end.err.find("LOCK TABLE") != std::string::npos) return DumpEnd::no_lock;
  if (!end.ok()) {
    throw Error{Failure::failed, fmt::format("pg_dump ended with {}", end.how()), end.err,
                "No backup was made; the database was only read."};
  }
  if (!end.err.empty()) tool.out.warn("pg_dump says: " + end.err);
  return DumpEnd::whole;
}

/// The archive must hold every table of the snapshot, with the same columns; a table that has pages but came out empty
/// is counted on the server.
void check_tables(const ContentFingerprint& archived, const std::vector<TableContent>& listed, Connection& snapshot) {
  std::map<std::string, const TableContent*> by_name;
  for (const TableContent& table : archived.tables) by_name[object_name(table)] = &table;
  for (const TableContent& table : listed) {
    const auto found = by_name.find(object_name(table));
    const bool same = found != by_name.end() && found->second->columns == table.columns;
    if (!same) {
      throw Error{Failure::failed, "the backup was given up: pg_dump left something out",
                  fmt::format("Table {} is {}.", object_name(table),
                              found == by_name.end() ? "not in the dump" : "in the dump with other columns")};
    }
    if (found->second->rows != 0) continue;
    const Row row = snapshot.one(
        fmt::format(
            "SELECT CASE WHEN pg_relation_size($1::regclass) = 0 THEN 0 ELSE (SELECT count(*) FROM ONLY {}) END AS n",
            object_name(table)),
        {object_name(table)});
    if (row.number("n") != 0) {
      throw Error{
          Failure::failed, "the backup was given up: a table is empty in the dump",
          fmt::format("Table {} has {} rows in the snapshot, and none in the dump.", object_name(table), row.text("n")),
          "No backup was kept. Run it again when no DDL is running."};
    }
  }
}

std::vector<RecordedMigration> record_history(Connection& db, const std::string& schema) {
  std::vector<RecordedMigration> recorded;
  for (const HistoryRow& row : read_history(db, schema).rows) {
    const char* state = row.failed() ? "failed" : row.applied() ? "applied" : "rolled back";
    recorded.push_back({row.id, row.migration_name, row.checksum, state});
  }
  return recorded;
}

std::vector<std::string> column(Connection& db, const std::string& sql) {
  std::vector<std::string> values;
  for (const Row& row : db.rows(sql)) values.push_back(row.text(0));
  return values;
}

/// What a dump of one database never holds, as far as this one has any of it.
std::vector<std::string> list_not_included(Connection& db) {
  return column(
      db,
      "SELECT 'roles and their passwords (only the names of those that own or may do something here)' UNION ALL"
      " SELECT 'rows of foreign table ' || ftrelid::regclass FROM pg_foreign_table UNION ALL"
      " SELECT 'subscription ' || quote_ident(subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM "
      "pg_database WHERE datname = current_database()) UNION ALL"
      " SELECT 'replication slot ' || quote_ident(slot_name) FROM pg_replication_slots WHERE database = "
      "current_database() UNION ALL"
      " SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = current_database() UNION ALL"
      " SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid UNION ALL"
      " SELECT 'content of materialized view ' || oid::regclass || ' (computed anew by a restore)' FROM pg_class WHERE "
      "relkind = 'm' AND relispopulated UNION ALL"
      " SELECT 'options of user mappings on server ' || quote_ident(srvname) || ' (hidden from this role)' FROM "
      "pg_user_mappings WHERE umoptions IS NULL");
}

std::vector<std::string> list_roles(Connection& db) {
  return column(db,
                "SELECT DISTINCT pg_get_userbyid(refobjid) FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass "
                "AND deptype IN ('o', 'a', 'r')"
                " AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
                " AND (dbid <> 0 OR (classid = 'pg_database'::regclass AND objid = (SELECT oid FROM pg_database WHERE "
                "datname = current_database()))) ORDER BY 1");
}

/// Role-in-database settings are recorded nowhere as a dependency, and the database's own grants belong to it, not to
/// its content.
void add_roles(std::vector<std::string>& roles, const DatabaseProperties& database) {
  std::vector<std::string> more{database.owner};
  for (const DatabaseSetting& setting : database.settings) {
    if (setting.role) more.push_back(*setting.role);
  }
  for (const DatabaseGrant& grant : database.grants) {
    more.push_back(grant.grantor);
    if (grant.grantee) more.push_back(*grant.grantee);
  }
  roles.insert(roles.end(), more.begin(), more.end());
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
}

void read_into(Manifest& manifest, SchemaFingerprint& schema, const BackupPlan& plan, BackupSnapshot& snapshot) {
  Connection& db = snapshot.session();
  manifest.run = plan.wishes.run;
  manifest.database = *plan.server.database;
  manifest.server_version = plan.server.version;
  manifest.system_identifier = plan.server.system_identifier;
  manifest.snapshot = snapshot.facts();
  manifest.created_at = parse_iso_utc(manifest.snapshot.time);
  manifest.history_schema = plan.wishes.history_schema;
  manifest.history = record_history(db, plan.wishes.history_schema);
  schema = read_schema_fingerprint(db, plan.wishes.history_schema);
  manifest.schema_sha256 = schema.sha256();
  manifest.content.sequences = read_sequences(db);
  manifest.extensions = column(db, "SELECT extname || ' ' || extversion FROM pg_extension ORDER BY extname");
  manifest.roles = list_roles(db);
  add_roles(manifest.roles, manifest.database);
  manifest.not_included = list_not_included(db);
}

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
  auto archive = std::make_unique<ArchiveWriter>(tool.files, report.archive, plan.wishes.compression);
  if (run_dump(plan, settings, snapshot.exported(), *archive, tool) == DumpEnd::no_lock) return nullptr;
  archive->finish();
  snapshot.check_nothing_moved();
  ContentFingerprint content = archive->reader().content();
  check_tables(content, list_tables(snapshot.session()), snapshot.session());
  snapshot.session().finish_transaction("COMMIT");
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
  manifest.archive = archive->facts(plan.wishes.compression.compression);
  manifest.restore_command = restore_without_belay(plan.file_name, manifest.database);
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

std::string restore_without_belay(const std::string& archive_file, const DatabaseProperties& database) {
  std::string file = archive_file;
  const bool plain_name = file.find_first_of(" '\"$`\\") == std::string::npos;
  if (!plain_name) file = "'" + file + "'";
  const std::string read = archive_file.ends_with(".zst") ? "zstd -dc " + file : "cat " + file;
  return fmt::format("{} | pg_restore --exit-on-error --dbname=NEW_EMPTY_DATABASE   # created with: {}", read,
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
