// The manifest: what a backup is, as JSON beside its archive. Written last, so a backup exists only once its manifest
// has its final name (docs/formats.md).
//
// It ends with the SHA-256 of all its bytes before that line. This finds damage and careless edits; it does not stop an
// attacker, who can compute it too.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/compression.hpp"
#include "common/database_properties.hpp"
#include "common/files.hpp"
#include "common/fingerprint.hpp"
#include "common/history.hpp"

namespace belay {

inline constexpr int manifest_version = 1;

/// How far a backup was proven, in ascending order.
enum class Level { none, checksum, archive, restore };
[[nodiscard]] std::string to_string(Level level);
/// Throws storage for a word that is no level.
[[nodiscard]] Level level_named(const std::string& word);

/// How much of the database a backup holds. Only a whole one serves a full restore.
enum class Scope { whole, schema, partial };
[[nodiscard]] std::string to_string(Scope scope);

/// Backups are in the first two; directory and tar only ever come from elsewhere, and are in no manifest.
enum class ArchiveFormat { custom, plain, directory, tar };
[[nodiscard]] std::string to_string(ArchiveFormat format);

struct ArchiveFacts {
  std::string file;  ///< name without folder
  ArchiveFormat format = ArchiveFormat::custom;
  Compression compression = Compression::zstd;
  Bytes bytes = 0;
  Bytes plain_bytes = 0;
  std::string sha256;
  std::string dumped_by;
  /// False for an adopted dump whose rows pg_dump compressed itself, or wrote as INSERT: they cannot be told apart.
  bool rows_readable = true;
};

/// A file beside the archive that belongs to the backup.
struct Companion {
  std::string file;  ///< name without folder
  Bytes bytes = 0;
  std::string sha256;
};

/// A role that the backup refers to, as a statement that makes it again, without its password.
struct RoleDefinition {
  std::string name;
  std::string create;               ///< CREATE ROLE "x" LOGIN …
  std::vector<std::string> grants;  ///< GRANT "y" TO "x"
};

/// Rows inserted, updated and deleted in a table so far, by the server's statistics.
struct WriteCounter {
  std::string schema, name;
  std::int64_t changes = 0;
};

struct SnapshotFacts {
  std::vector<WriteCounter> counters;
  std::string lsn;
  std::string time;      ///< the server's clock, UTC
  std::string snapshot;  ///< pg_current_snapshot(): xmin:xmax:xip
  std::string lock;  ///< "locked": every table was locked before the snapshot; "compared": too many tables, see docs
  std::string database_oid =
      {};  ///< which database of the system it was, whatever its name became; empty = not recorded
};

struct RecordedMigration {
  std::string id, name, checksum, state;
};

struct VerificationRecord {
  Level level = Level::none;
  std::string at;                    ///< iso_utc
  std::string by;                    ///< belay's version
  std::vector<std::string> skipped;  ///< checks not made, with the reason
  std::string problem = {};          ///< it did not pass, and this is why; empty = it passed
};

/// Where else the backup is: written there and read back equal.
struct OffSiteCopy {
  std::string remote;  ///< as rclone names it
  std::string at;      ///< iso_utc
};

struct Manifest {
  std::string tool = "backup-db " BELAY_VERSION;
  std::string run;
  std::string purpose = "backup";  ///< or "pre-migration", "pre-restore", "pre-rollback"
  Scope scope = Scope::whole;
  bool adopted = false;  ///< the archive is not of belay's making, and stays when a half-written manifest goes
  TimePoint created_at;
  DatabaseProperties database;
  int server_version = 0;
  std::string system_identifier;
  ArchiveFacts archive;
  SnapshotFacts snapshot;
  std::string history_schema = "public";
  std::vector<RecordedMigration> history;
  std::string schema_sha256;  ///< SchemaFingerprint::sha256
  std::string schema_file;    ///< the facts themselves, beside the archive
  std::string schema_file_sha256;
  ContentFingerprint content;
  std::vector<std::string> extensions;           ///< "pgcrypto 1.3"
  std::vector<std::string> roles;                ///< every role that the archive or the properties refer to
  std::vector<RoleDefinition> role_definitions;  ///< of `roles`, as far as they could be read
  std::optional<Companion> globals;              ///< pg_dumpall --globals-only
  std::vector<std::string> not_included;         ///< what is not in this backup, a sentence each
  std::vector<std::string> warnings;             ///< what pg_dump said and belay does not know to be harmless
  std::vector<VerificationRecord> verification;
  std::vector<OffSiteCopy> copies;
  std::string restore_command;  ///< puts it back without belay

  /// The highest one reached. A verification that failed takes its own level and those above away, until it is passed
  /// again.
  [[nodiscard]] Level level() const;
  [[nodiscard]] std::vector<std::string> files() const;  ///< archive, schema file and companions, without folder
  [[nodiscard]] std::uint64_t rows() const;
};

/// The file's text, ending in its own digest.
[[nodiscard]] std::string write_manifest(const Manifest& manifest);
/// Throws storage: not whole, edited, of an unknown version, or with a required field that this program does not know.
[[nodiscard]] Manifest parse_manifest(const std::string& text, const std::string& name);
/// Reads and parses the manifest of `archive`; an archive without one is refused with Failure::storage.
[[nodiscard]] Manifest read_manifest_of(const std::filesystem::path& archive);

/// The schema file's text, and its place in the manifest.
[[nodiscard]] std::string schema_file_text(const SchemaFingerprint& schema);
void name_schema_file(Manifest& manifest, const SchemaFingerprint& schema, const std::string& text);

/// Writes the manifest of `archive` anew: the old one stands until the new one, whole, takes its place.
void replace_manifest(Files& files, const std::filesystem::path& archive, const Manifest& manifest);

inline constexpr std::string_view manifest_suffix = ".manifest.json";
/// A larger file is not read: it is no manifest.
inline constexpr Bytes largest_manifest = Bytes{256} * 1024 * 1024;
[[nodiscard]] std::filesystem::path manifest_path(const std::filesystem::path& archive);

}  // namespace belay
