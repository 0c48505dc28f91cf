#include "rollback/take_back.hpp"

#include <fmt/format.h>

#include "backup/report.hpp"
#include "common/fault_point.hpp"
#include "common/pending_file.hpp"
#include "common/sql_text.hpp"
#include "restore/run.hpp"
#include "rollback/live.hpp"
#include "rollback/lost_data.hpp"
#include "rollback/proof.hpp"
#include "rollback/replay_request.hpp"
#include "rollback/undo.hpp"
#include "rollback/verdict.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds prisma_lock_patience{10};
constexpr Bytes longest_down = 16 * 1024 * 1024;

enum class FolderFate { keep, move };

/// One migration on its way back.
class TakeBack {
 public:
  TakeBack(const TakeBackRequest& request, Tool& tool)
      : request_(request),
        options_(request.options),
        context_(request.context),
        tool_(tool),
        db_(context_.target.url, context_.database(), tool.session()) {}

  int run() {
    require_fate();
    find_reversal();
    live_ = read_live_state(db_, read_migrations(request_.folder), context_.history_schema,
                            options_.common.lock_timeout.value_or("10s"));
    check_files();
    prove();
    look_for_lost_data();
    Result shown = describe_proof(judged());
    if (lost_) lost_->describe(shown);
    tool_.out.note(shown.text);
    if (options_.write_down) return write_down(shown);
    if (std::optional<Error> error = refusal(judged())) throw Error{*error};
    if (lost_) lost_->refuse();
    if (options_.common.dry_run) return show_plan(shown);
    choose_fates();
    ask();
    request_.hooks.around([&] { act(shown); });
    return 0;
  }

 private:
  void require_fate() const;
  void find_reversal();
  void check_files() const;
  void prove();
  void look_for_lost_data();
  int write_down(const Result& shown);
  int show_plan(Result shown);
  void choose_fates();
  void ask();
  void act(const Result& shown);
  std::optional<fs::path> back_up();
  void move_folder();
  void report(Result result, const std::optional<fs::path>& backup);
  [[nodiscard]] Judged judged() const { return {name(), proof_->result(), counts_, source_, options_.accept_drift}; }
  [[nodiscard]] const std::string& name() const { return request_.plan.migration.name; }
  [[nodiscard]] fs::path own_folder() const { return request_.plan.migration.local->file.parent_path(); }
  [[nodiscard]] fs::path moved_folder() const {
    return request_.folder.parent_path() / "migrations-rolled-back" / name();
  }

  const TakeBackRequest& request_;
  const RollbackOptions& options_;
  RunContext& context_;
  Tool& tool_;
  Connection db_;
  std::string source_ = "derived";
  std::optional<std::string> down_;
  LiveState live_;
  std::optional<SideReplay> side_;
  std::optional<ReversalProof> proof_;
  std::vector<Counted> counts_;
  std::optional<LostData> lost_;
  FolderFate folder_fate_ = FolderFate::keep;
};

constexpr const char* fate_hint = "Give --keep-folder, --move-folder or --delete-history. Nothing was changed.";

/// Nobody will be asked: said before the work of the proof, not after it.
void TakeBack::require_fate() const {
  const bool said = options_.keep_folder || options_.move_folder || options_.delete_history;
  if (said || !options_.common.force || options_.common.dry_run || options_.write_down) return;
  throw Error{Failure::refused, "what becomes of the migration's folder was not said", {}, fate_hint};
}

/// The reversal that somebody wrote, if there is one.
void TakeBack::find_reversal() {
  const std::optional<Migration>& local = request_.plan.migration.local;
  if (!local || !local->script) {
    throw Error{Failure::refused,
                fmt::format("the folder of migration \"{}\" is gone, so what it did is not known", name()),
                {},
                "Put it back from version control, or go back to a backup with --restore-backup."};
  }
  const fs::path usual = own_folder() / "down.sql";
  std::optional<fs::path> file = options_.down;
  if (!file && is_there(usual) && !options_.write_down) file = usual;
  if (!file) return;
  source_ = file->string();
  down_ = read_small_file(*file, longest_down);
  const Script script = parse_script(*down_);
  if (script.atomic()) return;
  throw Error{Failure::refused, fmt::format("\"{}\" cannot be run in one transaction", source_),
              script.parsed ? "It holds transaction control, or a statement that cannot stand in a transaction."
                            : script.parse_error,
              "Leave out BEGIN, COMMIT and CONCURRENTLY: the reversal and the history are written in one transaction."};
}

void TakeBack::check_files() const {
  for (const JoinedMigration& migration : live_.migrations) {
    if (migration.state == MigrationState::missing_locally)
      tool_.out.warn(fmt::format("{} is applied, and there is no file of it: compared without it", migration.name));
    if (migration.edited) tool_.out.warn(fmt::format("{} was edited after it was applied", migration.name));
  }
  if (options_.side_server) return;
  std::vector<Migration> scripts = applied_migrations(live_.migrations);
  if (down_) scripts.push_back({.name = source_, .file = source_, .script = down_, .checksum = {}});
  refuse_outside_effects(scripts);
}

void TakeBack::prove() {
  side_.emplace(side_replay(options_, context_, live_, tool_));
  ProofRequest request{.replay = side_->request,
                       .applied = applied_migrations(live_.migrations),
                       .name = name(),
                       .down = down_,
                       .live = live_.schema,
                       .objects_owner = live_.objects_owner};
  if (side_->sessions) request.replay.maintenance = &side_->sessions->maintenance;
  proof_.emplace(std::move(request), tool_);
  counts_ = count_rows(db_, proof_->result().statements);
}

/// Only for a reversal that may be run.
void TakeBack::look_for_lost_data() {
  const ProofResult& proof = proof_->result();
  if (options_.write_down || !proof.proven() || proof.already_back) return;
  if (!proof.drift.empty() && !options_.accept_drift) return;
  lost_.emplace(LostDataRequest{.options = options_,
                                .context = context_,
                                .db = db_,
                                .migration = name(),
                                .states = proof_->states(),
                                .statements = proof.statements,
                                .script = proof.script},
                tool_);
  lost_->correct(counts_);
}

/// Died in between: NAME.partial is there, which nothing reads.
int TakeBack::write_down(const Result& shown) {
  const ProofResult& proof = proof_->result();
  if (proof.script.empty() || proof.statements.empty()) {
    if (std::optional<Error> error = refusal(judged())) throw Error{*error};
    throw Error{Failure::refused, "there is nothing to write down: the migration left nothing in the schema"};
  }
  const fs::path file = own_folder() / "down.sql";
  std::string text = fmt::format("-- Takes migration {} back.\n", name());
  for (const DataChange& change : proof.data)
    text += fmt::format("-- Not in here: {}{}\n",
                        change.line > 0 ? fmt::format("line {} of the migration: ", change.line) : "", change.what);
  PendingFile pending{tool_.files, file, PendingFile::Existing::refuse};
  pending.write(as_bytes(text + "\n" + proof.script));
  pending.commit();
  Result result{
      fmt::format("Written: {}\nReview it, then run again without --write-down. Nothing was run.\n", file.string()),
      shown.json};
  result.json["written"] = file.string();
  tool_.out.result(result);
  return 0;
}

int TakeBack::show_plan(Result shown) {
  shown.text = proof_->result().already_back
                   ? fmt::format(
                         "The live schema is what the history without {} makes: only the history would be "
                         "written.\nNothing was changed.\n",
                         name())
                   : fmt::format("Would take migration {} back. Nothing was changed.\n", name());
  shown.json["dry_run"] = true;
  shown.json["way"] = "reverse";
  tool_.out.result(shown);
  return 0;
}

void TakeBack::choose_fates() {
  if (options_.move_folder) folder_fate_ = FolderFate::move;
  if (options_.move_folder || options_.keep_folder || options_.delete_history) return;
  const Answer answer = options_.common.force
                            ? Answer::cannot_ask
                            : tool_.prompt.ask(fmt::format("As long as its folder is there, the next deploy applies it "
                                                           "again. Move it to {}? (yes/no)",
                                                           moved_folder().string()),
                                               "yes");
  if (answer == Answer::cannot_ask) {
    throw Error{Failure::refused, "what becomes of the migration's folder was not said", {}, fate_hint};
  }
  if (answer == Answer::yes) folder_fate_ = FolderFate::move;
}

void TakeBack::ask() {
  if (folder_fate_ == FolderFate::move && is_there(moved_folder())) {
    throw Error{Failure::refused,
                fmt::format("\"{}\" is there already", moved_folder().string()),
                {},
                "Remove it, or give --keep-folder. Nothing was changed."};
  }
  if (options_.common.force) return;
  const Answer answer = tool_.prompt.ask(
      fmt::format("Take migration {} back on {}? (yes/no)", name(), context_.target.url.describe()), "yes");
  if (answer == Answer::yes) return;
  if (answer == Answer::no) throw Error{Failure::cancelled, "cancelled; nothing was changed"};
  throw Error{Failure::refused,
              "the question could not be asked: standard input is no terminal",
              {},
              "Say --force to go on without it. Nothing was changed."};
}

std::optional<fs::path> TakeBack::back_up() {
  if (options_.skip_backup || proof_->result().already_back) {
    if (options_.skip_backup) tool_.out.warn("no backup is taken: --skip-backup");
    return std::nullopt;
  }
  const fs::path folder = options_.pre_restore_backup_path.value_or("./backups/pre-restore");
  return back_up_before_restore(folder, "pre-rollback", context_, options_.common, tool_).archive;
}

/// After the COMMIT. Died before it: the folder is where it was, and the next deploy would apply it again.
void TakeBack::move_folder() {
  if (folder_fate_ != FolderFate::move) return;
  fault_point("undo: before moving the folder");
  std::error_code error;
  fs::create_directories(moved_folder().parent_path(), error);
  if (!error) fs::rename(own_folder(), moved_folder(), error);
  if (!error) return;
  tool_.out.warn(
      fmt::format("could not move the folder to {}: {}. Move it by hand, or the next deploy applies the "
                  "migration again.",
                  moved_folder().string(), error.message()));
  folder_fate_ = FolderFate::keep;
}

void TakeBack::act(const Result& shown) {
  take_prisma_lock(db_, prisma_lock_patience);
  const std::optional<fs::path> backup = back_up();
  fault_point("undo: backup taken");
  const bool already = proof_->result().already_back;
  UndoRequest undo_request{.context = context_,
                           .db = db_,
                           .migration = request_.plan.migration,
                           .script = already ? "" : proof_->result().script,
                           .objects_owner = live_.objects_owner,
                           .search_path = {},
                           .statement_timeout = options_.common.statement_timeout};
  if (context_.target.url.schema) undo_request.search_path = quote_identifier(context_.history_schema);
  undo_request.lock_timeout = options_.common.lock_timeout.value_or(undo_request.lock_timeout);
  undo_request.lock_retries = options_.lock_retries.value_or(undo_request.lock_retries);
  if (options_.delete_history) undo_request.history = HistoryFate::remove;
  if (lost_) undo_request.between = [this](std::size_t done) { lost_->between(done); };
  undo(undo_request, *proof_, tool_);
  move_folder();
  proof_->finish();
  report(shown, backup);
}

void TakeBack::report(Result result, const std::optional<fs::path>& backup) {
  const bool already = proof_->result().already_back;
  result.text = fmt::format("Migration {} was taken back{}.\n", name(),
                            already ? ": the schema was so already, only the history was written" : "");
  if (backup) result.text += fmt::format("The state before it: {}\n", backup->string());
  if (lost_) lost_->report(result);
  const bool moved = folder_fate_ == FolderFate::move;
  if (moved) {
    result.text += fmt::format("Its folder is now {}.\n", moved_folder().string());
  } else {
    result.text +=
        fmt::format("Its folder is still there, so the next deploy (Prisma's or belay's) applies it again{}.\n",
                    options_.delete_history ? "" : ", although `prisma migrate status` says \"up to date\"");
  }
  result.json["way"] = already ? "history" : "reverse";
  result.json["backup"] = backup ? Json(backup->string()) : Json(nullptr);
  result.json["folder_moved_to"] = moved ? Json(moved_folder().string()) : Json(nullptr);
  result.json["applied_again_by_next_deploy"] = !moved;
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
