#include "backup/run.hpp"

#include "backup/adopt.hpp"
#include "backup/diff.hpp"
#include "backup/fetch.hpp"
#include "backup/inspect.hpp"
#include "backup/list.hpp"
#include "backup/offsite.hpp"
#include "backup/prune.hpp"
#include "backup/reverify.hpp"
#include "backup/taking.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

int run_verb(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  const bool elsewhere = options.from || options.backup_minio;
  if (options.verb == "list" && elsewhere) return list_remote(options, tool);
  if (options.verb == "verify" && elsewhere) return verify_remote_backups(options, trial, tool);
  if (options.verb == "copy") return copy_backups(options, tool);
  if (options.verb == "fetch") return fetch_backups(options, tool);
  if (options.verb == "list") return list_backups_command(options, tool);
  if (options.verb == "show") return show_backup(options, tool);
  if (options.verb == "diff") return diff_backups(options, tool);
  if (options.verb == "prune") return prune_backups(options, tool);
  if (options.verb == "verify") return verify_backups(options, trial, tool);
  if (options.verb == "adopt") return adopt_dumps(options, trial, tool);
  return take_and_keep(options, trial, tool);
}

}  // namespace

int run_backup(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  const int status = run_verb(options, trial, tool);
  // Whoever asked has no answer: `list --json >FILE` on a full disk is no success.
  return status == 0 && tool.out.result_lost() ? static_cast<int>(Failure::storage) : status;
}

}  // namespace belay
