// Which tables the pending SQL says it takes rows from, and which losses it does not account for.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/script.hpp"

namespace belay {

/// Names as statements write them: "schema.table", or the bare name, which fits every schema.
struct TakenFrom {
  std::set<std::string> tables;   ///< targets of DELETE, TRUNCATE, DROP TABLE, MERGE
  std::set<std::string> schemas;  ///< DROP SCHEMA: every table in it
  [[nodiscard]] bool names(const std::string& schema, const std::string& table) const;
};

/// DO blocks and functions that the scripts define are looked into. A name that is given by RENAME counts for both of
/// its names.
[[nodiscard]] TakenFrom taken_from(const std::vector<const Script*>& scripts);

struct RowCount {
  std::string schema, name;  ///< before the run
  std::string name_now;      ///< quoted, where it is now; empty = it is gone
  std::uint64_t before = 0, after = 0;
  bool critical = false;
  bool accounted = false;  ///< the SQL, or the operator, says that rows go
};

/// A line for each table that lost rows: of a critical one any, of another one more than one in a hundred that nothing
/// accounts for.
struct Losses {
  std::vector<std::string> critical, others;
};
/// Pure.
[[nodiscard]] Losses find_losses(const std::vector<RowCount>& tables);

}  // namespace belay
