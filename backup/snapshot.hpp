// Lock, then snapshot. The tables are locked before the query that takes the snapshot and listed again inside it;
// otherwise a TRUNCATE or a rewriting ALTER that commits between the snapshot and pg_dump's own lock leaves a table
// empty in the dump, while pg_dump and pg_restore both report success.
//
// Where there are too many tables to lock, and for everything that no lock of ours keeps still, what the snapshot had
// is compared with the present after the dump.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "backup/definitions.hpp"
#include "backup/manifest.hpp"
#include "common/connection.hpp"

namespace belay {

class BackupSnapshot {
 public:
  /// Opens two sessions on the URL's database, locks, takes and exports the snapshot. Retries a few times if tables
  /// move meanwhile. Throws refused if a lock is not granted within `lock_timeout`, naming who holds it.
  BackupSnapshot(const DatabaseUrl& url, const SessionSettings& settings, const std::string& lock_timeout);

  /// The session inside the snapshot (REPEATABLE READ, READ ONLY). It keeps no lock of a relation but those that it
  /// began with: whoever reads here does it within a Savepoint.
  [[nodiscard]] Connection& session() { return session_; }
  [[nodiscard]] const std::string& exported() const { return exported_; }  ///< for pg_dump --snapshot
  [[nodiscard]] const SnapshotFacts& facts() const { return facts_; }
  [[nodiscard]] bool standby() const { return standby_; }

  /// Definitions that were changed since the snapshot already, a line each: what is read of them now would not be the
  /// snapshot's. To be asked when `schema` has been read, before the dump.
  [[nodiscard]] std::vector<std::string> changed_before_dump();
  /// After the dump. What a dump of this snapshot may not have caught, a line each; none = it has all: tables with
  /// other storage, definitions that are not those of `schema` any more, a standby that is none any more.
  [[nodiscard]] std::vector<std::string> moved(const SchemaFingerprint& schema, const std::string& history_schema);

 private:
  struct Table {
    std::string oid, schema, name, storage;
  };
  std::vector<Table> list(Connection& db) const;
  void lock(const std::vector<Table>& tables);
  void watch_blockers();
  bool take(const std::string& lock_timeout);
  void export_snapshot();
  void moved_tables(std::vector<std::string>& lines);
  void moved_definitions(const SchemaFingerprint& schema, const std::string& history_schema,
                         std::vector<std::string>& lines);

  Connection session_;
  Connection look_;  // sees the present, not the snapshot
  std::string exported_;
  SnapshotFacts facts_;
  bool locked_ = false, standby_ = false;
  std::vector<Table> tables_;
  DefinitionRows definitions_;
  std::string blocked_by_;  ///< who stood in the way when it was last looked at; known only while we wait
  std::chrono::steady_clock::time_point looked_;
};

/// Of every user table, as the server's statistics have it now (a session reports its own within about a second).
[[nodiscard]] std::vector<WriteCounter> read_write_counters(Connection& db);

}  // namespace belay
