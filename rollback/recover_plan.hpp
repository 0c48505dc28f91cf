// What a migration destroyed by dropping tables and columns, and how it comes back from a backup from before it. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "rollback/lost.hpp"

namespace belay {

/// A column as it is called in the backup, in the live database, and after the reversal.
struct RecoverColumn {
  std::string backup = {}, live = {}, reversed = {};  ///< `live` is empty where it is not there
  std::string type = {};                              ///< after the reversal, as SQL
};

/// A table, or one column of a table that stays.
struct RecoverItem {
  std::string schema = {}, table = {};      ///< in the backup
  std::string column = {};                  ///< in the backup; empty = the whole table
  std::optional<ObjectId> column_id = {};   ///< before the migration; of a partition, the whole table's
  std::vector<RecoverColumn> key = {};      ///< of a column's table: its primary key
  std::vector<RecoverColumn> columns = {};  ///< what comes back
  ObjectId place = {};                      ///< the table after the reversal
  std::string live_table = {};              ///< "schema"."name" now; empty for a whole table
  std::string reversed_table = {};          ///< "schema"."name" after the reversal
  bool required = false;                    ///< NOT NULL without a default
  std::uint64_t in_backup = 0;              ///< rows of the table there
  std::string stage = {};                   ///< the temporary table that holds its rows, as text
  [[nodiscard]] bool whole() const { return column.empty(); }
  /// `table "s"."t"`, `column "s"."t"."c"`.
  [[nodiscard]] std::string describe() const;
};

/// One end of a foreign key.
struct RecoverEnd {
  std::optional<std::size_t> item = {};  ///< none = a table that stays
  std::string live = {}, reversed = {};  ///< of such a table: "schema"."name"
  std::vector<RecoverColumn> columns = {};
};

/// A foreign key, after the reversal, that has something at one end that comes back.
struct RecoverKey {
  std::string name;
  RecoverEnd child, parent;
};

struct RecoverPlan {
  std::vector<RecoverItem> items;  ///< tables first, parents before children
  std::vector<RecoverKey> keys;
  std::vector<LostSequence> sequences;
  std::vector<std::string> refused;   ///< what cannot come back, and why, a line each
  std::vector<std::string> left_out;  ///< what the reversal does not make again
};

/// `backup`: what the backup holds.
[[nodiscard]] RecoverPlan plan_recovery(const ReversalStates& states, const ContentFingerprint& backup);

}  // namespace belay
