// Lock, then snapshot. The tables are locked before the query that takes the snapshot and listed again inside it;
// otherwise a TRUNCATE or a rewriting ALTER that commits between the snapshot and pg_dump's own lock leaves a table
// empty in the dump, while pg_dump and pg_restore both report success.
#pragma once
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"

namespace belay {

class BackupSnapshot {
 public:
  /// Opens two sessions on the URL's database, locks, takes and exports the snapshot. Retries a few times if tables
  /// move meanwhile. Throws refused if a lock is not granted within `lock_timeout`, naming who holds it.
  BackupSnapshot(const DatabaseUrl& url, const SessionSettings& settings, const std::string& lock_timeout);

  /// The session inside the snapshot (REPEATABLE READ, READ ONLY).
  [[nodiscard]] Connection& session() { return session_; }
  [[nodiscard]] const std::string& exported() const { return exported_; }  ///< for pg_dump --snapshot
  [[nodiscard]] const SnapshotFacts& facts() const { return facts_; }
  /// After the dump. Throws failed if a table that was in the snapshot has other storage now: its rows may be missing
  /// from the dump.
  void check_nothing_moved();

 private:
  struct Table {
    std::string oid, schema, name, storage;
  };
  std::vector<Table> list(Connection& db) const;
  void lock(const std::vector<Table>& tables, const std::string& lock_timeout);
  void watch_blockers();
  bool take(const std::string& lock_timeout);

  Connection session_;
  Connection look_;  // sees the present, not the snapshot
  std::string exported_;
  SnapshotFacts facts_;
  std::vector<Table> tables_;
  std::string blocked_by_;  ///< who stood in the way when it was last looked at; known only while we wait
  std::chrono::steady_clock::time_point looked_;
};

/// Of every user table, as the server's statistics have it now (a session reports its own within about a second).
[[nodiscard]] std::vector<WriteCounter> read_write_counters(Connection& db);

}  // namespace belay
