#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "migrate/options.hpp"
#include "migrate/window.hpp"

namespace belay {

namespace {

void add_starting(OptionSet& set, MigrateOptions& o) {
  set.flag("--at-start", o.at_start, "called by a container's entry point: RUN_MIGRATIONS=false means do nothing",
           Where::command_line_only);
  set.duration("--wait-for-lock", o.wait_for_lock,
               "how long another run, or Prisma, is waited for; who then finds nothing pending ends with 0 [2s, 10s]");
  set.flag("--backup-always", o.backup_always, "take the backup even if nothing is pending");
  set.flag("--check-connection", o.check_connection,
           "check: only connect, and say server, version, database, role and rights");
  for (const char* option : {"--at-start", "--backup-always"}) set.only_for(option, {""});
  set.only_for("--wait-for-lock", {"", "deploy"});
  set.only_for("--check-connection", {"check"});
}

void add_conditions(OptionSet& set, MigrateOptions& o) {
  set.text("--window", o.window, "FROM-TO[ZONE]",
           "refuse to run outside these hours (02:00-04:00, 23:00-01:30 Europe/Berlin), or if what was rehearsed would "
           "not end inside them; without a zone this host's time counts");
  set.list("--checklist-done", o.checklist_done, "NAME",
           "this point of belay.toml's [checklist] is done; on a terminal the run asks for the others",
           Where::command_line_only);
  set.section("checklist", o.checklist);
  for (const char* option : {"--window", "--checklist-done"}) set.only_for(option, {"", "check"});
}

void add_safety(OptionSet& set, MigrateOptions& o) {
  set.flag("--read-only", o.read_only,
           "ask others not to write from the backup to the end: the database's default becomes read-only, and their "
           "sessions are ended once");
  set.flag("--no-put-back", o.no_put_back,
           "go on although the database could not be put back; what is committed when it fails stays (status 7)",
           Where::command_line_only);
  set.list("--allow-edited", o.allow_edited, "NAME", "this applied migration's file may differ from what was applied",
           Where::command_line_only);
  set.flag("--fail-on-drift", o.fail_on_drift, "refuse to run if the live schema is not what the migrations make");
  for (const char* option : {"--read-only", "--no-put-back"}) set.only_for(option, {"", "check"});
  for (const char* option : {"--allow-edited", "--fail-on-drift"}) set.only_for(option, {"", "check"});
}

void add_rehearsing(OptionSet& set, MigrateOptions& o) {
  set.text("--rehearse-command", o.rehearse_command, "COMMAND",
           "run this with DATABASE_URL pointing at the rehearsed copy; if it fails, so has the rehearsal");
  set.flag("--keep-copy", o.keep_copy, "rehearse: leave the rehearsed database, and print how to drop it",
           Where::command_line_only);
  set.only_for("--rehearse-command", {"", "rehearse"});
  set.only_for("--keep-copy", {"rehearse"});
}

void add_places(OptionSet& set, MigrateOptions& o) {
  set.text("--copy-to", o.copy_to, "REMOTE",
           "copy the backup to this place of rclone (name:path) before the deploy begins");
  set.flag("--backup-minio", o.backup_minio, "the same, to MINIO_BUCKET at MINIO_ENDPOINT");
  set.flag("--require-offsite", o.require_offsite, "refuse to run without a copy of the backup elsewhere");
  add_retention_options(set, o.retention);
  for (const char* option : {"--copy-to", "--backup-minio", "--require-offsite", "--retention-days", "--keep-daily",
                             "--keep-weekly", "--keep-monthly", "--retention"})
    set.only_for(option, {"", "check"});
}

}  // namespace

std::chrono::milliseconds lock_patience(const MigrateOptions& options, std::chrono::milliseconds usual) {
  return options.wait_for_lock ? parse_duration(*options.wait_for_lock).value() : usual;
}

void add_guard_options(OptionSet& set, MigrateOptions& options) {
  add_starting(set, options);
  add_conditions(set, options);
  add_safety(set, options);
  add_rehearsing(set, options);
  add_places(set, options);
}

void check_guard_options(const MigrateOptions& options) {
  if (options.window && !parse_window(*options.window))
    throw Error{Failure::usage,
                fmt::format("--window \"{}\" is no window", *options.window),
                {},
                "Write 02:00-04:00, or 23:00-01:30 Europe/Berlin."};
  for (const std::string& name : options.checklist_done) {
    if (std::none_of(options.checklist.begin(), options.checklist.end(),
                     [&](const auto& point) { return point.first == name; }))
      throw Error{Failure::usage,
                  fmt::format("--checklist-done {}: belay.toml's [checklist] has no such point", name),
                  {},
                  "--config FILE names the belay.toml; `migrate-production check` lists its points."};
  }
}

}  // namespace belay
