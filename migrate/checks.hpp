// What has to be true after the pending migrations, on the target and, before that, on the rehearsed copy.
#pragma once
#include "migrate/row_counts.hpp"
#include "migrate/verify_sql.hpp"

namespace belay {

struct Checks {
  VerifySql sql;
  CountSettings counts;
  TakenFrom taken;  ///< by the pending SQL
};

/// On a copy of a backup: what is true of it now, and what is wrong after the migrations, a line each. No one else
/// writes there, so each loss is the migrations' own.
class CopyChecks {
 public:
  CopyChecks(const Checks& checks, Connection& copy, const Manifest& backup);
  [[nodiscard]] std::vector<std::string> findings(Connection& copy) const;

 private:
  const Checks& checks_;
  TablesBefore before_;
};

}  // namespace belay
