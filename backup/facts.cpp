#include "backup/facts.hpp"

#include "backup/catalogue.hpp"

namespace belay {

BackupFacts read_backup_facts(Tool& tool, const RunContext& context, const CommonOptions& options,
                              const BackupWishes& wishes) {
  const auto find = [&](const char* name) {
    return find_pg_tool(tool.processes, name, context.server.major(), options.pg_bin);
  };
  BackupFacts facts{.url = context.target.url,
                    .source = context.target.source,
                    .server = context.server,
                    .pg_dump = find("pg_dump"),
                    .pg_restore = find("pg_restore"),
                    .maintenance = context.maintenance.database(),
                    .now = tool.clock.now(),
                    .names_in_folder = names_in(wishes.folder),
                    .free_bytes = free_space(wishes.folder)};
  if (wishes.with_globals) facts.pg_dumpall = find("pg_dumpall");
  if (context.server.database) {
    Connection inside{context.target.url, context.database(), tool.session()};
    facts.preflight = read_preflight(inside);
  }
  return facts;
}

BackupPlan plan_guard_backup(Tool& tool, const RunContext& context, const CommonOptions& options,
                             const GuardBackup& wanted) {
  BackupWishes wishes{.folder = wanted.folder,
                      .purpose = wanted.purpose,
                      .history_schema = context.history_schema,
                      .level = Level::archive,
                      .run = tool.run};
  if (options.lock_timeout) wishes.lock_timeout = *options.lock_timeout;
  return plan_backup(wishes, read_backup_facts(tool, context, options, wishes));
}

}  // namespace belay
