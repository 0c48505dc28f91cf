#include "backup/facts.hpp"

#include "backup/catalogue.hpp"

namespace belay {

BackupFacts read_backup_facts(Tool& tool, const RunContext& context, const CommonOptions& options,
                              const std::filesystem::path& folder) {
  return {.url = context.target.url,
          .source = context.target.source,
          .server = context.server,
          .pg_dump = find_pg_tool(tool.processes, "pg_dump", context.server.major(), options.pg_bin),
          .pg_restore = find_pg_tool(tool.processes, "pg_restore", context.server.major(), options.pg_bin),
          .now = tool.clock.now(),
          .names_in_folder = names_in(folder),
          .free_bytes = free_space(folder)};
}

BackupPlan plan_guard_backup(Tool& tool, const RunContext& context, const CommonOptions& options,
                             const GuardBackup& wanted) {
  BackupWishes wishes{.folder = wanted.folder,
                      .purpose = wanted.purpose,
                      .history_schema = context.history_schema,
                      .level = Level::archive,
                      .run = tool.run};
  if (options.lock_timeout) wishes.lock_timeout = *options.lock_timeout;
  return plan_backup(wishes, read_backup_facts(tool, context, options, wanted.folder));
}

}  // namespace belay
