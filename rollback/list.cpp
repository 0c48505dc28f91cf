#include "rollback/list.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/files.hpp"
#include "rollback/data_changes.hpp"
#include "rollback/live.hpp"
#include "rollback/replay_request.hpp"
#include "rollback/reverse.hpp"

namespace belay {

namespace {

/// One migration's line.
struct Entry {
  std::string name, state;
  std::string way;  ///< "down.sql", "derivable", "needs data", "not", "-" where there is nothing to take back
  std::string why;
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

/// Says of each applied migration, in order, what its reversal would be.
class Lister {
 public:
  Lister(Replay& replay, std::string schema) : replay_(replay), schema_(std::move(schema)) {
    now_ = read_catalog_state(replay_.db(), schema_);
  }

  void judge(const Migration& migration, Entry& entry) {
    if (!stopped_.empty()) return say(entry, "not", stopped_);
    const CatalogState before = std::move(now_);
    if (const std::optional<ReplayFailure> failure = replay_.run({migration})) {
      stopped_ = fmt::format("{} could not be replayed", migration.name);
      return say(entry, "not", failure->error.message);
    }
    now_ = read_catalog_state(replay_.db(), schema_);
    note_exact_conversions(parse_script(migration.script.value_or("")), now_);
    if (is_there(migration.file.parent_path() / "down.sql")) return say(entry, "down.sql", "written, not proven here");
    const DerivedReversal reversal = derive_reversal(replay_.db(), before, now_, schema_);
    std::vector<DataChange> data = data_changes(parse_script(migration.script.value_or("")), before, now_);
    for (DataChange& change : replaced_data(before, now_)) data.push_back(std::move(change));
    if (!reversal.not_derivable.empty()) return say(entry, "not", reversal.not_derivable.front());
    if (!data.empty()) return say(entry, "needs data", data_text(data));
    say(entry, "derivable", worst_of(reversal.statements));
  }

 private:
  static void say(Entry& entry, const char* way, const std::string& why) {
    entry.way = way;
    entry.why = why;
  }
  Replay& replay_;
  std::string schema_;
  CatalogState now_;
  std::string stopped_;
};

Entry entry_of(const JoinedMigration& migration) {
  Entry entry{.name = migration.name, .state = to_string(migration.state), .way = "-", .why = {}};
  if (migration.state == MigrationState::missing_locally) {
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
    result.text += fmt::format("{:<{}}  {:<11}  {}{}{}\n", entry.name, width, entry.state, entry.way,
                               entry.why.empty() ? "" : ": ", entry.why);
    result.json["migrations"].push_back({{"name", entry.name},
                                         {"state", entry.state},
                                         {"reversible", entry.way == "-" ? Json(nullptr) : Json(entry.way)},
                                         {"why", entry.why},
                                         {"proven", nullptr}});
  }
  result.text +=
      "Nothing is proven here: `rollback-migration --migration-name NAME --dry-run` does that for one of them.\n";
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
