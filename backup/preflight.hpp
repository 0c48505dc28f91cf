// What would make a dump fail or harm others, found out before anything is locked: rights that this role lacks, all of
// them at once, and a lock table that a dump of this many relations would fill.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"

namespace belay {

enum class RightKind { schema, table, sequence, all_rows, large_object };

/// Something that pg_dump reads and this role may not.
struct MissingRight {
  RightKind kind = RightKind::table;
  std::string object;     ///< quoted name; a large object's number
  bool by_force = false;  ///< all_rows: the role owns the table, and row-level security is forced on its owner too
};

/// The server's lock table, which all databases share, and what a dump of this one needs of it.
struct LockTable {
  std::uint64_t per_transaction = 0;  ///< max_locks_per_transaction
  std::uint64_t clients = 0;          ///< max_connections + max_prepared_transactions
  std::uint64_t holders = 0;          ///< clients, and the server's own processes
  std::uint64_t in_use = 0;           ///< by everybody, now
  std::uint64_t tables = 0;           ///< that pg_dump locks
  std::uint64_t sequences = 0;        ///< that it reads, and so locks
  std::uint64_t views = 0;            ///< whose definitions it reads, and so locks
  /// By us too, before the snapshot: then there is nothing that could happen to them.
  [[nodiscard]] bool tables_can_be_locked_before() const;
  /// Locks of one holder each that fit.
  [[nodiscard]] std::uint64_t room() const;
  /// In the same unit.
  [[nodiscard]] std::uint64_t needed(Scope scope) const;
};
/// The server's part of it; the counts of relations stay 0.
[[nodiscard]] LockTable read_lock_table(Connection& db);

struct Preflight {
  std::string role;
  int server_version = 0;
  std::vector<MissingRight> missing;  ///< schemas first, then tables, sequences, rows, large objects
  LockTable locks;
};

/// Reads the database that `db` is connected to. Changes nothing, locks nothing but catalogs.
[[nodiscard]] Preflight read_preflight(Connection& db);

/// Of user tables that pg_dump takes: a condition on pg_class as `c` and pg_namespace as `n`. Members of extensions are
/// left out, except those that hold configuration.
[[nodiscard]] std::string dumped_relation();

/// Throws refused with everything that is missing for a backup of this scope, and the statements that grant it. Pure.
void check_rights(const Preflight& preflight, Scope scope);
/// Throws refused if a dump would run the lock table full. Pure.
void check_lock_table(const LockTable& locks, Scope scope);

}  // namespace belay
