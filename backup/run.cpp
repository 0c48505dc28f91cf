#include "backup/run.hpp"

#include "backup/catalogue.hpp"
#include "backup/facts.hpp"
#include "backup/inspect.hpp"
#include "backup/take.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds lock_patience{2};

CompressionSettings compression_of(const BackupOptions& options) {
  const std::string word = options.compress.value_or(options.format == "plain" ? "none" : "zstd");
  CompressionSettings settings;
  if (word == "none") settings.compression = Compression::none;
  if (word == "gzip") settings = {.compression = Compression::gzip, .level = 6};
  if (options.compression_level) settings.level = *options.compression_level;
  return settings;
}

BackupWishes wishes_of(const BackupOptions& options, const Tool& tool, const RunContext& context) {
  BackupWishes wishes{
      .folder = options.output_path.value_or("./backups"), .history_schema = context.history_schema, .run = tool.run};
  if (options.format == "plain") wishes.format = ArchiveFormat::plain;
  wishes.compression = compression_of(options);
  if (options.schema_only) wishes.scope = Scope::schema;
  wishes.with_globals = options.with_globals;
  if (options.common.lock_timeout) wishes.lock_timeout = *options.common.lock_timeout;
  if (options.verify) wishes.level = level_named(*options.verify);
  return wishes;
}

}  // namespace

int run_backup(const BackupOptions& options, Tool& tool) {
  if (options.verb == "list") return list_backups_command(options, tool);
  if (options.verb == "show") return show_backup(options, tool);
  if (options.verb == "verify") return verify_backup(options, tool);
  RunContext context = open_run(tool, options.common, std::nullopt);
  const BackupWishes wishes = wishes_of(options, tool, context);
  if (options.common.dry_run) {
    tool.out.result(show_plan(plan_backup(wishes, read_backup_facts(tool, context, options.common, wishes.folder))));
    return 0;
  }
  lock_run(context, tool, lock_patience);
  check_leftovers(context, tool.out, Leftovers::warn);
  for (const std::string& name : sweep_leftovers(tool.files, wishes.folder))
    tool.out.note("Removed what an interrupted backup had left: " + name);
  // Under the lock: the archive's name depends on what is in the folder.
  const BackupPlan plan = plan_backup(wishes, read_backup_facts(tool, context, options.common, wishes.folder));
  tool.out.result(show_report(take_backup(plan, tool)));
  return 0;
}

}  // namespace belay
