#include "common/statement_journal.hpp"

#include <fmt/format.h>

#include "common/fault_point.hpp"
#include "common/history_table.hpp"

namespace belay {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format_name = "belay statement journal";
constexpr int version = 1;

void comment_on_table(Connection& db, const std::string& schema, const std::optional<std::string>& comment) {
  db.run(fmt::format("COMMENT ON TABLE {} IS {}", history_table(schema),
                     comment ? quote_literal(*comment) : std::string{"NULL"}));
}

}  // namespace

std::optional<StatementJournal> parse_journal(const std::string& comment) {
  const Json json = Json::parse(comment, nullptr, false);
  if (!json.is_object() || json.value("format", "") != format_name) return std::nullopt;
  try {
    if (json.at("version").get<int>() != version) return std::nullopt;
    StatementJournal journal;
    journal.row_id = json.at("row");
    journal.migration = json.at("migration");
    journal.checksum = json.at("checksum");
    journal.statements = json.at("statements");
    journal.done = json.at("done");
    journal.begun = json.at("begun");
    journal.before = json.at("before");
    journal.indexes = json.at("indexes").get<std::vector<std::string>>();
    if (!json.at("comment").is_null()) journal.table_comment = json.at("comment").get<std::string>();
    if (json.contains("finished_at")) journal.finished_at = json.at("finished_at").get<std::string>();
    return journal;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string to_comment(const StatementJournal& journal) {
  Json json{{"format", format_name},
            {"version", version},
            {"migration", journal.migration},
            {"row", journal.row_id},
            {"checksum", journal.checksum},
            {"statements", journal.statements},
            {"done", journal.done},
            {"begun", journal.begun},
            {"before", journal.before},
            {"indexes", journal.indexes},
            {"comment", journal.table_comment ? Json(*journal.table_comment) : Json(nullptr)}};
  if (journal.finished_at) json["finished_at"] = *journal.finished_at;
  constexpr bool ascii = true;  // it must fit into a database of any encoding
  return json.dump(-1, ' ', ascii, Json::error_handler_t::replace);
}

JournalOnServer read_journal(Connection& db, const std::string& schema) {
  JournalOnServer found;
  const std::optional<Row> row = db.maybe(
      "SELECT pg_catalog.obj_description(c.oid, 'pg_class') AS comment, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS "
      "writable FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "
      "$1 AND c.relname = '_prisma_migrations'",
      {schema});
  if (!row) return found;
  found.writable = row->flag("writable");
  found.table_comment = row->cell("comment");
  if (found.table_comment) found.journal = parse_journal(*found.table_comment);
  if (found.journal) found.table_comment = found.journal->table_comment;
  return found;
}

void write_journal(Connection& db, const std::string& schema, const StatementJournal& journal) {
  comment_on_table(db, schema, to_comment(journal));
}

void remove_journal(Connection& db, const std::string& schema, const StatementJournal& journal) {
  comment_on_table(db, schema, journal.table_comment);
}

bool can_resume(const StatementJournal& journal, const std::string& row_id, const Migration& migration) {
  if (journal.finished_at) return false;  // a reversal's: rollback-migration goes on with it
  return journal.row_id == row_id && journal.migration == migration.name && journal.checksum == migration.checksum;
}

}  // namespace belay
