// `migrate-production history [NAME]`: the rows as they are, and for one migration all that is known of it.
#pragma once
#include <string>

#include "common/history.hpp"
#include "common/output.hpp"
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// A line for each row, oldest first.
[[nodiscard]] Result describe_rows(const History& history);

/// The migration of that name as folder and history see it: none of both is "pending" without a folder.
[[nodiscard]] JoinedMigration find_joined(const MigrationsFolder& folder, const History& history,
                                          const std::string& name);
/// A row says applied, and none says failed; whether the folder is still there does not matter.
[[nodiscard]] bool is_applied(const JoinedMigration& migration);

enum class Sql { left_out, shown };
/// State, rows with their logs, the file's checksum against the recorded one; of a failed one which statements took
/// effect, as `journal` (the history's) has it.
[[nodiscard]] Result describe_migration(const JoinedMigration& migration, Sql sql,
                                        const std::optional<StatementJournal>& journal);

/// Without a name 0; with one 0 if it is applied, 9 if not.
int run_history(const MigrateOptions& options, Tool& tool);

}  // namespace belay
