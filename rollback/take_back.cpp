#include "rollback/take_back.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/catalogue.hpp"
#include "backup/report.hpp"
#include "common/fault_point.hpp"
#include "common/history.hpp"
#include "common/sql_text.hpp"
#include "restore/run.hpp"
#include "rollback/chain.hpp"
#include "rollback/folders.hpp"
#include "rollback/live.hpp"
#include "rollback/replay_request.hpp"
#include "rollback/undo_steps.hpp"
#include "rollback/without.hpp"
#include "rollback/written.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

class TakeBack {
 public:
  TakeBack(const TakeBackRequest& request, Tool& tool)
      : request_(request),
        options_(request.options),
        context_(request.context),
        tool_(tool),
        db_(context_.target.url, context_.database(), tool.session()) {
    for (const RollbackPlan& plan : request.plans) chain_.steps.emplace_back(plan);
  }

  int run() {
    require_folder_fate(options_);
    find_written_ones();
    live_ = read_live_state(db_, read_migrations(request_.folder), context_.history_schema,
                            options_.common.lock_timeout.value_or("10s"));
    find_begun();
    check_files();
    side_.emplace(side_replay(options_, context_, live_, tool_));
    if (options_.with_dependents) add_dependents();
    prove();
    const std::optional<Error> refused = refusal(chain_, options_.accept_drift);
    if (!refused && !options_.write_down) try_data();
    const Result shown = describe(chain_, options_.accept_drift);
    tool_.out.note(shown.text);
    if (options_.write_down) return write_all_down(shown);
    if (refused) throw Error{*refused};
    refuse_further();
    if (options_.common.dry_run) {
      tool_.out.result(show_planned(chain_, shown));
      return 0;
    }
    choose_fates();
    ask();
    request_.hooks.around([&] { act(shown); });
    return 0;
  }

 private:
  void find_written_ones();
  void find_begun();
  void check_files() const;
  void add_dependents();
  void prove();
  [[nodiscard]] ProofRequest proof_of(const ReversalStep& step, const std::vector<Migration>& applied) const;
  void look_for_lost_data(ReversalStep& step);
  void try_data();
  void refuse_further() const;
  [[nodiscard]] std::optional<fs::path> backup_for_trial();
  [[nodiscard]] bool has_gone() const;
  int write_all_down(const Result& shown);
  void choose_fates();
  void ask();
  void act(const Result& shown);
  std::optional<fs::path> back_up();
  /// For people: the name, or how many there are.
  [[nodiscard]] std::string what() const;

  const TakeBackRequest& request_;
  const RollbackOptions& options_;
  RunContext& context_;
  Tool& tool_;
  Connection db_;
  ReversalChain chain_;
  LiveState live_;
  std::optional<SideReplay> side_;
  std::optional<ReversalProof> last_;  ///< the proof of the last step: what all of them lead to
  std::optional<fs::path> backup_;     ///< the run's own
  std::optional<StatementJournal> begun_;
  std::optional<MigrationFolders> folders_;
};

std::string TakeBack::what() const {
  return chain_.steps.size() == 1 ? "migration " + chain_.steps.front().name()
                                  : fmt::format("{} migrations", chain_.steps.size());
}

void TakeBack::find_written_ones() {
  for (ReversalStep& step : chain_.steps) {
    if (options_.write_down) continue;
    step.written = find_written(step.plan.migration, options_.down);
  }
}

/// A reversal with CONCURRENTLY that an earlier run did not end: it is gone on with. The migration counts as applied,
/// for that is what the reversal starts from.
void TakeBack::find_begun() {
  const bool in_steps = std::any_of(chain_.steps.begin(), chain_.steps.end(),
                                    [](const ReversalStep& step) { return step.written && step.written->in_steps; });
  if (in_steps && (chain_.steps.size() > 1 || options_.with_dependents)) {
    throw Error{Failure::refused,
                "a reversal that is not one transaction cannot be run together with others",
                {},
                "Take that migration back alone, or leave CONCURRENTLY out of its down.sql. Nothing was changed."};
  }
  if (!live_.journal || !live_.journal->finished_at) return;
  ReversalStep& step = chain_.steps.front();
  const StatementJournal& journal = *live_.journal;
  const bool same = chain_.steps.size() == 1 && step.name() == journal.migration && step.written &&
                    reversal_checksum(step.written->sql) == journal.checksum;
  if (!same) {
    throw Error{Failure::refused,
                fmt::format("a reversal of migration \"{}\" was begun and has to be ended first", journal.migration),
                fmt::format("{} of its {} statements are done. It is gone on with where the same down.sql is given.",
                            journal.done, journal.statements),
                fmt::format("rollback-migration --migration-name {}", journal.migration)};
  }
  begun_ = journal;
  step.plan.migration.state = MigrationState::applied;
  for (JoinedMigration& migration : live_.migrations) {
    if (migration.name == step.name()) migration.state = MigrationState::applied;
  }
  tool_.out.note(
      fmt::format("Going on with its reversal: {} of {} statements are done.", journal.done, journal.statements));
}

void TakeBack::check_files() const {
  for (const JoinedMigration& migration : live_.migrations) {
    const bool counts = std::any_of(migration.rows.begin(), migration.rows.end(),
                                    [](const HistoryRow& row) { return !row.rolled_back_at; });
    if (migration.state == MigrationState::missing_locally && counts)
      tool_.out.warn(fmt::format("{} is applied, and there is no file of it: compared without it", migration.name));
    if (migration.edited) tool_.out.warn(fmt::format("{} was edited after it was applied", migration.name));
  }
  if (options_.side_server) return;
  std::vector<Migration> scripts = applied_migrations(live_.migrations);
  for (const ReversalStep& step : chain_.steps) {
    if (!step.written) continue;
    const std::string source = step.source();
    scripts.push_back({.name = source, .file = source, .script = step.written->sql, .checksum = {}});
  }
  refuse_outside_effects(scripts);
}

/// The later migrations that the named one's absence would break go back before it.
void TakeBack::add_dependents() {
  const std::vector<Migration> applied = applied_migrations(live_.migrations);
  const auto place = std::find_if(applied.begin(), applied.end(),
                                  [&](const Migration& m) { return m.name == chain_.steps.front().name(); });
  if (place == applied.end()) return;  // it failed: nothing can need it
  ReplayRequest replay = side_->request;
  if (side_->sessions) replay.maintenance = &side_->sessions->maintenance;
  const HistoryWithout without =
      replay_without({replay, applied, static_cast<std::size_t>(place - applied.begin())}, tool_);
  for (const std::string& name : without.dependents) {
    RollbackPlan plan = plan_rollback(name, live_.migrations);
    tool_.out.note(describe_migration(plan));
    chain_.steps.insert(chain_.steps.begin(), ReversalStep{std::move(plan)});
  }
  for (std::size_t i = 0; i < without.dependents.size(); ++i) {
    if (!options_.write_down) chain_.steps[i].written = find_written(chain_.steps[i].plan.migration, std::nullopt);
  }
}

ProofRequest TakeBack::proof_of(const ReversalStep& step, const std::vector<Migration>& applied) const {
  ProofRequest request{.replay = side_->request,
                       .applied = applied,
                       .name = step.name(),
                       .down = {},
                       .live = last_ ? last_->without() : live_.schema,
                       .objects_owner = live_.objects_owner};
  if (step.written) request.down = step.written->sql;
  const JoinedMigration& migration = step.plan.migration;
  request.gone = migration.state == MigrationState::missing_locally || !migration.local->script;
  if (migration.state == MigrationState::failed && !request.gone) request.failed = migration.local->script;
  return request;
}

/// Each from what the one before leads to. Ends early where later migrations need one of them.
void TakeBack::prove() {
  std::vector<Migration> applied = applied_migrations(live_.migrations);
  for (ReversalStep& step : chain_.steps) {
    ProofRequest request = proof_of(step, applied);
    if (side_->sessions) request.replay.maintenance = &side_->sessions->maintenance;
    if (last_) last_->finish();
    last_.emplace(std::move(request), tool_);
    step.proof = last_->result();
    if (begun_) step.proof->drift.clear();  // the live schema is on its way
    step.measured = step.proof->measured;
    step.counts = count_rows(db_, step.proof->statements);
    look_for_lost_data(step);
    if (!step.proof->dependents.empty()) throw refusal(judged(step, options_.accept_drift)).value();
    std::erase_if(applied, [&](const Migration& migration) { return migration.name == step.name(); });
  }
  chain_.already = last_->is_already(live_.schema);
}

/// Only for a reversal that may be run. `last_` is its proof.
void TakeBack::look_for_lost_data(ReversalStep& step) {
  const ProofResult& proof = *step.proof;
  if (options_.write_down || begun_ || proof.of_gone || !proof.proven() || proof.already_back) return;
  if (!proof.drift.empty() && !options_.accept_drift) return;
  step.lost = std::make_unique<LostData>(LostDataRequest{.options = options_,
                                                         .context = context_,
                                                         .db = db_,
                                                         .migration = step.name(),
                                                         .place = static_cast<std::size_t>(&step - chain_.steps.data()),
                                                         .states = last_->states(),
                                                         .statements = proof.statements,
                                                         .script = proof.script},
                                         tool_);
  step.lost->correct(step.counts);
}

bool TakeBack::has_gone() const {
  return std::any_of(chain_.steps.begin(), chain_.steps.end(),
                     [](const ReversalStep& step) { return step.proof->of_gone; });
}

/// Without one that has the present history, and where it was asked for, the run's own backup is taken now.
std::optional<fs::path> TakeBack::backup_for_trial() {
  const bool needed = options_.prove == "data" || has_gone();
  if (has_gone() && options_.prove == "schema")
    throw Error{Failure::refused,
                "where a migration's folder is gone its reversal can only be proven on a copy of the database",
                {},
                "Leave out --prove schema. Nothing was changed."};
  if (options_.prove == "schema") return std::nullopt;
  std::optional<fs::path> archive = backup_as_now(catalogue_folders(options_.backup_path), context_, live_);
  if (archive && (needed || fits_beside(context_, tool_.out))) return archive;
  if (archive || !needed) return std::nullopt;
  if (options_.common.dry_run || options_.skip_backup)
    throw Error{Failure::refused,
                "there is no backup that has the present history, to try the reversal on",
                {},
                "Take one first (`backup-db`), or leave out --prove data. Nothing was changed."};
  take_prisma_lock(db_, prisma_lock_patience);
  backup_ = back_up();
  return backup_;
}

/// What the plan has shown already.
void TakeBack::refuse_further() const {
  if (chain_.already) return;
  if (!chain_.trial) return;
  if (const std::optional<Error> error = refusal(*chain_.trial)) throw Error{*error};
}

/// Where rows come back from a backup while it runs, a reversal without them says nothing.
void TakeBack::try_data() {
  const bool brings_back = std::any_of(chain_.steps.begin(), chain_.steps.end(),
                                       [](const ReversalStep& step) { return step.lost && step.lost->brings_back(); });
  if (chain_.already || begun_) return;
  if (brings_back && options_.prove == "data") {
    throw Error{Failure::refused, "a reversal that brings rows back from a backup cannot be tried on a copy",
                "There those rows would be missing, and whatever needs them would fail.",
                "Leave out --prove data, or give --no-recover-data. Nothing was changed."};
  }
  if (brings_back) return;
  const std::optional<fs::path> archive = backup_for_trial();
  if (!archive) return;
  const RestoreSource source = open_backup(*archive);
  DataTrialRequest request{.url = side_->sessions ? side_->request.url : context_.target.url,
                           .maintenance = side_->sessions ? side_->sessions->maintenance : context_.maintenance,
                           .target = context_.database(),
                           .source = source,
                           .scripts = {},
                           .settings = side_->request.settings,
                           .objects_owner = live_.objects_owner,
                           .pg_bin = options_.common.pg_bin,
                           .remaining = {}};
  request.remaining = [this](SchemaFingerprint found) {
    return last_->remaining(std::move(found), chain_.steps.front().proof->drift);
  };
  for (const ReversalStep& step : chain_.steps) {
    if (!step.proof->already_back)
      request.scripts.push_back({step.name(), step.proof->script, !step.proof->down_data.empty()});
  }
  chain_.trial = try_on_data(request, tool_);
  std::size_t next = 0;
  for (ReversalStep& step : chain_.steps) {
    if (!step.proof->already_back && next < chain_.trial->statements.size())
      step.measured = chain_.trial->statements[next++];
  }
}

int TakeBack::write_all_down(const Result& shown) {
  std::vector<fs::path> files;
  for (const ReversalStep& step : chain_.steps) {
    if (step.proof->script.empty()) {
      if (std::optional<Error> error = refusal(judged(step, options_.accept_drift))) throw Error{*error};
    }
    files.push_back(write_down(*step.plan.migration.local, *step.proof, tool_.files));
  }
  tool_.out.result(show_written(shown, files));
  return 0;
}

void TakeBack::choose_fates() {
  std::vector<std::string> there;
  for (const ReversalStep& step : chain_.steps) {
    if (step.plan.migration.local) there.push_back(step.name());
  }
  folders_.emplace(request_.folder, there, tool_);
  folders_->choose(options_);
}

void TakeBack::ask() {
  if (options_.common.force) return;
  const Answer answer =
      tool_.prompt.ask(fmt::format("Take {} back on {}? (yes/no)", what(), context_.target.url.describe()), "yes");
  if (answer == Answer::yes) return;
  if (answer == Answer::no) throw Error{Failure::cancelled, "cancelled; nothing was changed"};
  throw Error{Failure::refused,
              "the question could not be asked: standard input is no terminal",
              {},
              "Say --force to go on without it. Nothing was changed."};
}

std::optional<fs::path> TakeBack::back_up() {
  if (options_.skip_backup || chain_.already) {
    if (options_.skip_backup) tool_.out.warn("no backup is taken: --skip-backup");
    return std::nullopt;
  }
  const fs::path folder = options_.pre_restore_backup_path.value_or("./backups/pre-restore");
  return back_up_before_restore(folder, "pre-rollback", context_, options_.common, tool_).archive;
}

void TakeBack::act(const Result& shown) {
  if (!backup_) {
    take_prisma_lock(db_, prisma_lock_patience);
    backup_ = back_up();
  }
  fault_point("undo: backup taken");
  UndoRequest undo_request{.context = context_,
                           .db = db_,
                           .steps = {},
                           .drift = chain_.steps.front().proof->drift,
                           .objects_owner = live_.objects_owner,
                           .search_path = {},
                           .statement_timeout = options_.common.statement_timeout};
  for (const ReversalStep& step : chain_.steps) {
    const bool to_run = !chain_.already && !step.proof->already_back;
    undo_request.steps.push_back({step.plan.migration, to_run ? step.proof->script : ""});
    if (to_run && step.lost)
      undo_request.steps.back().between = [lost = step.lost.get()](std::size_t done) { lost->between(done); };
  }
  if (context_.target.url.schema) undo_request.search_path = quote_identifier(context_.history_schema);
  undo_request.lock_timeout = options_.common.lock_timeout.value_or(undo_request.lock_timeout);
  undo_request.lock_retries = options_.lock_retries.value_or(undo_request.lock_retries);
  if (options_.delete_history) undo_request.history = HistoryFate::remove;
  const ReversalStep& first = chain_.steps.front();
  if (begun_ || (first.written && first.written->in_steps && !chain_.already && !first.proof->already_back)) {
    if (begun_) undo_request.steps.front().script = first.written->sql;
    undo_in_steps({undo_request, begun_}, *last_, tool_);
  } else {
    undo(undo_request, *last_, tool_);
  }
  folders_->move();
  last_->finish();
  tool_.out.result(show_taken_back(chain_, shown, {backup_, folders_->moved(), options_.delete_history}));
}

}  // namespace

int take_back(const TakeBackRequest& request, Tool& tool) {
  try {
    return TakeBack{request, tool}.run();
  } catch (const ServerError& error) {
    // undo() turns its own into what they mean; here nothing of the target's was touched yet.
    if (error.connection_lost)
      throw Error{Failure::connection, "lost the connection before anything was changed", error.detail};
    throw Error{Failure::refused, "could not look at the database", error.detail, error.hint};
  }
}

}  // namespace belay
