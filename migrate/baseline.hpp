// `migrate-production baseline [--up-to NAME]`: a database that existed before its migrations is taken under their
// record. Each migration of the folder gets the row that `prisma migrate resolve --applied` would write.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

struct BaselineFacts {
  MigrationsFolder folder;
  History history;
  std::optional<std::string> up_to;  ///< the last one to be marked; none = all
  bool holds_objects = false;        ///< the database has something that migrations could have made
};

struct BaselinePlan {
  std::vector<Migration> applied;    ///< to be marked, in the folder's order
  std::vector<std::string> pending;  ///< what stays for the next deploy
  bool create_table = false;
};

/// Pure. Throws refused: another provider (P3019), rows in the history, nothing in the database, nothing in the folder,
/// a name or a file that is not there (P3017).
[[nodiscard]] BaselinePlan plan_baseline(const BaselineFacts& facts);

/// 0: recorded.
int run_baseline(const MigrateOptions& options, Tool& tool);

}  // namespace belay
