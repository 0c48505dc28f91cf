// Folder and table joined: pure.
#include <algorithm>

#include "common/history.hpp"

namespace belay {

namespace {

/// The row that says what was applied: the newest applied one; else the newest that is not rolled back. None if all are
/// rolled back, where the file may well have been corrected since.
const HistoryRow* recorded(const std::vector<HistoryRow>& rows) {
  const HistoryRow* found = nullptr;
  for (const HistoryRow& row : rows) {
    if (row.rolled_back_at) continue;
    if (row.applied() || found == nullptr || !found->applied()) found = &row;
  }
  return found;
}

MigrationState state_of(const JoinedMigration& migration) {
  const auto any = [&](auto has) { return std::any_of(migration.rows.begin(), migration.rows.end(), has); };
  if (!migration.local) return MigrationState::missing_locally;
  if (migration.rows.empty()) return MigrationState::pending;
  if (any([](const HistoryRow& row) { return row.failed(); })) return MigrationState::failed;
  if (any([](const HistoryRow& row) { return row.applied(); })) return MigrationState::applied;
  return MigrationState::rolled_back;
}

void complete(JoinedMigration& migration) {
  migration.state = state_of(migration);
  const HistoryRow* row = recorded(migration.rows);
  if (row == nullptr || !migration.local || !migration.local->script) return;
  migration.edited = !checksum_matches(row->checksum, *migration.local->script);
}

}  // namespace

std::string to_string(MigrationState state) {
  switch (state) {
    case MigrationState::pending:
      return "pending";
    case MigrationState::applied:
      return "applied";
    case MigrationState::failed:
      return "failed";
    case MigrationState::rolled_back:
      return "rolled back";
    case MigrationState::missing_locally:
      return "missing locally";
  }
  return "unknown";
}

bool JoinedMigration::pending_for_deploy() const {
  return local && std::none_of(rows.begin(), rows.end(), [](const HistoryRow& row) { return !row.rolled_back_at; });
}

std::vector<JoinedMigration> join_history(const MigrationsFolder& folder, const History& history) {
  std::vector<JoinedMigration> joined;
  for (const Migration& migration : folder.migrations) {
    joined.push_back({.name = migration.name, .state = {}, .edited = false, .local = migration, .rows = {}});
  }
  for (const HistoryRow& row : history.rows) {
    auto place = std::find_if(joined.begin(), joined.end(),
                              [&](const JoinedMigration& m) { return m.name == row.migration_name; });
    if (place == joined.end()) {
      place = joined.insert(joined.end(),
                            {.name = row.migration_name, .state = {}, .edited = false, .local = {}, .rows = {}});
    }
    place->rows.push_back(row);
  }
  for (JoinedMigration& migration : joined) complete(migration);
  return joined;
}

}  // namespace belay
