// What putting an older state in the present one's place takes away: table by table, and migrations. Pure: reading is
// restore/writes.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/history.hpp"
#include "common/output.hpp"

namespace belay {

/// A table as it is, counted row by row.
struct CountedTable {
  std::string schema, name;
  std::vector<std::string> columns;
  std::int64_t rows = 0;
  std::optional<std::int64_t> fresh;  ///< rows that the earlier state's snapshot does not see; none = it cannot tell
  std::optional<std::int64_t>
      uncertain;  ///< of the others: rows that a savepoint of a transaction then open may have written
  std::optional<std::int64_t> late;  ///< rows that the snapshot of LossFacts::content does not see
  std::string problem = {};          ///< it could not be counted, and this is why; then the numbers mean nothing
};

struct LossFacts {
  std::optional<std::vector<TableContent>> then;  ///< tables of the earlier state; none = not known
  std::vector<CountedTable> now;
  std::optional<std::vector<TableContent>> content;        ///< of the present one's backup, taken a moment ago
  std::set<std::pair<std::string, std::string>> left_out;  ///< tables that are told of in another way
  std::optional<std::vector<RecordedMigration>> history_then;
  std::vector<RecordedMigration> history_now;
};

struct TableLoss {
  enum class Kind { changed, goes_away, comes_back, unknown };
  Kind kind = Kind::changed;
  std::string schema, name;
  std::int64_t new_or_changed = 0;              ///< rows that exist only now, in their present version
  std::optional<std::int64_t> gone_or_changed;  ///< rows of then that are not there any more; none = not known
  bool exact = true;
  std::optional<std::int64_t> rows_now, rows_then;  ///< told instead where rows cannot be told apart one by one
  std::vector<std::string> columns_going;           ///< columns that exist only now
  std::string problem = {};                         ///< why it is unknown
  bool operator==(const TableLoss&) const = default;
  [[nodiscard]] std::string describe() const;  ///< `"public"."orders": 3 rows new or changed, …`
};

struct Loss {
  std::vector<TableLoss> tables;                  ///< those that lose something, by name
  std::vector<std::string> migrations_since;      ///< applied (or tried) since, with their state
  std::vector<std::string> migrations_returning;  ///< the other way: as they were then
  bool operator==(const Loss&) const = default;
  [[nodiscard]] bool none() const { return tables.empty() && migrations_since.empty() && migrations_returning.empty(); }
};

[[nodiscard]] Loss find_loss(const LossFacts& facts);

/// A line each; of very many tables the first ones, and how many more there are.
[[nodiscard]] std::vector<std::string> describe(const Loss& loss);
[[nodiscard]] Json to_json(const std::vector<TableLoss>& tables);

}  // namespace belay
