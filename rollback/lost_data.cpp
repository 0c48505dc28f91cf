#include "rollback/lost_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "backup/remote_place.hpp"
#include "common/output.hpp"
#include "common/script.hpp"
#include "rollback/archive_script.hpp"
#include "rollback/recover_stage.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr const char* without_it =
    "Nothing was changed. With --no-recover-data the structure comes back without them; --restore-backup brings all of "
    "a backup back.";

/// The statement after which every table and column is there that comes back.
std::size_t load_point(const LostDataRequest& request) {
  std::size_t point = 0;
  for (std::size_t i = 0; i < request.statements.size(); ++i) {
    if (request.statements[i].loss == RowLoss::up_lost) point = i + 1;
  }
  return point > 0 ? point : parse_script(request.script).statements.size();
}

std::string bring_back_command(const fs::path& file) {
  return fmt::format("zstd -dc {} | psql \"$DATABASE_URL\" -X -q -v ON_ERROR_STOP=1", shell_word(file.string()));
}

std::string words(const ArchivedRows& rows) {
  std::string what = "table " + rows.table;
  if (!rows.columns.empty())
    what = fmt::format("column{} {} of {}", rows.columns.size() == 1 ? "" : "s", column_list(rows.columns), rows.table);
  return fmt::format("{}: {} rows{}", what, human_count(rows.rows),
                     rows.brings_back ? "" : ", whole, for a person to use: there is no primary key");
}

std::string words(const RecoverItem& item, const RecoverCount& c) {
  std::string text =
      fmt::format("{}: {} of {} rows in the backup", item.describe(), human_count(c.matched), human_count(c.stored));
  if (!item.whole())
    text += fmt::format("; newer rows, which it does not have: {}; gone since: {}", human_count(c.newer),
                        human_count(c.gone));
  if (c.orphans > 0) text += fmt::format("; refer to rows that are gone since: {}", human_count(c.orphans));
  return text;
}

}  // namespace

LostData::LostData(const LostDataRequest& request, Tool& tool)
    : options_(request.options),
      context_(request.context),
      db_(request.db),
      tool_(tool),
      migration_(request.migration),
      statements_(request.statements),
      load_after_(load_point(request)) {
  const std::string stamp = archive_stamp(tool.clock.now());
  archive_file_ = folder() / lost_file_name(context_.database(), stamp, migration_);
  orphans_file_ = folder() / lost_file_name(context_.database(), stamp + "_orphans", migration_);
  if (!options_.no_archive) discarded_ = lost_rows(request.states.latest, request.states.reversed);
  if (options_.no_recover_data) return;
  const LostRows destroyed = lost_rows(request.states.before, request.states.after);
  if (destroyed.tables.empty() && destroyed.columns.empty()) return;
  choose_backup();
  if (!backup_) return;
  plan_ = plan_recovery(request.states, backup_->manifest->content);
  if (plan_.refused.empty()) read_backup(request.place);
}

fs::path LostData::folder() const { return options_.pre_restore_backup_path.value_or("./backups/pre-restore"); }

void LostData::choose_backup() {
  if (options_.recover_data && !options_.recover_data->empty()) {
    const fs::path file = *options_.recover_data;
    backup_ = CatalogueEntry{.archive = file, .manifest = read_manifest_of(file), .problem = {}};
    const Manifest& manifest = *backup_->manifest;
    const bool holds = std::any_of(manifest.history.begin(), manifest.history.end(), [&](const RecordedMigration& r) {
      return r.name == migration_ && r.state != "rolled back";
    });
    if (holds)
      throw Error{Failure::refused,
                  fmt::format("\"{}\" was taken after migration \"{}\"", file.string(), migration_),
                  {},
                  "What it dropped is not in there any more. Nothing was changed."};
    if (manifest.archive.format == ArchiveFormat::custom) return;
    throw Error{Failure::refused,
                fmt::format("\"{}\" is not in custom format", file.string()),
                {},
                "Single tables cannot be read from it. Nothing was changed."};
  }
  std::vector<CatalogueEntry> all;
  for (const fs::path& place : catalogue_folders(options_.backup_path)) {
    for (CatalogueEntry& entry : list_backups(place)) {
      const bool serves = entry.manifest && entry.manifest->archive.format == ArchiveFormat::custom &&
                          entry.manifest->scope != Scope::schema;
      if (serves) all.push_back(std::move(entry));
    }
  }
  backup_ = newest_before_migration(all, context_.database(), context_.server.system_identifier, migration_);
  if (backup_ || !options_.recover_data) return;
  throw Error{Failure::refused,
              fmt::format("no good backup of database \"{}\" from before migration \"{}\" was found",
                          context_.database(), migration_),
              {},
              "Name one: --recover-data=FILE. Nothing was changed."};
}

void LostData::read_backup(std::size_t place) {
  if (plan_.items.empty()) return;
  const PgTool pg_restore =
      find_pg_tool(tool_.processes, "pg_restore", context_.server.major(), options_.common.pg_bin);
  tool_.out.note(fmt::format("Reading what comes back from {}", backup_->archive.string()));
  try {
    stage_rows(db_,
               {.archive = backup_->archive, .manifest = *backup_->manifest, .pg_restore = pg_restore, .place = place},
               plan_.items, tool_);
    count_live();
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    throw Error{Failure::refused, "could not look at what comes back from the backup", error.detail, without_it};
  }
}

/// Before an earlier one of several was taken back, this one's tables may have other names, or not be there.
void LostData::count_live() {
  constexpr std::array not_there{"42P01", "42703", "42704", "3F000"};
  try {
    planned_ = count_recovery(db_, plan_);
    triggers_ = firing_triggers(db_, plan_);
  } catch (const ServerError& error) {
    if (std::find(not_there.begin(), not_there.end(), error.sqlstate) == not_there.end()) throw;
    not_counted_ = error.primary;
    planned_ = {};
  }
}

void LostData::correct(std::vector<Counted>& counts) const {
  for (std::size_t i = 0; i < counts.size() && i < statements_.size(); ++i) {
    if (!statements_[i].requires_values) continue;
    std::optional<std::uint64_t> without;
    for (std::size_t k = 0; k < planned_.items.size(); ++k) {
      if (statements_[i].requires_values == plan_.items[k].column_id)
        without = without.value_or(0) + planned_.items[k].without;
    }
    if (without) counts[i].number = without;
  }
}

std::string LostData::counts_text(const RecoverCounts& counts) const {
  std::string text;
  for (std::size_t i = 0; i < counts.items.size(); ++i) text += "  " + words(plan_.items[i], counts.items[i]) + "\n";
  return text;
}

Json LostData::counts_json(const RecoverCounts& counts) const {
  Json list = Json::array();
  for (std::size_t i = 0; i < counts.items.size(); ++i) {
    const RecoverItem& item = plan_.items[i];
    const RecoverCount& c = counts.items[i];
    Json entry{{"schema", item.schema}, {"table", item.table}};
    entry["column"] = item.whole() ? Json(nullptr) : Json(item.column);
    entry.update({{"in_backup", c.stored}, {"matched", c.matched}, {"orphans", c.orphans}});
    if (!item.whole()) entry.update({{"newer", c.newer}, {"gone", c.gone}});
    list.push_back(std::move(entry));
  }
  return list;
}

void LostData::describe(Result& result) const {
  std::string text;
  Json archived = Json::array();
  for (const LostTable& table : discarded_.tables) archived.push_back("table " + path_of(table.schema, table.name));
  for (const LostColumn& column : discarded_.columns)
    archived.push_back(fmt::format("column {}.{}", path_of(column.schema, column.table_name), column.name));
  if (!archived.empty()) text += "Archived before it is discarded:\n" + as_lines(archived, "  ");
  if (options_.no_archive) text += "What is discarded is not archived: --no-archive.\n";
  result.json["archive"] = {{"planned", archived}, {"rows", Json::array()}, {"file", nullptr}, {"command", nullptr}};
  Json recover = nullptr;
  if (backup_) {
    text += fmt::format("Brought back from {}, taken {}:\n{}", backup_->archive.string(),
                        iso_utc(backup_->manifest->created_at), counts_text(planned_));
    if (!not_counted_.empty()) {
      for (const RecoverItem& item : plan_.items)
        text += fmt::format("  {}: {} rows in the backup; what comes of them is not counted beforehand ({})\n",
                            item.describe(), human_count(item.in_backup), not_counted_);
    }
    if (!plan_.left_out.empty()) text += "Not put back by the reversal:\n" + as_lines(plan_.left_out, "  ");
    const bool fire = !triggers_.empty() && !options_.disable_triggers;
    if (fire) text += "Fire meanwhile (--disable-triggers switches them off):\n" + as_lines(triggers_, "  ");
    recover = {{"backup", backup_->archive.string()}, {"taken", iso_utc(backup_->manifest->created_at)},
               {"planned", counts_json(planned_)},    {"refused", plan_.refused},
               {"left_out", plan_.left_out},          {"triggers", triggers_}};
  } else if (!options_.no_recover_data) {
    const bool up_lost = std::any_of(statements_.begin(), statements_.end(),
                                     [](const ReversalStatement& s) { return s.loss == RowLoss::up_lost; });
    if (up_lost) text += "No good backup from before the migration was found: what it dropped comes back empty.\n";
  }
  result.json["recover"] = recover;
  result.text += text;
}

std::optional<Error> LostData::refusal() const {
  const std::string from = backup_ ? fmt::format("In {}.\n", backup_->archive.string()) : "";
  if (!plan_.refused.empty()) {
    return Error{Failure::refused, fmt::format("not all that migration \"{}\" dropped can be brought back", migration_),
                 as_lines(plan_.refused, "  ") + from, without_it};
  }
  if (planned_.in_the_way.empty()) return std::nullopt;
  return Error{Failure::refused, fmt::format("rows keep migration \"{}\" from being taken back", migration_),
               as_lines(planned_.in_the_way, "  ") + from, "Nothing was changed. Correct those rows, and run again."};
}

void LostData::between(std::size_t done) {
  if (done == 0 && !discarded_.empty()) {
    archived_ = archive_lost_rows(
        db_, discarded_, {.file = archive_file_, .migration = migration_, .command = bring_back_command(archive_file_)},
        tool_);
  }
  if (done == load_after_ && !plan_.items.empty()) recover();
}

void LostData::recover() {
  done_ = recover_rows(db_,
                       {.plan = plan_,
                        .positions = backup_->manifest->content.sequences,
                        .lc_monetary = backup_->manifest->database.lc_monetary,
                        .orphans_file = orphans_file_,
                        .migration = migration_,
                        .triggers = options_.disable_triggers ? Triggers::disabled : Triggers::fire},
                       tool_);
  recovered_ = true;
}

void LostData::report(Result& result) const {
  if (archived_) {
    Json rows = Json::array();
    std::string lines;
    for (const ArchivedRows& block : archived_->rows) {
      rows.push_back({{"table", block.table},
                      {"columns", block.columns},
                      {"rows", block.rows},
                      {"brings_back", block.brings_back}});
      lines += "  " + words(block) + "\n";
    }
    const std::string command = bring_back_command(archive_file_);
    result.json["archive"]["rows"] = rows;
    result.json["archive"]["file"] = archived_->written ? Json(archive_file_.string()) : Json(nullptr);
    result.json["archive"]["command"] = archived_->written ? Json(command) : Json(nullptr);
    if (archived_->written)
      result.text += fmt::format(
          "Archived, as it was discarded: {}\n{}Once the migration is applied again, this brings "
          "it back:\n  {}\n",
          archive_file_.string(), lines, command);
  }
  if (!recovered_) return;
  result.text += fmt::format("Brought back from {}:\n{}", backup_->archive.string(), counts_text(done_));
  result.json["recover"]["done"] = counts_json(done_);
  const bool orphans =
      std::any_of(done_.items.begin(), done_.items.end(), [](const RecoverCount& count) { return count.orphans > 0; });
  result.json["recover"]["orphans_file"] = orphans ? Json(orphans_file_.string()) : Json(nullptr);
  if (orphans) result.text += fmt::format("What refers to rows that are gone since: {}\n", orphans_file_.string());
}

}  // namespace belay
