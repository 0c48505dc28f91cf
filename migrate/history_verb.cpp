#include "migrate/history_verb.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/run_context.hpp"
#include "migrate/read_history.hpp"
#include "migrate/status.hpp"

namespace belay {

namespace {

std::string state_of_row(const HistoryRow& row) {
  if (row.failed()) return "failed";
  return row.rolled_back_at ? "rolled back" : "applied";
}

Json row_json(const HistoryRow& row) {
  return {{"id", row.id},
          {"name", row.migration_name},
          {"state", state_of_row(row)},
          {"checksum", row.checksum},
          {"started_at", row.started_at},
          {"finished_at", text_or_null(row.finished_at)},
          {"rolled_back_at", text_or_null(row.rolled_back_at)},
          {"applied_steps_count", row.applied_steps_count},
          {"logs", text_or_null(row.logs)}};
}

Json rows_json(const std::vector<HistoryRow>& rows) {
  Json all = Json::array();
  for (const HistoryRow& row : rows) all.push_back(row_json(row));
  return all;
}

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += "    " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string row_text(const HistoryRow& row, const JoinedMigration& migration) {
  std::string text = fmt::format(
      "\nRow {}: {}\n  started      {}\n  finished     {}\n  rolled back  {}\n  steps        "
      "{}\n  checksum     {}\n",
      row.id, state_of_row(row), row.started_at, row.finished_at.value_or("-"), row.rolled_back_at.value_or("-"),
      row.applied_steps_count, row.checksum);
  if (migration.local && migration.local->script)
    text += fmt::format("               {}\n", checksum_matches(row.checksum, *migration.local->script)
                                                   ? "that of the file"
                                                   : "not that of the file");
  if (row.logs && !row.logs->empty()) text += "  logs\n" + indented(*row.logs);
  return text;
}

std::string file_text(const JoinedMigration& migration) {
  if (!migration.local) return "File      none: there is no such folder\n";
  if (!migration.local->script)
    return fmt::format("File      {} cannot be read (P3015)\n", migration.local->file.string());
  return fmt::format("File      {}\nChecksum  {}\n", migration.local->file.string(), migration.local->checksum);
}

std::string state_text(const JoinedMigration& migration) {
  if (!migration.local && migration.rows.empty()) return "unknown: neither a folder nor a row of that name";
  return describe_state(migration);
}

/// What one statement of a failed migration is to the journal of its run.
std::string statement_state(const StatementJournal& journal, std::size_t index) {
  if (index < journal.done) return "done";
  if (index > journal.done) return "not run";
  return journal.begun ? "begun; the next deploy looks at what it left" : "failed, or not run";
}

/// Which statements of a failed migration took effect, as far as it can be told without looking at the schema.
std::string effects_text(const JoinedMigration& migration, const std::optional<StatementJournal>& journal) {
  const bool failed =
      std::any_of(migration.rows.begin(), migration.rows.end(), [](const HistoryRow& row) { return row.failed(); });
  if (!failed || !migration.local || !migration.local->script) return {};
  if (journal && journal->finished_at)
    return fmt::format(
        "\nIt had been applied at {}; {} of {} statements of its reversal are done. `rollback-migration "
        "--migration-name {}` goes on after them.\n",
        *journal->finished_at, journal->done, journal->statements, migration.name);
  const Script script = parse_script(*migration.local->script);
  const bool known = journal && can_resume(*journal, journal->row_id, *migration.local);
  if (!known && script.atomic() && !migration.edited)
    return "\nIt is one transaction: none of its statements took effect.\n";
  if (!known)
    return "\nIt is not one transaction, or was edited since: which statements took effect cannot be told from the "
           "history. Compare the schema: migrate-production diff\n";
  std::string text = "\nStatements\n";
  for (std::size_t i = 0; i < script.statements.size(); ++i) {
    const Statement& s = script.statements[i];
    text += fmt::format("  line {:>4}  {}{}{}: {}\n", s.line, s.kind, s.object.empty() ? "" : " ", s.object,
                        statement_state(*journal, i));
  }
  return text + "`migrate-production deploy` goes on with the first that is not done.\n";
}

int show_one(const MigrateOptions& options, Tool& tool) {
  const std::filesystem::path folder = migrations_folder(options.common);
  const MigrationsFolder read = read_migrations(folder);
  const HistoryReading reading = read_history_only(tool, options.common, folder);
  const JoinedMigration migration = find_joined(read, reading.history, *options.name);
  tool.out.result(describe_migration(migration, options.sql ? Sql::shown : Sql::left_out, reading.history.journal));
  return is_applied(migration) ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace

Result describe_rows(const History& history) {
  std::string text;
  for (const HistoryRow& row : history.rows) {
    text += fmt::format("{}  {:<11}  {}\n", row.rolled_back_at.value_or(row.finished_at.value_or(row.started_at)),
                        state_of_row(row), row.migration_name);
  }
  if (!history.table_exists) {
    text = "There is no history: no table _prisma_migrations.\n";
  } else if (text.empty()) {
    text = "The history is empty.\n";
  }
  return {text, {{"table_exists", history.table_exists}, {"rows", rows_json(history.rows)}}};
}

JoinedMigration find_joined(const MigrationsFolder& folder, const History& history, const std::string& name) {
  const std::vector<JoinedMigration> all = join_history(folder, history);
  const auto found = std::find_if(all.begin(), all.end(), [&](const JoinedMigration& m) { return m.name == name; });
  if (found != all.end()) return *found;
  return {.name = name, .state = MigrationState::pending, .edited = false, .local = {}, .rows = {}};
}

bool is_applied(const JoinedMigration& migration) {
  const auto any = [&](bool (HistoryRow::*is)() const) {
    return std::any_of(migration.rows.begin(), migration.rows.end(),
                       [&](const HistoryRow& row) { return (row.*is)(); });
  };
  return any(&HistoryRow::applied) && !any(&HistoryRow::failed);
}

Result describe_migration(const JoinedMigration& migration, Sql sql, const std::optional<StatementJournal>& journal) {
  std::string text = fmt::format("{}\nState     {}\n", migration.name, state_text(migration)) + file_text(migration);
  for (const HistoryRow& row : migration.rows) text += row_text(row, migration);
  const bool has_journal = journal && journal->migration == migration.name;
  text += effects_text(migration, has_journal ? journal : std::nullopt);
  Json json{
      {"name", migration.name},
      {"applied", is_applied(migration)},
      {"state", !migration.local && migration.rows.empty() ? "unknown" : to_string(migration.state)},
      {"edited", migration.edited},
      {"file", migration.local ? Json(migration.local->file.string()) : Json(nullptr)},
      {"file_checksum", migration.local && migration.local->script ? Json(migration.local->checksum) : Json(nullptr)},
      {"statements_done", has_journal ? Json(journal->done) : Json(nullptr)},
      {"rows", rows_json(migration.rows)}};
  if (sql == Sql::shown && migration.local && migration.local->script) {
    text += "\n" + *migration.local->script;
    if (!text.ends_with('\n')) text += "\n";
    json["sql"] = *migration.local->script;
  }
  return {text, json};
}

int run_history(const MigrateOptions& options, Tool& tool) {
  if (options.name) return show_one(options, tool);
  const HistoryReading reading = read_history_only(tool, options.common, folder_if_found(options.common));
  tool.out.result(describe_rows(reading.history));
  return 0;
}

}  // namespace belay
