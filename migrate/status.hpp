// `migrate-production status`: folder and history side by side, as `prisma migrate status` would judge them, and what
// Prisma passes over: edited files, rolled-back migrations that the next deploy runs again, folders that are gone.
#pragma once
#include <string>
#include <vector>

#include "common/run_tool.hpp"
#include "migrate/options.hpp"
#include "migrate/plan.hpp"

namespace belay {

/// Names, each list in the order of the folder. A migration may be in several of them.
struct StatusReport {
  std::filesystem::path folder;
  std::size_t found = 0;  ///< migrations in the folder
  std::vector<JoinedMigration> migrations;
  std::vector<std::string> pending;      ///< a folder, and no row of that name
  std::vector<std::string> failed;       ///< also where the folder is gone: Prisma refuses with P3009 all the same
  std::vector<std::string> rolled_back;  ///< a folder, and only rolled-back rows: the next deploy applies it
  std::vector<std::string> edited;       ///< applied, and the file is another one since
  std::vector<std::string> missing;      ///< a row that is not rolled back, and no folder
  std::vector<std::string> unreadable;   ///< a folder without a readable migration.sql (P3015)
  bool unmanaged = false;                ///< neither history nor migrations
  std::string elsewhere;                 ///< no history here, but in other schemas: a sentence, or empty
  bool needs_baseline = false;           ///< tables and no history: a deploy is refused with P3005
  [[nodiscard]] bool up_to_date() const;
};

/// Pure. Throws refused if the folder is for another database system (P3019), as Prisma does.
[[nodiscard]] StatusReport judge_status(const MigrationFacts& facts);

/// One word or two for one migration, e.g. "applied 2026-11-21 13:07:00 UTC, edited since".
[[nodiscard]] std::string describe_state(const JoinedMigration& migration);
/// A line for each migration, then Prisma's closing sentence, or each of them that holds.
[[nodiscard]] std::string describe_report(const StatusReport& report);
/// The same for programs.
[[nodiscard]] Json status_json(const StatusReport& report);

/// 0: up to date; 9: it is not.
int run_status(const MigrateOptions& options, Tool& tool);

}  // namespace belay
