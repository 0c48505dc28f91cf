#include "rollback/take_back.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "backup/catalogue.hpp"
#include "backup/report.hpp"
#include "common/fault_point.hpp"
#include "common/sql_text.hpp"
#include "restore/run.hpp"
#include "rollback/data_trial.hpp"
#include "rollback/folders.hpp"
#include "rollback/live.hpp"
#include "rollback/lost_data.hpp"
#include "rollback/proof.hpp"
#include "rollback/replay_request.hpp"
#include "rollback/undo.hpp"
#include "rollback/verdict.hpp"
#include "rollback/without.hpp"
#include "rollback/written.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds prisma_lock_patience{10};

/// One of the migrations on their way back.
struct Step {
  explicit Step(RollbackPlan what_it_is) : plan(std::move(what_it_is)) {}
  RollbackPlan plan;
  std::optional<WrittenReversal> written;
  std::optional<ProofResult> proof;
  std::vector<Counted> counts;
  std::vector<MeasuredStatement> measured;
  std::unique_ptr<LostData> lost;  ///< none where it cannot be run anyway
  [[nodiscard]] const std::string& name() const { return plan.migration.name; }
  [[nodiscard]] std::string source() const { return written ? written->file.string() : "derived"; }
};

class TakeBack {
 public:
  TakeBack(const TakeBackRequest& request, Tool& tool)
      : request_(request),
        options_(request.options),
        context_(request.context),
        tool_(tool),
        db_(context_.target.url, context_.database(), tool.session()) {
    for (const RollbackPlan& plan : request.plans) steps_.emplace_back(plan);
  }

  int run() {
    require_folder_fate(options_);
    find_written_ones();
    live_ = read_live_state(db_, read_migrations(request_.folder), context_.history_schema,
                            options_.common.lock_timeout.value_or("10s"));
    check_files();
    side_.emplace(side_replay(options_, context_, live_, tool_));
    if (options_.with_dependents) add_dependents();
    prove();
    const std::optional<Error> refused = find_refusal();
    if (!refused && !options_.write_down) try_data();
    const Result shown = describe();
    tool_.out.note(shown.text);
    if (options_.write_down) return write_all_down(shown);
    if (refused) throw Error{*refused};
    if (trial_) {
      if (const std::optional<Error> error = refusal(*trial_)) throw Error{*error};
    }
    if (options_.common.dry_run) return show_plan(shown);
    choose_fates();
    ask();
    request_.hooks.around([&] { act(shown); });
    return 0;
  }

 private:
  void find_written_ones();
  void check_files() const;
  void add_dependents();
  void prove();
  [[nodiscard]] ProofRequest proof_of(const Step& step, const std::vector<Migration>& applied) const;
  void look_for_lost_data(Step& step);
  [[nodiscard]] bool brings_back() const;
  [[nodiscard]] Result describe(const Step& step) const;
  [[nodiscard]] Result describe() const;
  [[nodiscard]] Result describe_steps() const;
  [[nodiscard]] std::optional<Error> find_refusal() const;
  void try_data();
  [[nodiscard]] std::optional<fs::path> backup_for_trial();
  int write_all_down(const Result& shown);
  int show_plan(Result shown) const;
  void choose_fates();
  void ask();
  void act(const Result& shown);
  std::optional<fs::path> back_up();
  void report_lost_data(Result& result) const;
  void report(Result result);
  [[nodiscard]] Judged judged(const Step& step) const {
    return {step.name(), step.proof.value(), step.counts, step.source(), step.measured, options_.accept_drift};
  }
  [[nodiscard]] std::vector<std::string> names() const;
  /// For people: the name, or how many there are.
  [[nodiscard]] std::string what() const;

  const TakeBackRequest& request_;
  const RollbackOptions& options_;
  RunContext& context_;
  Tool& tool_;
  Connection db_;
  std::vector<Step> steps_;
  LiveState live_;
  std::optional<SideReplay> side_;
  std::optional<ReversalProof> last_;  ///< the proof of the last step: what all of them lead to
  bool already_ = false;               ///< the live schema is so already
  std::optional<DataTrial> trial_;
  std::optional<fs::path> backup_;  ///< the run's own
  std::optional<MigrationFolders> folders_;
};

std::vector<std::string> TakeBack::names() const {
  std::vector<std::string> list;
  for (const Step& step : steps_) list.push_back(step.name());
  return list;
}

std::string TakeBack::what() const {
  return steps_.size() == 1 ? "migration " + steps_.front().name() : fmt::format("{} migrations", steps_.size());
}

void TakeBack::find_written_ones() {
  for (Step& step : steps_) {
    if (options_.write_down) continue;
    step.written = find_written(step.plan.migration, options_.down);
  }
}

void TakeBack::check_files() const {
  for (const JoinedMigration& migration : live_.migrations) {
    if (migration.state == MigrationState::missing_locally)
      tool_.out.warn(fmt::format("{} is applied, and there is no file of it: compared without it", migration.name));
    if (migration.edited) tool_.out.warn(fmt::format("{} was edited after it was applied", migration.name));
  }
  if (options_.side_server) return;
  std::vector<Migration> scripts = applied_migrations(live_.migrations);
  for (const Step& step : steps_) {
    if (!step.written) continue;
    const std::string source = step.source();
    scripts.push_back({.name = source, .file = source, .script = step.written->sql, .checksum = {}});
  }
  refuse_outside_effects(scripts);
}

/// The later migrations that the named one's absence would break go back before it.
void TakeBack::add_dependents() {
  const std::vector<Migration> applied = applied_migrations(live_.migrations);
  const auto place =
      std::find_if(applied.begin(), applied.end(), [&](const Migration& m) { return m.name == steps_.front().name(); });
  if (place == applied.end()) return;  // it failed: nothing can need it
  ReplayRequest replay = side_->request;
  if (side_->sessions) replay.maintenance = &side_->sessions->maintenance;
  const HistoryWithout without =
      replay_without({replay, applied, static_cast<std::size_t>(place - applied.begin())}, tool_);
  for (const std::string& name : without.dependents) {
    RollbackPlan plan = plan_rollback(name, live_.migrations);
    tool_.out.note(describe_migration(plan));
    steps_.insert(steps_.begin(), Step{std::move(plan)});
  }
  for (std::size_t i = 0; i < without.dependents.size(); ++i) {
    if (!options_.write_down) steps_[i].written = find_written(steps_[i].plan.migration, std::nullopt);
  }
}

ProofRequest TakeBack::proof_of(const Step& step, const std::vector<Migration>& applied) const {
  ProofRequest request{.replay = side_->request,
                       .applied = applied,
                       .name = step.name(),
                       .down = {},
                       .live = last_ ? last_->without() : live_.schema,
                       .objects_owner = live_.objects_owner};
  if (step.written) request.down = step.written->sql;
  if (step.plan.migration.state == MigrationState::failed) request.failed = step.plan.migration.local->script;
  return request;
}

/// Each from what the one before leads to. Ends early where later migrations need one of them.
void TakeBack::prove() {
  std::vector<Migration> applied = applied_migrations(live_.migrations);
  for (Step& step : steps_) {
    ProofRequest request = proof_of(step, applied);
    if (side_->sessions) request.replay.maintenance = &side_->sessions->maintenance;
    if (last_) last_->finish();
    last_.emplace(std::move(request), tool_);
    step.proof = last_->result();
    step.measured = step.proof->measured;
    step.counts = count_rows(db_, step.proof->statements);
    look_for_lost_data(step);
    if (!step.proof->dependents.empty()) throw refusal(judged(step)).value();
    std::erase_if(applied, [&](const Migration& migration) { return migration.name == step.name(); });
  }
  already_ = last_->is_already(live_.schema);
}

/// Only for a reversal that may be run. `last_` is its proof.
void TakeBack::look_for_lost_data(Step& step) {
  const ProofResult& proof = *step.proof;
  if (options_.write_down || !proof.proven() || proof.already_back) return;
  if (!proof.drift.empty() && !options_.accept_drift) return;
  step.lost = std::make_unique<LostData>(LostDataRequest{.options = options_,
                                                         .context = context_,
                                                         .db = db_,
                                                         .migration = step.name(),
                                                         .place = static_cast<std::size_t>(&step - steps_.data()),
                                                         .states = last_->states(),
                                                         .statements = proof.statements,
                                                         .script = proof.script},
                                         tool_);
  step.lost->correct(step.counts);
}

bool TakeBack::brings_back() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const Step& step) { return step.lost && step.lost->brings_back(); });
}

Result TakeBack::describe(const Step& step) const {
  Result one = describe_proof(judged(step));
  if (step.lost) step.lost->describe(one);
  return one;
}

Result TakeBack::describe() const {
  Result all = describe_steps();
  all.json["data_trial"] = nullptr;
  if (!trial_) return all;
  const Result tried = describe_trial(*trial_);
  all.text += tried.text;
  all.json["data_trial"] = tried.json;
  return all;
}

Result TakeBack::describe_steps() const {
  if (steps_.size() == 1) return describe(steps_.front());
  Result all{"", {{"migrations", Json::array()}, {"proven", true}, {"already_taken_back", already_}}};
  for (const Step& step : steps_) {
    Result one = describe(step);
    all.text += fmt::format("{}\n{}", step.name(), one.text);
    if (!step.proof->proven()) all.json["proven"] = false;
    all.json["migrations"].push_back(std::move(one.json));
  }
  return all;
}

std::optional<Error> TakeBack::find_refusal() const {
  if (already_) return std::nullopt;
  for (const Step& step : steps_) {
    if (std::optional<Error> error = refusal(judged(step))) return error;
    if (step.lost) {
      if (std::optional<Error> error = step.lost->refusal()) return error;
    }
  }
  return std::nullopt;
}

/// Without one that has the present history, and where it was asked for, the run's own backup is taken now.
std::optional<fs::path> TakeBack::backup_for_trial() {
  if (options_.prove == "schema") return std::nullopt;
  if (brings_back()) {
    // In a copy they would not be there, and whatever needs them would fail.
    if (options_.prove != "data") return std::nullopt;
    throw Error{Failure::refused,
                "a reversal that brings rows back from a backup cannot be tried on a copy",
                {},
                "Leave out --prove data, or give --no-recover-data. Nothing was changed."};
  }
  std::optional<fs::path> archive = backup_as_now(catalogue_folders(options_.backup_path), context_, live_);
  if (archive && (options_.prove || fits_beside(context_, tool_.out))) return archive;
  if (archive || options_.prove != "data") return std::nullopt;
  if (options_.common.dry_run || options_.skip_backup)
    throw Error{Failure::refused,
                "there is no backup that has the present history, to try the reversal on",
                {},
                "Take one first (`backup-db`), or leave out --prove data. Nothing was changed."};
  take_prisma_lock(db_, prisma_lock_patience);
  backup_ = back_up();
  return backup_;
}

void TakeBack::try_data() {
  if (already_) return;
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
                           .pg_bin = options_.common.pg_bin};
  for (const Step& step : steps_) {
    if (!step.proof->already_back)
      request.scripts.push_back({step.name(), step.proof->script, !step.proof->down_data.empty()});
  }
  trial_ = try_on_data(request, tool_);
  std::size_t next = 0;
  for (Step& step : steps_) {
    if (!step.proof->already_back && next < trial_->statements.size()) step.measured = trial_->statements[next++];
  }
}

int TakeBack::write_all_down(const Result& shown) {
  Result result{"", shown.json};
  for (const Step& step : steps_) {
    if (step.proof->script.empty()) {
      if (std::optional<Error> error = refusal(judged(step))) throw Error{*error};
    }
    const fs::path file = write_down(*step.plan.migration.local, *step.proof, tool_.files);
    result.text += fmt::format("Written: {}\n", file.string());
    if (steps_.size() == 1) result.json["written"] = file.string();
    if (steps_.size() > 1) result.json["written"].push_back(file.string());
  }
  result.text += "Review it, then run again without --write-down. Nothing was run.\n";
  tool_.out.result(result);
  return 0;
}

int TakeBack::show_plan(Result shown) const {
  shown.text = already_ ? fmt::format(
                              "The live schema is what the history without {} makes: only the history would be "
                              "written.\nNothing was changed.\n",
                              fmt::join(names(), ", "))
                        : fmt::format("Would take back {}. Nothing was changed.\n", fmt::join(names(), ", then "));
  shown.json["dry_run"] = true;
  shown.json["way"] = "reverse";
  tool_.out.result(shown);
  return 0;
}

void TakeBack::choose_fates() {
  folders_.emplace(request_.folder, names(), tool_);
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
  if (options_.skip_backup || already_) {
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
                           .drift = steps_.front().proof->drift,
                           .objects_owner = live_.objects_owner,
                           .search_path = {},
                           .statement_timeout = options_.common.statement_timeout};
  for (const Step& step : steps_) {
    const bool to_run = !already_ && !step.proof->already_back;
    undo_request.steps.push_back({step.plan.migration, to_run ? step.proof->script : ""});
    if (to_run && step.lost)
      undo_request.steps.back().between = [lost = step.lost.get()](std::size_t done) { lost->between(done); };
  }
  if (context_.target.url.schema) undo_request.search_path = quote_identifier(context_.history_schema);
  undo_request.lock_timeout = options_.common.lock_timeout.value_or(undo_request.lock_timeout);
  undo_request.lock_retries = options_.lock_retries.value_or(undo_request.lock_retries);
  if (options_.delete_history) undo_request.history = HistoryFate::remove;
  undo(undo_request, *last_, tool_);
  folders_->move();
  last_->finish();
  report(shown);
}

void TakeBack::report_lost_data(Result& result) const {
  if (already_) return;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (!steps_[i].lost) continue;
    Json& json = steps_.size() == 1 ? result.json : result.json["migrations"][i];
    Result one{"", std::move(json)};
    steps_[i].lost->report(one);
    result.text += one.text;
    json = std::move(one.json);
  }
}

void TakeBack::report(Result result) {
  result.text.clear();
  for (const std::string& name : names()) result.text += fmt::format("Migration {} was taken back.\n", name);
  if (already_) result.text += "The schema was so already, only the history was written.\n";
  if (backup_) result.text += fmt::format("The state before it: {}\n", backup_->string());
  report_lost_data(result);
  Json moved = Json::array();
  for (const fs::path& place : folders_->moved()) {
    result.text += fmt::format("Its folder is now {}.\n", place.string());
    moved.push_back(place.string());
  }
  if (!folders_->all_moved()) {
    result.text +=
        fmt::format("Its folder is still there, so the next deploy (Prisma's or belay's) applies it again{}.\n",
                    options_.delete_history ? "" : ", although `prisma migrate status` says \"up to date\"");
  }
  result.json["way"] = already_ ? "history" : "reverse";
  result.json["backup"] = backup_ ? Json(backup_->string()) : Json(nullptr);
  if (steps_.size() == 1) {
    result.json["folder_moved_to"] = moved.empty() ? Json(nullptr) : moved.front();
  } else {
    result.json["folders_moved_to"] = moved;
  }
  result.json["applied_again_by_next_deploy"] = !folders_->all_moved();
  tool_.out.result(result);
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
