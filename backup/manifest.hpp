// The manifest: what a backup is, as JSON beside its archive. Written last, so a backup exists only once its manifest
// has its final name (docs/formats.md).
//
// It ends with the SHA-256 of all its bytes before that line. This finds damage and careless edits; it does not stop an
// attacker, who can compute it too.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/compression.hpp"
#include "common/database_properties.hpp"
#include "common/fingerprint.hpp"
#include "common/history.hpp"

namespace belay {

inline constexpr int manifest_version = 1;

/// How far a backup was proven, in ascending order.
enum class Level { none, checksum, archive, restore };
[[nodiscard]] std::string to_string(Level level);
/// Throws storage for a word that is no level.
[[nodiscard]] Level level_named(const std::string& word);

struct ArchiveFacts {
  std::string file;  ///< name without folder
  std::string format = "custom";
  Compression compression = Compression::zstd;
  Bytes bytes = 0;
  Bytes plain_bytes = 0;
  std::string sha256;
  std::string dumped_by;
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
};

struct RecordedMigration {
  std::string id, name, checksum, state;
};

struct VerificationRecord {
  Level level = Level::none;
  std::string at;                    ///< iso_utc
  std::string by;                    ///< belay's version
  std::vector<std::string> skipped;  ///< checks not made, with the reason
};

struct Manifest {
  std::string tool = "backup-db " BELAY_VERSION;
  std::string run;
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
  std::vector<std::string> extensions;    ///< "pgcrypto 1.3"
  std::vector<std::string> roles;         ///< every role that the archive or the properties refer to
  std::vector<std::string> not_included;  ///< what is not in this backup, a sentence each
  std::vector<VerificationRecord> verification;
  std::string restore_command;  ///< puts it back without belay

  [[nodiscard]] Level level() const;  ///< the highest one reached
  [[nodiscard]] std::uint64_t rows() const;
};

/// The file's text, ending in its own digest.
[[nodiscard]] std::string write_manifest(const Manifest& manifest);
/// Throws storage: not whole, edited, of an unknown version, or with a required field that this program does not know.
[[nodiscard]] Manifest parse_manifest(const std::string& text, const std::string& name);
/// Reads and parses the manifest of `archive`; an archive without one is refused with Failure::storage.
[[nodiscard]] Manifest read_manifest_of(const std::filesystem::path& archive);

[[nodiscard]] std::filesystem::path manifest_path(const std::filesystem::path& archive);

}  // namespace belay
