// Which migrations a guarded run will deploy, decided from folder and history alone.
#pragma once
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/output.hpp"
#include "common/script.hpp"

namespace belay {

struct PendingMigration {
  Migration migration;
  Script script;
};

struct MigrationFacts {
  MigrationsFolder folder;
  History history;
  std::vector<std::string> foreign_tables;  ///< what makes Prisma refuse with P3005 where there is no history
};

struct MigrationPlan {
  std::filesystem::path folder;
  std::size_t found = 0;                  ///< migrations in the folder
  std::vector<PendingMigration> pending;  ///< in the order they will run
  bool creates_history = false;
  std::vector<std::string> warnings;
  [[nodiscard]] bool all_atomic() const;  ///< each is one transaction with its history row
};

/// Throws refused (P3019) if migration_lock.toml names another database system; a missing file is accepted.
void check_provider(const MigrationsFolder& folder);

/// The checks of `prisma migrate deploy`, in its order: P3019, P3005, P3009, then P3015 for what is pending. Throws
/// refused.
[[nodiscard]] MigrationPlan plan_migrations(const MigrationFacts& facts);

/// "N migrations found in DIR", a line for each pending one, as `status` shows them.
[[nodiscard]] std::string describe_status(const MigrationPlan& plan);

}  // namespace belay
