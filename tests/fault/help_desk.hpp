// The database of the kill sweeps, and the migrations that are run on it.
#pragma once
#include <string>
#include <vector>

#include "tests/fault/bench.hpp"

namespace belay::test {

/// Rows, privileges and comments, for the tables of base_migrations().
extern const char* const help_desk_rows_sql;
[[nodiscard]] std::vector<MigrationText> base_migrations();
/// The migrations' own statements, and the history table with a finished row for each.
[[nodiscard]] std::string history_sql(const std::vector<MigrationText>& applied);
/// Its rows as lines; ids and times only of those that history_sql wrote.
extern const char* const history_query;

[[nodiscard]] MigrationText add_language();           ///< good, one transaction
[[nodiscard]] MigrationText drop_note();              ///< good, one transaction
[[nodiscard]] MigrationText drop_photo_then_fail();   ///< one transaction, fails at its end
[[nodiscard]] MigrationText own_commit_then_fail();   ///< commits in the middle, then fails
[[nodiscard]] MigrationText create_then_fail();       ///< the smallest one that fails with nothing committed
[[nodiscard]] MigrationText add_flag();               ///< good, and its reversal loses nothing
[[nodiscard]] MigrationText fail_but_in_rehearsal();  ///< passes where the database's name is a rehearsal's
[[nodiscard]] MigrationText index_concurrently();     ///< good, not one transaction

}  // namespace belay::test
