// How far a script that is not one transaction has come: kept on the server, in the comment of `_prisma_migrations`, so
// that whoever deploys next, on any host, goes on after the last finished statement. Prisma does not read that comment,
// and it is there only while such a migration is unfinished.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/migrations.hpp"

namespace belay {

struct StatementJournal {
  std::string row_id;                ///< of the migration's row in the history
  std::string migration;             ///< its name
  std::string checksum;              ///< of the script that was begun: another script cannot be gone on with
  std::size_t statements = 0;        ///< in the script
  std::size_t done = 0;              ///< so many, from the first, are finished and committed
  bool begun = false;                ///< the next one was sent on its own, outside a transaction; its end is not known
  nlohmann::ordered_json before;     ///< what was there before that one (see statement_effect)
  std::vector<std::string> indexes;  ///< built by finished statements: there and valid, or the journal is wrong
  std::optional<std::string> table_comment;  ///< the table's own comment, put back at the end
  /// The script is a reversal of the migration: when the migration's row said that it was finished. While the reversal
  /// is under way that row says failed, so that nobody deploys.
  std::optional<std::string> finished_at = {};
};

/// None for any comment that is not a journal.
[[nodiscard]] std::optional<StatementJournal> parse_journal(const std::string& comment);
[[nodiscard]] std::string to_comment(const StatementJournal& journal);

/// The journal in the comment of the history's table, and the table's own comment, which a journal may hold.
struct JournalOnServer {
  std::optional<StatementJournal> journal;
  std::optional<std::string> table_comment;
  bool writable = false;  ///< this role may set the comment
};
[[nodiscard]] JournalOnServer read_journal(Connection& db, const std::string& schema);
/// One statement, part of the open transaction if there is one.
void write_journal(Connection& db, const std::string& schema, const StatementJournal& journal);
/// Puts the table's own comment back.
void remove_journal(Connection& db, const std::string& schema, const StatementJournal& journal);

/// True if the next deploy may go on where the journal ends: `row_id` is the failed row, and the script is unchanged.
[[nodiscard]] bool can_resume(const StatementJournal& journal, const std::string& row_id, const Migration& migration);

}  // namespace belay
