// Rows written since an earlier state of a database, counted row by row by their versions: a row is new where that
// state's snapshot does not see its xmin. After a load, or an ALTER that rewrites a table, every row is new: whoever
// reads the numbers has to know (restore/loss).
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"
#include "restore/loss.hpp"

namespace belay {

/// Tables whose statistics are not what they were at the backup's snapshot, by schema and name, with the difference.
[[nodiscard]] std::map<std::pair<std::string, std::string>, std::int64_t> moved_since(Connection& db,
                                                                                      const Manifest& manifest);
[[nodiscard]] std::optional<std::uint64_t> rows_in_backup(const Manifest& manifest, const std::string& schema,
                                                          const std::string& name);

enum class Tables { all, moved };
struct TableWrites {
  std::string schema, name;
  std::int64_t fresh = 0;  ///< rows that the snapshot does not see and we did not write
  std::int64_t gone = 0;   ///< rows that it saw and that are gone; our own deletes and updates count too
  std::int64_t own = 0;    ///< rows whose version is ours
  bool gone_away = false;  ///< the backup has it, and there is no such table now: nothing is known of it
  [[nodiscard]] std::string describe() const;
};
/// Counted row by row, in all tables or only in those whose statistics moved since the snapshot: those that changed.
/// `own`: transactions of our own, as xmin shows them. _prisma_migrations is left out.
[[nodiscard]] std::vector<TableWrites> count_writes_since(Connection& db, const Manifest& manifest, Tables tables,
                                                          const std::vector<std::string>& own = {});

/// Rows for which `condition` holds, that the snapshot does not see, and that none of `own` (as xmin shows them) wrote.
struct SomeRows {
  std::string table;      ///< quoted, with its schema
  std::string condition;  ///< SQL over its columns
};
[[nodiscard]] std::int64_t count_others_rows(Connection& db, const SomeRows& rows, const std::string& snapshot,
                                             const std::vector<std::string>& own);

/// What the present state of a database is compared with.
struct EarlierState {
  std::optional<std::vector<TableContent>> tables;  ///< none = not known
  std::string snapshot;  ///< pg_current_snapshot() of then, in this very database; empty = rows cannot be told by it
  std::optional<std::vector<RecordedMigration>> history;  ///< none: _prisma_migrations is a table as all others
  std::string history_schema = "public";
  std::optional<std::vector<TableContent>> content;  ///< of a backup of the present state, taken a moment ago
  std::string content_snapshot;                      ///< that backup's; empty where there is none
};

struct Count {
  Loss loss;
  std::vector<TableContent> tables;  ///< what was counted; without hashes
  std::string snapshot;              ///< of the count itself
  /// Rows inserted, updated and deleted by then, by the server's statistics (see read_witness); none = it is blind.
  std::optional<std::int64_t> witness;
};

/// In one snapshot, through a session of its own, read only; the witness is read before it. A table that is locked for
/// more than 5 s is told as not known. Throws connection, ServerError.
[[nodiscard]] Count count_loss(const DatabaseUrl& url, const std::string& database, const SessionSettings& session,
                               const EarlierState& then);

/// Of the session's own database; none where somebody switches the counting of writes off, which it would not see.
[[nodiscard]] std::optional<std::int64_t> find_witness(Connection& db);
/// tup_inserted + tup_updated + tup_deleted of a database as of now, in the midst of a transaction too. Sessions add
/// theirs within a second of work, and at their end: while nobody is connected it is complete. Before PostgreSQL 15 it
/// takes half a second, by which the statistics' file may be late.
[[nodiscard]] std::int64_t read_witness(Connection& db, const std::string& database_oid);

}  // namespace belay
