// How the verbs that only look (status, history) reach the database: one session, on the target itself, one read-only
// transaction. No lock and no maintenance database, so a role that may do nothing but read them is enough.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/history.hpp"
#include "common/options.hpp"
#include "common/run_tool.hpp"
#include "common/side_database.hpp"
#include "common/target.hpp"

namespace belay {

struct HistoryReading {
  std::string database;
  std::string schema;  ///< where the history is: the URL's schema=, else public
  History history;
  std::vector<std::string> foreign_tables;  ///< what makes Prisma refuse with P3005 where there is no history
};

/// The migrations folder where a verb could do without it, and only the .env beside it matters: none if there is none,
/// or more than one.
[[nodiscard]] std::optional<std::filesystem::path> folder_if_found(const CommonOptions& options);

/// A session on the target itself. A database that is not there is refused, as by the other verbs: trying again later
/// would not help. Throws connection.
[[nodiscard]] Connection connect_to_read(const DatabaseTarget& target, const Tool& tool);

/// For verbs that look beside a run: a deploy that has begun and has not ended is said, and that `recover` comes before
/// anything that is done by hand.
void warn_of_unfinished(const std::vector<SideDatabase>& sides, Output& out);

/// `folder`: the .env beside it counts too, if it is known. Says in the first line which database was asked, and as
/// whom. Throws usage, connection, or refused if the history cannot be read.
[[nodiscard]] HistoryReading read_history_only(Tool& tool, const CommonOptions& options,
                                               const std::optional<std::filesystem::path>& folder);

}  // namespace belay
