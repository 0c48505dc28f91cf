#include <fmt/format.h>

#include <algorithm>

#include "backup/catalogue.hpp"
#include "backup/facts.hpp"
#include "common/fault_point.hpp"
#include "common/history.hpp"
#include "common/history_rights.hpp"
#include "common/run_lock.hpp"
#include "migrate/check.hpp"
#include "migrate/guard_report.hpp"
#include "migrate/guard_run.hpp"
#include "migrate/runs_folder.hpp"
#include "migrate/window.hpp"
#include "migrate/writes.hpp"
#include "restore/run.hpp"

namespace belay {

/// Died here: the locks are gone with the sessions, nothing else exists.
void Guard::lock() {
  lock_run(context_, tool_, lock_patience(options_, run_lock_patience));
  check_leftovers(context_, tool_.out, Leftovers::refuse);
}

void Guard::read_plan() {
  if (!context_.server.database) {
    throw Error{Failure::refused,
                fmt::format("there is no database \"{}\" on this server (P1003)", context_.database()),
                {},
                "Create it, or correct its name in the URL."};
  }
  books_.emplace(context_.target.url, context_.database(), tool_.session());
  if (!options_.common.dry_run) take_prisma_lock(books(), lock_patience(options_, prisma_lock_patience));
  const std::string& schema = context_.history_schema;
  check_history_rights(books(), schema, options_.common.dry_run ? HistoryAccess::read : HistoryAccess::write);
  history_ = read_history(books(), schema);
  const MigrationFacts facts{read_migrations(folder_), history_, foreign_tables_before_history(books(), schema)};
  plan_ = stop_at(plan_migrations(facts), {options_.to, options_.steps}, facts.folder);
  rope_.record = make_record(plan_, history_, schema);
  rope_.record.creates_schema = !books().maybe("SELECT 1 FROM pg_namespace WHERE nspname = $1", {schema});
  for (const std::string& warning : plan_.warnings) tool_.out.warn(warning);
}

int Guard::nothing_pending() {
  // A run that died while it wrote its report was over: the next one may find nothing else to do.
  try {
    if (!options_.common.dry_run) (void)sweep_runs(tool_.files, catalogue_);
  } catch (const Error& error) {
    tool_.out.warn(error.message);
  }
  if (options_.backup_always && !options_.common.dry_run && !options_.skip_backup) return back_up_all_the_same();
  tool_.out.result(
      {describe_status(plan_), {{"state", "nothing pending"}, {"found", plan_.found}, {"applied", Json::array()}}});
  return 0;
}

/// Whoever took a migration back had a reason, and a container that starts again knows nothing of it.
void Guard::require_not_again() const {
  const std::string before = taken_back_before(plan_);
  if (before.empty() || options_.again) return;
  throw Error{Failure::refused, "a migration that was taken back would be applied again", before,
              "Nothing was changed. Correct it, or move its folder away; say --again if it is right as it is."};
}

void Guard::require_possible() {
  const bool deploys = options_.verb != "rehearse";
  if (deploys && !options_.skip_backup) check_kept(context_, options_.common.keep.value_or(1));
  if (deploys) require_not_again();
  if (deploys) require_no_brake();
  require_verifiable();
  if (deploys) look_at_copies();
  choice_ = choose_rehearsal(options_, context_, plan_, tool_);
  if (!choice_.rehearse && (options_.max_lock || options_.rehearse_command))
    tool_.out.warn("--max-lock and --rehearse-command are asked of a rehearsal, and there is none.");
  if (deploys && !options_.skip_backup && !options_.no_put_back) require_put_back_possible(context_, tool_.session());
}

RunSketch Guard::sketch() const {
  return {.plan = plan_,
          .context = context_,
          .catalogue = rope_.record.catalogue,
          .options = options_,
          .choice = choice_,
          .checks = checklist_,
          .lint = lint_,
          .last = find_last_rehearsal(catalogue_, context_, plan_)};
}

int Guard::dry_run() {
  tool_.out.result(show_dry_run(sketch()));
  return 0;
}

void Guard::ask() {
  require_answerable(options_.common);
  tool_.out.note(describe_run(sketch()));
  for (const std::string& name : options_.checklist_done) report_.confirmed(name, "--checklist-done");
  if (options_.common.force) return;
  if (options_.verb != "rehearse") ask_people();  // they are about the deploy
  if (tool_.prompt.ask("Run these migrations? (yes/no)", "yes") != Answer::yes)
    throw Error{Failure::cancelled, "cancelled; nothing was changed"};
}

/// Once, for all points of the checklist that nobody has called done yet.
void Guard::ask_people() {
  std::vector<std::string> open;
  std::string text = "Only you can tell:\n";
  for (const auto& [name, point] : options_.checklist) {
    const auto& done = options_.checklist_done;
    if (std::find(done.begin(), done.end(), name) != done.end()) continue;
    open.push_back(name);
    text += fmt::format("  {}: {}\n", name, point);
  }
  if (open.empty()) return;
  if (tool_.prompt.ask(text + "Is all of it done? (yes/no)", "yes") != Answer::yes)
    throw Error{Failure::cancelled, "cancelled: the checklist is not done; nothing was changed"};
  for (const std::string& name : open) report_.confirmed(name, "on the terminal");
}

/// The rehearsal took its time, and so did whoever answered. Died here: as in rehearse_pending().
void Guard::stay_inside_window() {
  if (!options_.window) return;
  try {
    Duration needs{};
    if (rehearsal_) {
      for (const RehearsedMigration& migration : rehearsal_->migrations) needs += migration.took;
    }
    const std::string why =
        outside_window(options_.window, std::chrono::ceil<std::chrono::seconds>(needs), tool_.clock.now(), books());
    if (!why.empty())
      throw Error{Failure::refused,
                  fmt::format("the deploy would not be inside --window {}: {}", *options_.window, why),
                  {},
                  "Nothing was changed. Run again when it is open for long enough."};
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
}

/// What only the rehearsal can tell is shown before the target is touched. Died here: as in rehearse_pending().
void Guard::ask_again() {
  if (options_.common.force || !rehearsal_) return;
  try {
    tool_.out.note(describe_rehearsed(*rehearsal_, choice_));
    if (tool_.prompt.ask(fmt::format("Deploy to \"{}\" now? (yes/no)", context_.database()), "yes") != Answer::yes)
      throw Error{Failure::cancelled, "cancelled after the rehearsal; nothing was changed"};
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
}

/// The empty side database: proof that one can be made and dressed, the marker of this run, and where a put-back will
/// go. Died here: an empty side database, marked "prepared" or with no marker yet. The target was not touched.
void Guard::prepare(Journal& journal) {
  const SideKind kind = choice_.spare ? SideKind::spare : SideKind::restore;
  rope_.side = side_name(context_.database(), kind, tool_.run);
  journal.record("prepared", {{"database", context_.database()},
                              {"source", context_.target.source},
                              {"side", rope_.side},
                              {"pending", plan_.pending.size()}});
  rope_.marker = {.run = tool_.run,
                  .tool = tool_.name,
                  .step = "prepared",
                  .host = this_host(),
                  .target = context_.database(),
                  .kind = kind,
                  .target_comment = context_.server.database->comment,
                  .details = {{"catalogue", catalogue_.string()}}};
  marked_ = context_.server.can_create_databases;
  if (!marked_ && options_.read_only)
    throw Error{Failure::refused,
                "--read-only needs a marker on the server, and this role may not create databases",
                {},
                "Leave it out, or run as a role with CREATEDB. Nothing was changed."};
  if (!marked_) {  // only with --skip-backup: require_put_back_possible() refuses otherwise
    tool_.out.warn(
        "this role may not create databases, so the run leaves no marker: if it dies, `recover` cannot know of it");
    return;
  }
  try {
    create_side_database(context_.maintenance, rope_.side, *context_.server.database, rope_.marker);
    if (!options_.skip_backup) require_properties_settable(context_.maintenance, rope_.side, *context_.server.database);
    ask_not_to_write();
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
}

/// Died here: as in prepare(); perhaps .partial files in the catalogue, or a whole backup.
void Guard::back_up(Journal& journal) {
  tool_.out.heading("Step 1: Creating Pre-Migration Backup");
  if (options_.skip_backup) report_.step_skipped("Backup", "--skip-backup");
  if (!options_.skip_backup) report_.step_begun("Backup");
  if (options_.skip_backup) {
    tool_.out.warn("Skipped by --skip-backup: what a failing migration commits cannot be put back.");
  }
  try {
    if (options_.skip_backup) {
      rope_.schema_before = read_schema_fingerprint(books(), rope_.record.schema);
      return;
    }
    make_private_directories(catalogue_);
    for (const std::string& name : sweep_leftovers(tool_.files, catalogue_))
      tool_.out.note("Removed what an interrupted backup had left: " + name);
    for (const std::string& name : sweep_runs(tool_.files, catalogue_))
      tool_.out.note("Removed what a killed run had left: " + name);
    before_backup_ = look_at_sessions(context_.maintenance, context_.database());
    backup_ = take_backup(plan_guard_backup(tool_, context_, options_.common, {catalogue_, "pre-migration"}), tool_);
    rope_.record.archive = backup_->archive.string();
    rope_.manifest = backup_->manifest;
    rope_.schema_before = backup_->schema;
    report_.backup(*backup_);
    copy_elsewhere();
    journal.record("backed up", {{"archive", backup_->archive.string()}, {"sha256", backup_->manifest.archive.sha256}});
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
  tool_.out.note(fmt::format("Backup {}: {}, {} rows, level {}, {}", backup_->archive.string(),
                             human_size(backup_->manifest.archive.bytes), human_count(backup_->manifest.rows()),
                             to_string(backup_->manifest.level()), human_duration(backup_->duration)));
}

void Guard::show_status() {
  tool_.out.heading("Step 2: Checking Migration Status");
  tool_.out.note(fmt::format(
      "{} of {} migrations pending; Prisma's lock is held, so nobody else deploys meanwhile{}", plan_.pending.size(),
      plan_.found, options_.deploy_command ? "; it is given up for --deploy-command, which takes it itself" : ""));
}

/// Died here: a copy marked "trying", and the run's side database, empty or filled: none of them says that a deploy was
/// begun, so they are removed. The target was not touched.
void Guard::rehearse_pending(Journal& journal) {
  if (!choice_.rehearse) report_.not_rehearsed("--no-rehearse");
  report_.spare(choice_.spare);
  if (!choice_.rehearse && !choice_.spare) return;
  try {
    const RestoreSource source = open_backup(backup_->archive);
    if (choice_.rehearse) {
      tool_.out.heading("Rehearsal on a Restored Copy");
      report_.step_begun("Rehearsal");
      std::optional<RehearsalServer> elsewhere = find_rehearsal_server(options_, context_, tool_);
      rehearsal_ =
          rehearse_on_backup({.url = elsewhere ? elsewhere->target.url : context_.target.url,
                              .maintenance = elsewhere ? elsewhere->sessions.maintenance : context_.maintenance,
                              .target = context_.database(),
                              .source = source,
                              .plan = [this](Connection&) -> const MigrationPlan& { return plan_; },
                              .settings = deploy_settings(context_, options_, tool_),
                              .pg_bin = options_.common.pg_bin,
                              .checks = &checks_,
                              .command_target = elsewhere ? &elsewhere->target : &context_.target},
                             options_, tool_);
      report_.rehearsed(*rehearsal_);
      require_passed(*rehearsal_, options_);
      for (const RehearsedMigration& migration : rehearsal_->migrations) {
        if (migration.proven) rope_.record.reversals.push_back(*migration.proven);
      }
      journal.record("rehearsed", describe_rehearsal(*rehearsal_).json);
      fault_point("guard: rehearsed");
    }
    if (choice_.spare) tool_.out.heading("Spare Copy");
    if (choice_.spare) report_.step_begun("Spare");
    if (choice_.spare) build_spare(context_, rope_, options_, tool_, journal);
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
}

}  // namespace belay
