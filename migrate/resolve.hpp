// `migrate-production resolve --applied NAME | --rolled-back NAME`: the rows and the refusals of `prisma migrate
// resolve`. It settles the record only; nothing of the migration's SQL runs, and the schema is not looked at.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "common/history.hpp"
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

enum class Resolution { applied, rolled_back };

struct ResolveFacts {
  Resolution resolution = Resolution::applied;
  std::string name;
  std::optional<MigrationsFolder> folder;  ///< only needed for `applied`
  History history;
};

struct ResolvePlan {
  Resolution resolution = Resolution::applied;
  std::string name;
  bool create_table = false;
  std::size_t failed_rows = 0;      ///< rows of the name that get rolled_back_at
  std::optional<Migration> insert;  ///< the migration that gets a row as applied
};

/// Prisma's checks in Prisma's order: P3019, P3017, P3008 for `applied`; no history, P3011, P3012 for `rolled_back`.
/// Pure. Throws refused.
[[nodiscard]] ResolvePlan plan_resolve(const ResolveFacts& facts);

/// The migration of that name, with its script. Throws refused (P3017).
[[nodiscard]] const Migration& require_file(const MigrationsFolder& folder, const std::string& name);

/// 0: recorded, also where there was nothing to change.
int run_resolve(const MigrateOptions& options, Tool& tool);

}  // namespace belay
