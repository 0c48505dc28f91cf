// How many rows each table had before the run and has after it, and what a run that changed tables owes the planner.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/connection.hpp"
#include "migrate/row_losses.hpp"

namespace belay {

/// What is remembered of a table, by its OID: renaming it, or moving it to another schema, does not lose it.
struct TableBefore {
  std::string schema, name;
  std::string file;                    ///< number of its file: another one after a rewrite or a TRUNCATE
  std::string column_types;            ///< of its columns, in order
  std::int64_t deleted = 0;            ///< rows deleted so far, by the server's statistics
  std::vector<std::string> ancestors;  ///< OIDs of what it is a partition or a child of, directly or not
  std::optional<std::uint64_t> rows;   ///< counted; none = not known
  bool critical = false;
};
using TablesBefore = std::map<std::string, TableBefore>;  ///< by OID

struct CountSettings {
  std::vector<std::string> critical;  ///< --critical-table: a name, or schema.name
  std::string schema = "public";      ///< where a bare name is looked for first
  std::string history_schema = "public";
  std::vector<std::string> expected = {};  ///< --expect-loss: tables that may lose rows, by such names
  bool copy_of_backup = false;  ///< it holds what the backup does: what that counted is right, whatever statistics say
};

/// Throws refused for a critical table that does not exist, or whose bare name fits several.
void require_critical_tables(Connection& db, const CountSettings& settings);

/// Every ordinary table, and the critical ones. Rows: of the critical ones counted now, of the others what the backup
/// counted, if there is one. In one snapshot. Throws refused for a critical table that does not exist or
/// cannot be counted.
[[nodiscard]] TablesBefore read_tables_before(Connection& db, const CountSettings& settings, const Manifest* backup);

/// ANALYZEs the tables that were rewritten, or of which a column has another type now: until then the planner knows
/// nothing of them, and the first statements, belay's own and the application's, would be planned blindly. Names of
/// those tables, with the reason where one could not be: it is locked for 5 s, or it takes longer than 60 s. That is no
/// fault of the run's. `db` is in no transaction.
std::vector<std::string> analyze_changed(Connection& db, const TablesBefore& before);

struct RowCounts {
  std::vector<RowCount> tables;  ///< counted now: the critical ones, and where rows may have gone
  std::vector<std::string>
      not_counted;  ///< why, a line each: it took too long, alone or all together, or another session had it locked
};
/// A table is counted where rows may have gone: it is gone itself, its file is another one, or rows were deleted from
/// it. In one read-only transaction.
[[nodiscard]] RowCounts count_after(Connection& db, const TablesBefore& before, const TakenFrom& taken,
                                    const CountSettings& settings);

/// "public.orders  1200 → 1200 rows", a line for each critical table.
[[nodiscard]] std::string describe_critical(const RowCounts& counts);

}  // namespace belay
