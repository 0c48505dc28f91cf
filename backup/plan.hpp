// What a backup will do, decided from facts alone: no server, no disk, no clock.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "backup/manifest.hpp"
#include "backup/preflight.hpp"
#include "common/clock.hpp"
#include "common/output.hpp"
#include "common/pg_tools.hpp"
#include "common/server_facts.hpp"

namespace belay {

struct BackupWishes {
  std::filesystem::path folder;
  ArchiveFormat format = ArchiveFormat::custom;
  CompressionSettings compression;
  Scope scope = Scope::whole;
  std::string purpose = "backup";  ///< see Manifest::purpose
  bool with_globals = false;
  std::string history_schema = "public";
  std::string lock_timeout = "60s";  ///< how long to wait for the tables' ACCESS SHARE locks
  Level level = Level::archive;      ///< checksum or archive; restore = archive first, the rest is the caller's
  std::string run;
};

struct BackupPlan {
  DatabaseUrl url;
  std::string source;  ///< where the URL came from
  BackupWishes wishes;
  ServerFacts server;
  PgTool pg_dump, pg_restore;
  std::optional<PgTool> pg_dumpall;  ///< where globals are wanted
  std::string maintenance;           ///< the database to connect to for what is no database's own
  bool locks_first = true;           ///< false: too many tables, they are compared instead
  std::string file_name;             ///< of the archive, without folder
  [[nodiscard]] std::filesystem::path archive() const { return wishes.folder / file_name; }
};

struct BackupFacts {
  DatabaseUrl url;
  std::string source;
  ServerFacts server;
  PgTool pg_dump, pg_restore;
  std::optional<PgTool> pg_dumpall;  ///< where globals are wanted
  std::string maintenance;
  TimePoint now;
  std::vector<std::string> names_in_folder;
  std::optional<Bytes> free_bytes;     ///< at the folder
  std::optional<Preflight> preflight;  ///< of the database, where there is one
};

/// Throws refused: no such database, something in it that this role may not read, a lock table that the dump would
/// fill; storage: no space for even a tenth of it.
[[nodiscard]] BackupPlan plan_backup(const BackupWishes& wishes, const BackupFacts& facts);

/// `backup_<db>_<YYYYMMDD>_<HHMMSS>[_N].dump.zst` and the like, free in `taken`. Bytes that a file name should not hold
/// are percent-encoded.
[[nodiscard]] std::string archive_name(const std::string& database, TimePoint now, const BackupWishes& wishes,
                                       const std::vector<std::string>& taken);
/// "backup_", "schema_backup_" or "partial_backup_".
[[nodiscard]] std::string name_prefix(Scope scope);

[[nodiscard]] Result show_plan(const BackupPlan& plan);

}  // namespace belay
