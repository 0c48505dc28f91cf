#include "rollback/list.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/files.hpp"
#include "rollback/data_changes.hpp"
#include "rollback/live.hpp"
#include "rollback/replay_request.hpp"
#include "rollback/reverse.hpp"
#include "rollback/written.hpp"

namespace belay {

namespace {

/// One migration's line.
struct Entry {
  std::string name, state;
  std::string way;  ///< "down.sql", "derivable", "needs data", "not", "-" where there is nothing to take back
  std::string why;
  bool proven = false;
};

std::string data_text(const std::vector<DataChange>& changes) {
  std::string text;
  for (const DataChange& change : changes)
    text += fmt::format("{}{}{}", text.empty() ? "" : "; ",
                        change.line > 0 ? fmt::format("line {}: ", change.line) : "", change.what);
  return text;
}

std::string worst_of(const std::vector<ReversalStatement>& statements) {
  RowLoss worst = RowLoss::none;
  for (const ReversalStatement& statement : statements) worst = std::max(worst, statement.loss);
  return to_string(worst);
}

/// Says of each applied migration, in order, what its reversal would be, and tries it as if no later one were there.
class Lister {
 public:
  Lister(Replay& replay, std::string schema) : replay_(replay), schema_(std::move(schema)) { look(); }

  void judge(const Migration& migration, Entry& entry) {
    if (!stopped_.empty()) return say(entry, "not", stopped_);
    const CatalogState before = std::move(now_);
    const SchemaFingerprint schema_before = std::move(fingerprint_);
    if (const std::optional<ReplayFailure> failure = replay_.run({migration})) {
      stopped_ = fmt::format("{} could not be replayed", migration.name);
      return say(entry, "not", failure->error.message);
    }
    look();
    judge_way(migration, before, entry);
    if (script_.empty()) return;
    const std::string why = prove(migration, schema_before);
    if (why.empty()) {
      entry.proven = true;
    } else {
      say(entry, "not", why);
    }
  }

 private:
  static void say(Entry& entry, const char* way, const std::string& why) {
    entry.way = way;
    entry.why = why;
  }

  void look() {
    now_ = read_catalog_state(replay_.db(), schema_);
    fingerprint_ = read_schema_fingerprint(replay_.db(), schema_);
  }

  /// Leaves the reversal in `script_`, or nothing where there is none to try.
  void judge_way(const Migration& migration, const CatalogState& before, Entry& entry) {
    script_.clear();
    const std::filesystem::path down = migration.file.parent_path() / "down.sql";
    if (is_there(down)) {
      script_ = read_small_file(down, longest_down);
      return say(entry, "down.sql", "");
    }
    note_exact_conversions(parse_script(migration.script.value_or("")), now_);
    const DerivedReversal reversal = derive_reversal(replay_.db(), before, now_, schema_);
    std::vector<DataChange> data = data_changes(parse_script(migration.script.value_or("")), before, now_);
    for (DataChange& change : replaced_data(before, now_)) data.push_back(std::move(change));
    if (!reversal.not_derivable.empty()) return say(entry, "not", reversal.not_derivable.front());
    if (!data.empty()) return say(entry, "needs data", data_text(data));
    say(entry, "derivable", worst_of(reversal.statements));
    script_ = script_of(reversal.statements);
  }

  /// Run, compared, and the migration run again. Why it is no reversal; empty if it is. Afterwards the side database
  /// is as it was, or it stops here.
  std::string prove(const Migration& migration, const SchemaFingerprint& expected) {
    const Migration step{
        .name = "reversal", .file = "reversal of " + migration.name, .script = script_, .checksum = {}};
    std::string why;
    if (const std::optional<ReplayFailure> failure = replay_.run({step})) {
      return failure->error.message;  // it is undone
    }
    for (const SchemaDifference& difference :
         compare_schema(expected, read_schema_fingerprint(replay_.db(), schema_), &replay_.db())) {
      if (difference.severity == Severity::hard && why.empty()) why = "it would leave " + difference.describe();
    }
    if (const std::optional<ReplayFailure> failure = replay_.run({migration})) {
      stopped_ = fmt::format("the reversal of {} leaves it where it cannot be run again", migration.name);
      return why.empty() ? failure->error.message : why;
    }
    look();
    return why;
  }

  Replay& replay_;
  std::string schema_;
  CatalogState now_;
  SchemaFingerprint fingerprint_;
  std::string stopped_, script_;
};

Entry entry_of(const JoinedMigration& migration) {
  Entry entry{.name = migration.name, .state = to_string(migration.state), .way = "-", .why = {}};
  const bool counts = std::any_of(migration.rows.begin(), migration.rows.end(),
                                  [](const HistoryRow& row) { return !row.rolled_back_at; });
  if (migration.state == MigrationState::missing_locally && !counts)
    entry.state = to_string(MigrationState::rolled_back);
  if (migration.state == MigrationState::missing_locally && counts) {
    entry.way = "not";
    entry.why = "its folder is gone";
  }
  if (migration.state == MigrationState::failed) entry.why = "what of it took effect is seen when it is taken back";
  return entry;
}

Result show(const std::vector<Entry>& entries) {
  Result result{.json = {{"migrations", Json::array()}}};
  std::size_t width = 0;
  for (const Entry& entry : entries) width = std::max(width, entry.name.size());
  for (const Entry& entry : entries) {
    result.text += fmt::format("{:<{}}  {:<11}  {}{}{}{}\n", entry.name, width, entry.state, entry.way,
                               entry.proven ? ", proven" : "", entry.why.empty() ? "" : ": ", entry.why);
    result.json["migrations"].push_back({{"name", entry.name},
                                         {"state", entry.state},
                                         {"reversible", entry.way == "-" ? Json(nullptr) : Json(entry.way)},
                                         {"why", entry.why},
                                         {"proven", entry.proven}});
  }
  result.text +=
      "Proven: for the schema, and as if it were the last one. `rollback-migration --migration-name NAME --dry-run` "
      "says "
      "which later ones need it, and what would be lost.\n";
  return result;
}

}  // namespace

int list_reversals(const RollbackOptions& options, RunContext& context, const std::filesystem::path& folder,
                   Tool& tool) {
  Connection db{context.target.url, context.database(), tool.session()};
  const LiveState live =
      read_live_state(db, read_migrations(folder), context.history_schema, options.common.lock_timeout.value_or("10s"));
  const std::vector<Migration> applied = applied_migrations(live.migrations);
  if (!options.side_server) refuse_outside_effects(applied);
  SideReplay side = side_replay(options, context, live, tool);
  if (side.sessions) side.request.maintenance = &side.sessions->maintenance;
  Replay replay{side.request, tool};
  Lister lister{replay, context.history_schema};
  std::vector<Entry> entries;
  for (const JoinedMigration& migration : live.migrations) {
    Entry entry = entry_of(migration);
    if (migration.state == MigrationState::applied && migration.local && migration.local->script)
      lister.judge(*migration.local, entry);
    entries.push_back(std::move(entry));
  }
  replay.drop();
  tool.out.result(show(entries));
  return 0;
}

}  // namespace belay
