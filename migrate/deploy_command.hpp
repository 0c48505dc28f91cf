// The pending migrations deployed by somebody else's command, `npx prisma migrate deploy` as a rule. What it did is not
// asked of it: the history says which migrations were applied, and the files must be the ones that were planned for.
//
// What is true if the process dies: the shell dies with it, a watcher beside it ends the rest of its group within
// seconds, and the command's sessions bear a name by which `recover` ends them before it looks. It may have committed
// anything, so the record of such a run says that something may have been.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/fingerprint.hpp"
#include "migrate/deploy.hpp"
#include "migrate/run_record.hpp"

namespace belay {

/// Throws refused, with the reason, for a command that is meant for development (see development_command).
void require_deploying_command(const std::string& command);

/// What the command left.
struct AfterCommand {
  std::optional<Error> failure;  ///< the command's own: its status, or that it was stopped
  History history;
  MigrationsFolder folder;  ///< as it is now
};
/// Good only if the command ended well, every pending migration has a new row that says applied, with the checksum that
/// was planned for, no other row came or went, and the files are what they were. Pure. `committed_something` is true if
/// the history says so; whether it is in truth, when the history says nothing, the caller has to find out.
[[nodiscard]] DeployReport judge_command(const MigrationPlan& plan, const History& before, const AfterCommand& after);

struct CommandDeploy {
  RunContext& context;
  const MigrationPlan& plan;
  const History& before;
  std::string command;
  std::string server_options;                             ///< for the URLs of the child: see command_setting
  const std::optional<SchemaFingerprint>& schema_before;  ///< none = not known
  const std::optional<Manifest>& backup;                  ///< the run's; none with --skip-backup
};

/// Lets Prisma's lock go for the time of the command, which takes it itself, and takes it again; ends what sessions the
/// command left. `books` is on the target, idle, and holds that lock. Never throws for what the command did, nor for an
/// interruption: that is in the report.
[[nodiscard]] DeployReport deploy_by_command(const CommandDeploy& deploy, Connection& books, Tool& tool);

}  // namespace belay
