// Which migrations a guarded run will deploy, decided from folder and history alone.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/output.hpp"
#include "common/script.hpp"

namespace belay {

struct PendingMigration {
  Migration migration;
  Script script;
  std::optional<StatementJournal> resume = {};  ///< begun by an earlier deploy, which stopped half-way: go on there
  /// It had been applied, just as it is now, and was taken back then. None for one that failed and was resolved.
  std::optional<std::string> taken_back_at = {};
};

struct MigrationFacts {
  MigrationsFolder folder;
  History history;
  std::vector<std::string> foreign_tables;  ///< what makes Prisma refuse with P3005 where there is no history
  bool may_resume = false;                  ///< a migration that stopped half-way is gone on with, not refused
};

struct MigrationPlan {
  std::filesystem::path folder;
  std::size_t found = 0;                  ///< migrations in the folder
  std::vector<PendingMigration> pending;  ///< in the order they will run
  std::vector<std::string> left;          ///< pending too, but behind --to or --steps
  bool creates_history = false;
  std::vector<std::string> edited;  ///< applied, and the file is another one since
  std::vector<std::string> warnings;
  [[nodiscard]] bool all_atomic() const;  ///< each is one transaction with its history row
};

/// Throws refused (P3019) if migration_lock.toml names another database system; a missing file is accepted.
void check_provider(const MigrationsFolder& folder);

/// Throws refused if the folder's name is not UTF-8: the history could not hold it, and Prisma cannot read it.
void check_name(const Migration& migration);

/// Where the history is if not where the URL says: a sentence for a hint, empty if nowhere else.
[[nodiscard]] std::string history_elsewhere(const History& history);

/// The checks of `prisma migrate deploy`, in its order: P3019, P3005, P3009, then P3015 for what is pending. Throws
/// refused.
[[nodiscard]] MigrationPlan plan_migrations(const MigrationFacts& facts);

/// What was applied and taken back before, unchanged, a line each; empty if nothing was.
[[nodiscard]] std::string taken_back_before(const MigrationPlan& plan);

/// Leaves what `--to` or `--steps` asks for. `to`: the name of a migration, or a part that fits only one. Throws usage
/// if it fits none or several of the folder's; one that was applied already leaves nothing.
struct Stop {
  std::optional<std::string> to;
  std::optional<int> steps;
};
[[nodiscard]] MigrationPlan stop_at(MigrationPlan plan, const Stop& stop, const MigrationsFolder& folder);

/// "N migrations found in DIR", a line for each pending one, as `status` shows them.
[[nodiscard]] std::string describe_status(const MigrationPlan& plan);

}  // namespace belay
