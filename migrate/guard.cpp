#include "migrate/guard.hpp"

#include <fmt/format.h>

#include "backup/catalogue.hpp"
#include "backup/facts.hpp"
#include "backup/take.hpp"
#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/history_rights.hpp"
#include "common/interrupt.hpp"
#include "common/sql_text.hpp"
#include "migrate/check.hpp"
#include "migrate/deploy.hpp"
#include "migrate/guard_rehearsal.hpp"
#include "migrate/guard_report.hpp"
#include "migrate/put_back.hpp"
#include "migrate/writes.hpp"
#include "restore/run.hpp"
#include "restore/writes.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds run_lock_patience{2};
constexpr std::chrono::seconds prisma_lock_patience{10};
constexpr std::chrono::seconds server_patience{60};  // it may have gone and come back
constexpr std::chrono::seconds tidy_patience{5};

/// One guarded run. The methods are its steps, in the order of run().
class Guard {
 public:
  Guard(const MigrateOptions& options, Tool& tool)
      : options_(options),
        tool_(tool),
        folder_(migrations_folder(options.common)),
        context_(open_run(tool, options.common, folder_)) {}

  int run() {
    const std::filesystem::path catalogue =
        std::filesystem::absolute(options_.backup_path.value_or("./backups/pre-migration")).lexically_normal();
    check_ci_catalogue(options_.common, catalogue);
    if (!options_.common.dry_run) lock();
    read_plan();
    rope_.record.catalogue = catalogue.string();
    if (plan_.pending.empty()) return nothing_pending();
    require_possible();
    if (options_.common.dry_run) return dry_run();
    ask();
    Journal journal{tool_.files, tool_.clock, catalogue, tool_.run};
    prepare(journal, catalogue);
    back_up(journal, catalogue);
    show_status();
    rehearse_pending(journal);
    deploy_pending(journal);
    if (!deployed_.failure) verify();
    if (deployed_.failure) return put_back(journal);
    return finish(journal);
  }

 private:
  void lock();
  void read_plan();
  int nothing_pending();
  void require_not_again() const;
  void require_possible();
  int dry_run();
  void ask();
  void prepare(Journal& journal, const std::filesystem::path& catalogue);
  void back_up(Journal& journal, const std::filesystem::path& catalogue);
  void rehearse_pending(Journal& journal);
  void count_others_writes();
  void show_status();
  void deploy_pending(Journal& journal);
  void verify();
  int put_back(Journal& journal);
  int finish(Journal& journal);
  void set_step(const std::string& step);
  void abandon(const std::exception_ptr& why);
  void drop_side();
  PutBackReport settle(Journal& journal);
  [[nodiscard]] bool committed_nothing();
  [[nodiscard]] Connection& books() { return *books_; }

  const MigrateOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_;
  RunContext context_;
  std::optional<Connection> books_;  ///< on the target: Prisma's lock, and the history
  History history_;
  MigrationPlan plan_;
  std::int64_t sessions_before_backup_ = -1;
  bool marked_ = false;  ///< the side database with this run's marker exists
  Rope rope_;
  std::optional<BackupReport> backup_;
  DeployReport deployed_;
  RehearsalChoice choice_;
  std::optional<Rehearsal> rehearsal_;
};

/// Died here: the locks are gone with the sessions, nothing else exists.
void Guard::lock() {
  lock_run(context_, tool_, run_lock_patience);
  check_leftovers(context_, tool_.out, Leftovers::refuse);
  if (!options_.skip_backup) check_kept(context_, options_.common.keep.value_or(1));
}

void Guard::read_plan() {
  if (!context_.server.database) {
    throw Error{Failure::refused,
                fmt::format("there is no database \"{}\" on this server (P1003)", context_.database()),
                {},
                "Create it, or correct its name in the URL."};
  }
  books_.emplace(context_.target.url, context_.database(), tool_.session());
  if (!options_.common.dry_run) take_prisma_lock(books(), prisma_lock_patience);
  const std::string& schema = context_.history_schema;
  check_history_rights(books(), schema, options_.common.dry_run ? HistoryAccess::read : HistoryAccess::write);
  history_ = read_history(books(), schema);
  const MigrationFacts facts{read_migrations(folder_), history_, foreign_tables_before_history(books(), schema)};
  plan_ = stop_at(plan_migrations(facts), {options_.to, options_.steps}, facts.folder);
  rope_.record = make_record(plan_, history_, schema);
  rope_.record.creates_schema = !books().maybe("SELECT 1 FROM pg_namespace WHERE nspname = $1", {schema});
  rope_.side = side_name(context_.database(), SideKind::restore, tool_.run);
  for (const std::string& warning : plan_.warnings) tool_.out.warn(warning);
}

int Guard::nothing_pending() {
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
  require_not_again();
  choice_ = choose_rehearsal(options_, context_, plan_);
  if (!options_.skip_backup) require_put_back_possible(context_, tool_.session());
}

int Guard::dry_run() {
  tool_.out.result(show_dry_run(plan_, context_, rope_.record.catalogue, options_, choice_));
  return 0;
}

void Guard::ask() {
  require_answerable(options_.common);
  tool_.out.note(describe_run(plan_, context_, rope_.record.catalogue, options_, choice_));
  if (options_.common.force) return;
  if (tool_.prompt.ask("Run these migrations? (yes/no)", "yes") != Answer::yes)
    throw Error{Failure::cancelled, "cancelled; nothing was changed"};
}

void Guard::set_step(const std::string& step) {
  rope_.marker.step = step;
  if (marked_) mark(context_.maintenance, rope_.side, rope_.marker);
}

/// The empty side database: proof that one can be made and dressed, the marker of this run, and where a put-back will
/// go. Died here: an empty side database, marked "prepared" or with no marker yet. The target was not touched.
void Guard::prepare(Journal& journal, const std::filesystem::path& catalogue) {
  journal.record("prepared", {{"database", context_.database()},
                              {"source", context_.target.source},
                              {"side", rope_.side},
                              {"pending", plan_.pending.size()}});
  rope_.marker = {.run = tool_.run,
                  .tool = tool_.name,
                  .step = "prepared",
                  .host = this_host(),
                  .target = context_.database(),
                  .target_comment = context_.server.database->comment,
                  .details = {{"catalogue", catalogue.string()}}};
  marked_ = context_.server.can_create_databases;
  if (!marked_) {  // only with --skip-backup: require_put_back_possible() refuses otherwise
    tool_.out.warn(
        "this role may not create databases, so the run leaves no marker: if it dies, `recover` cannot know of it");
    return;
  }
  try {
    create_side_database(context_.maintenance, rope_.side, *context_.server.database, rope_.marker);
    if (!options_.skip_backup) require_properties_settable(context_.maintenance, rope_.side, *context_.server.database);
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
}

/// Nothing was done to the target: the side database goes, and the error goes on.
void Guard::abandon(const std::exception_ptr& why) {
  drop_side();
  std::rethrow_exception(why);
}

/// What the run had to say is true whether the empty side database can be dropped or not.
void Guard::drop_side() {
  const InterruptShield shield;
  books_.reset();
  try {
    regain_hold(context_, options_, tool_, tidy_patience);
    drop_side_database(context_.maintenance, rope_.side);
  } catch (const std::exception& error) {
    tool_.out.warn(
        fmt::format("could not drop \"{}\" ({}); `migrate-production recover` will", rope_.side, error.what()));
  }
}

/// Died here: as in prepare(); perhaps .partial files in the catalogue, or a whole backup.
void Guard::back_up(Journal& journal, const std::filesystem::path& catalogue) {
  tool_.out.heading("Step 1: Creating Pre-Migration Backup");
  if (options_.skip_backup) {
    tool_.out.warn("Skipped by --skip-backup: what a failing migration commits cannot be put back.");
  }
  try {
    if (options_.skip_backup) {
      rope_.schema_before = read_schema_fingerprint(books(), rope_.record.schema);
      return;
    }
    make_private_directories(catalogue);
    for (const std::string& name : sweep_leftovers(tool_.files, catalogue))
      tool_.out.note("Removed what an interrupted backup had left: " + name);
    sessions_before_backup_ = count_sessions(context_.maintenance, context_.database());
    backup_ = take_backup(plan_guard_backup(tool_, context_, options_.common, {catalogue, "pre-migration"}), tool_);
    rope_.record.archive = backup_->archive.string();
    rope_.manifest = backup_->manifest;
    rope_.schema_before = backup_->schema;
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
  tool_.out.note(fmt::format("{} of {} migrations pending; Prisma's lock is held, so nobody else deploys meanwhile",
                             plan_.pending.size(), plan_.found));
}

/// Died here: a copy marked "trying", and the run's side database, empty or filled: none of them says that a deploy was
/// begun, so they are removed. The target was not touched.
void Guard::rehearse_pending(Journal& journal) {
  if (!choice_.rehearse && !choice_.spare) return;
  try {
    const RestoreSource source = open_backup(backup_->archive);
    if (choice_.rehearse) {
      rehearsal_ = rehearse_on_backup({.context = context_,
                                       .source = source,
                                       .plan = plan_,
                                       .settings = deploy_settings(context_, options_, tool_),
                                       .pg_bin = options_.common.pg_bin},
                                      options_, tool_);
      journal.record("rehearsed", describe_rehearsal(*rehearsal_).json);
      fault_point("guard: rehearsed");
    }
    if (choice_.spare) build_spare(context_, rope_, options_, tool_, journal);
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
}

/// Counting reads whole tables, so it is done only where it can find something: in all of them if somebody else was at
/// work since the snapshot.
void Guard::count_others_writes() {
  if (!rope_.manifest) return;
  constexpr std::int64_t of_the_backup = 3;  // two sessions of the snapshot, and pg_dump's
  const Strangers strangers = find_strangers(context_.maintenance, context_.database(), rope_.manifest->snapshot.time,
                                             sessions_before_backup_, of_the_backup);
  for (const std::string& line :
       count_writes_since(books(), *rope_.manifest, strangers.any() ? Tables::all : Tables::moved))
    rope_.record.others_wrote.push_back("between backup and deploy, by others: " + line);
}

/// The marker says "deploying", with everything recover needs, before the first statement. Died here: the history says
/// which migrations are whole.
void Guard::deploy_pending(Journal& journal) {
  tool_.out.heading("Step 3: Running Database Migration");
  std::optional<Connection> db;
  try {
    count_others_writes();
    for (const std::string& line : rope_.record.others_wrote) {
      tool_.out.warn("putting back would lose what others wrote since the backup; " + line);
    }
    SessionSettings session = tool_.session();
    session.keep_timeouts = true;
    db.emplace(context_.target.url, context_.database(), session);
    db->check_alive();  // so that the statistics know of this session before sessions are counted
    rope_.record.invalid_before = invalid_indexes(books());
    rope_.record.deploy_began = context_.maintenance.value("SELECT clock_timestamp()");
    rope_.record.sessions_then = count_sessions(context_.maintenance, context_.database());
    rope_.marker.details = to_json(rope_.record);
    set_step("deploying");
    journal.record("deploying");
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
  journal.go_on_without();  // from here on the run ends in order, whatever the disk says
  try {
    if (plan_.creates_history) create_history_table(books(), rope_.record.schema);
    deployed_ = deploy(plan_, deploy_settings(context_, options_, tool_), *db, books(), tool_, &journal);
  } catch (const Error& error) {
    deployed_.failure = error;
  }
}

void Guard::verify() {
  tool_.out.heading("Step 4: Verifying Migration Success");
  fault_point("guard: deployed");
  try {
    std::vector<std::string> findings = verify_deployed(books(), rope_.record);
    if (rehearsal_) {
      for (std::string& line : differs_from_rehearsed(books(), *rehearsal_, rope_.record.schema))
        findings.push_back(std::move(line));
    }
    if (!findings.empty()) {
      std::string text;
      for (const std::string& finding : findings) text += finding + "\n";
      deployed_.failure =
          Error{Failure::failed, "the migrations ran, but the database did not pass verification", text};
      return;
    }
    tool_.out.note("Migration verification successful!");
  } catch (const Error& error) {
    deployed_.failure = error;
  }
}

/// Belay's own commit results say it, unless a connection broke at the wrong moment; then the history does.
bool Guard::committed_nothing() {
  if (!deployed_.in_doubt) return !deployed_.committed_something;
  Connection db{context_.target.url, context_.database(), tool_.session()};
  return !find_traces(rope_.record, read_history(db, rope_.record.schema)).maybe_committed;
}

/// A session that breaks while nothing has to be restored is no reason to give up: asked again, once.
PutBackReport Guard::settle(Journal& journal) {
  for (const bool last : {false, true}) {
    try {
      regain_hold(context_, options_, tool_, server_patience);
      if (committed_nothing()) return settle_uncommitted(context_, rope_, tool_, journal);
      break;
    } catch (const Error& error) {
      if (last || error.kind == Failure::unresolved) throw;
    }
  }
  return restore_before(context_, rope_, options_, tool_, journal);
}

/// Died here: recover finds "deploying", "restoring" or "verified" and does the same.
int Guard::put_back(Journal& journal) {
  const bool was_interrupted = interrupt_pending();
  const InterruptShield shield;
  tool_.out.error(*deployed_.failure);
  tool_.out.heading("Migration Failed");
  journal.record("failed", {{"migration", deployed_.failed_migration}, {"message", deployed_.failure->message}});
  tool_.out.heading("Attempting Automatic Rollback");
  books_.reset();  // nobody of this run may be connected when names are swapped
  PutBackReport report;
  try {
    report = settle(journal);
  } catch (const Error& error) {
    if (error.kind == Failure::unresolved) throw;
    throw Error{Failure::unresolved, "the run could not be brought to its end: " + error.message, error.detail,
                "Type `migrate-production recover`: it says which state the database is in, and finishes this run."};
  }
  tool_.out.result(show_put_back(context_, rope_, deployed_, report));
  return static_cast<int>(was_interrupted ? Failure::interrupted : Failure::failed);
}

/// Died before the drop: recover finds every migration applied, verifies again, and drops it.
int Guard::finish(Journal& journal) {
  const InterruptShield shield;
  journal.record("done");
  if (marked_) drop_side();
  tool_.out.heading("Migration Process Completed Successfully");
  tool_.out.result(show_done(context_, rope_, plan_, deployed_, rehearsal_));
  return 0;
}

}  // namespace

int run_guarded(const MigrateOptions& options, Tool& tool) {
  tool.out.heading("Production Migration Script");
  return Guard{options, tool}.run();
}

}  // namespace belay
