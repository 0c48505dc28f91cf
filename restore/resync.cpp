// What is true if the process dies: the restore is done; each migration is marked or not, and running Prisma's or
// belay's resolve settles the rest.
#include "restore/resync.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/history.hpp"

namespace belay {

namespace {

void add_lines(Result& result, const std::string& what, const std::vector<std::string>& names) {
  for (const std::string& name : names) result.text += fmt::format("{} {}\n", what, name);
}

/// Returns those that were marked.
std::vector<std::string> settle(Connection& db, const std::string& schema, const std::vector<std::string>& failed,
                                const CommonOptions& options, Tool& tool) {
  std::vector<std::string> done;
  for (const std::string& name : failed) {
    tool.out.note(fmt::format(
        "Migration {} is recorded as failed: the next deploy would stop at it (P3009) until it is marked.", name));
    if (!options.force && tool.prompt.ask("Mark it as rolled back, so that the next deploy applies it again? (yes/no)",
                                          "yes") != Answer::yes)
      continue;
    Transaction transaction{db};
    (void)mark_failed_rolled_back(db, schema, name);
    transaction.commit();
    done.push_back(name);
  }
  return done;
}

}  // namespace

HistoryState judge_history(const std::vector<JoinedMigration>& migrations) {
  HistoryState state;
  for (const JoinedMigration& migration : migrations) {
    if (migration.edited) state.edited.push_back(migration.name);
    if (migration.state == MigrationState::failed) state.failed.push_back(migration.name);
    if (migration.state == MigrationState::missing_locally) state.missing_locally.push_back(migration.name);
    if (migration.pending_for_deploy()) state.pending.push_back(migration.name);
  }
  return state;
}

void require_folder(const CommonOptions& options) { (void)read_migrations(migrations_folder(options)); }

namespace {

void compare_history(RunContext& context, const CommonOptions& options, Tool& tool, Result& result) {
  const MigrationsFolder folder = read_migrations(migrations_folder(options));
  Connection db{context.target.url, context.database(), tool.session()};
  take_prisma_lock(db, prisma_lock_patience);
  HistoryState state = judge_history(join_history(folder, read_history(db, context.history_schema)));
  const std::vector<std::string> settled = settle(db, context.history_schema, state.failed, options, tool);
  if (!settled.empty()) state = judge_history(join_history(folder, read_history(db, context.history_schema)));
  add_lines(result, "Marked as rolled back:", settled);
  add_lines(result, "Still recorded as failed (migrate-production resolve --rolled-back NAME):", state.failed);
  add_lines(result, "Applied, but not in the folder:", state.missing_locally);
  add_lines(result, "Applied, but edited in the folder since:", state.edited);
  result.text += state.pending.empty() ? "The next deploy has nothing to apply.\n"
                                       : fmt::format("The next deploy applies {} migration{}:\n", state.pending.size(),
                                                     state.pending.size() == 1 ? "" : "s");
  add_lines(result, " ", state.pending);
  result.json["history"] = {{"settled", settled},
                            {"failed", state.failed},
                            {"pending", state.pending},
                            {"missing_locally", state.missing_locally},
                            {"edited", state.edited}};
}

}  // namespace

void resync_history(RunContext& context, const CommonOptions& options, Tool& tool, Result& result) {
  try {
    compare_history(context, options, tool, result);
  } catch (const Error& error) {
    tool.out.warn(fmt::format("the history was not looked at: {}: {}", error.message, error.detail));
  }
}

}  // namespace belay
