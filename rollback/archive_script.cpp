#include "rollback/archive_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/sql_text.hpp"

namespace belay {

namespace {

/// Triggers did their work when the rows were written first. Which were switched on is put back exactly.
std::string triggers_off(const std::vector<std::string>& tables) {
  std::string list;
  for (const std::string& table : tables)
    list += (list.empty() ? "" : ", ") + quote_literal(table) + "::pg_catalog.regclass";
  return fmt::format(
      "CREATE TEMPORARY TABLE belay_triggers ON COMMIT DROP AS SELECT tgrelid::pg_catalog.regclass AS of_table, "
      "tgname, "
      "tgenabled FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgrelid IN ({});\n"
      "DO $belay$ DECLARE t record; BEGIN FOR t IN SELECT * FROM pg_temp.belay_triggers LOOP EXECUTE "
      "pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', t.of_table, t.tgname); END LOOP; END $belay$;\n\n",
      list);
}

constexpr const char* triggers_on =
    "SET CONSTRAINTS ALL IMMEDIATE;\n"
    "DO $belay$ DECLARE t record; BEGIN IF pg_catalog.to_regclass('pg_temp.belay_triggers') IS NULL THEN RETURN; END "
    "IF; FOR t IN SELECT * FROM pg_temp.belay_triggers LOOP EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE %s "
    "TRIGGER %I', t.of_table, CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END, t.tgname); END LOOP; END "
    "$belay$;\n";

std::string stand_in(std::size_t number) { return fmt::format("belay_rows_{}", number); }

std::string make_stand_in(std::size_t number, const std::string& table, const std::vector<std::string>& columns) {
  return fmt::format(
      "CREATE TEMPORARY TABLE {0} ON COMMIT DROP AS SELECT {1} FROM {2} WITH NO DATA;\nCOPY pg_temp.{0} ({1}) FROM "
      "stdin;\n",
      stand_in(number), column_list(columns), table);
}

std::string same_key(const std::vector<std::string>& key) {
  std::string condition;
  for (const std::string& name : key)
    condition += fmt::format("{0}t.{1} = v.{1}", condition.empty() ? "" : " AND ", quote_identifier(name));
  return condition;
}

std::string copy_out(const std::string& table, const std::vector<std::string>& columns) {
  return fmt::format("COPY (SELECT {} FROM ONLY {}) TO STDOUT", column_list(columns), table);
}

std::string do_unless(const std::string& condition, const std::string& message) {
  return fmt::format("DO $belay$ BEGIN IF {} THEN RAISE EXCEPTION USING MESSAGE = {}; END IF; END $belay$;\n",
                     condition, quote_literal(message));
}

ArchivedBlock whole_table(const LostTable& lost, std::size_t number) {
  const std::string table = path_of(lost.schema, lost.name);
  ArchivedBlock block{.table = table, .columns = {}, .copy_out = copy_out(table, lost.columns)};
  block.before = fmt::format("-- All rows of {}.\n", table);
  if (lost.key.empty()) {
    block.before += do_unless(fmt::format("EXISTS (SELECT FROM {})", table),
                              table + " has no primary key, and rows are in it by now") +
                    fmt::format("COPY {} ({}) FROM stdin;\n", table, column_list(lost.columns));
    block.after = "\\.\n\n";
    return block;
  }
  block.before += make_stand_in(number, table, lost.columns);
  block.after = fmt::format(
      "\\.\nINSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.{} ON CONFLICT DO NOTHING;\n", table,
      column_list(lost.columns), column_list(lost.columns), stand_in(number));
  block.after +=
      do_unless(fmt::format("EXISTS (SELECT FROM pg_temp.{} AS v WHERE NOT EXISTS (SELECT FROM {} AS t WHERE "
                            "{} AND ROW({})::text = ROW({})::text))",
                            stand_in(number), table, same_key(lost.key), column_list(lost.columns, "t."),
                            column_list(lost.columns, "v.")),
                table + ": rows are there by now that are not those of this file") +
      "\n";
  return block;
}

/// Lost columns of one table that keeps its others.
ArchivedBlock some_columns(const std::vector<const LostColumn*>& lost, std::size_t number) {
  const LostColumn& first = *lost.front();
  const std::string table = path_of(first.schema, first.table_name);
  ArchivedBlock block{.table = table};
  std::string set;
  std::vector<std::string> columns = first.key;
  for (const LostColumn* column : lost) {
    block.columns.push_back(column->name);
    if (std::find(columns.begin(), columns.end(), column->name) == columns.end()) columns.push_back(column->name);
    block.brings_back = block.brings_back && !column->always_identity;
    set += fmt::format("{0}{1} = v.{1}", set.empty() ? "" : ", ", quote_identifier(column->name));
  }
  const bool in_key = std::any_of(lost.begin(), lost.end(), [&](const LostColumn* column) {
    return std::find(first.key.begin(), first.key.end(), column->name) != first.key.end();
  });
  block.brings_back = block.brings_back && !first.key.empty() && !in_key;
  const std::vector<std::string>& copied = block.brings_back ? columns : first.columns;
  block.copy_out = copy_out(table, copied);
  const std::string names = column_list(block.columns);
  block.before = block.brings_back ? fmt::format("-- Of {}: {}, by the primary key.\n", table, names)
                                   : fmt::format(
                                         "-- Of {}: {}. No primary key says which row a value belongs to, so "
                                         "these are the whole rows,\n-- for a person to use. Nothing is changed "
                                         "by them.\n",
                                         table, names);
  block.before += make_stand_in(number, table, copied);
  block.after = "\\.\n";
  if (block.brings_back)
    block.after += fmt::format("UPDATE ONLY {} AS t SET {} FROM pg_temp.{} AS v WHERE {};\n", table, set,
                               stand_in(number), same_key(first.key));
  block.after += "\n";
  return block;
}

std::string without_controls(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace

std::string archive_head(const ArchiveHead& head, const std::vector<std::string>& tables) {
  std::string text = fmt::format(
      "-- What rollback-migration discarded when it took migration {} back.\n"
      "-- Database {}, archived {}, run {}.\n"
      "--\n"
      "-- It fits the schema that the migration makes. Apply the migration again, then bring this back:\n"
      "--   {}\n"
      "-- It is one transaction. A row of a table that is there by then with other values is not overwritten: nothing "
      "is\n"
      "-- brought back then. A column's values are overwritten. Triggers of the tables are off meanwhile.\n\n",
      without_controls(head.migration), without_controls(head.database), head.time, head.run,
      without_controls(head.command));
  text += fmt::format(
      "\\set ON_ERROR_STOP on\nBEGIN;\nSET LOCAL client_encoding = {};\nSET LOCAL DateStyle = 'ISO, MDY';\nSET LOCAL "
      "IntervalStyle = 'postgres';\nSET LOCAL lc_monetary = 'C';\nSET LOCAL xmloption = 'content';\nSET LOCAL "
      "standard_conforming_strings = on;\n\n",
      quote_literal(head.encoding));
  if (!tables.empty()) text += triggers_off(tables);
  return text;
}

std::vector<ArchivedBlock> archived_blocks(const LostRows& lost) {
  std::vector<ArchivedBlock> blocks;
  for (const LostTable& table : lost.tables) {
    if (!table.columns.empty()) blocks.push_back(whole_table(table, blocks.size() + 1));
  }
  std::map<ObjectId, std::vector<const LostColumn*>> by_table;
  for (const LostColumn& column : lost.columns) by_table[column.table].push_back(&column);
  for (const auto& [id, columns] : by_table) blocks.push_back(some_columns(columns, blocks.size() + 1));
  return blocks;
}

std::string position_statement(const SequencePosition& p) {
  const char* behind = p.descending ? ">" : "<";
  return fmt::format(
      "SELECT pg_catalog.setval({0}, {1}, {2}) FROM {3} WHERE last_value {4} {1} OR (last_value = {1} AND NOT "
      "is_called);\n",
      quote_literal(p.path), p.last_value, p.is_called ? "true" : "false", p.path, behind);
}

std::string archive_end() { return std::string{triggers_on} + "COMMIT;\n"; }

std::string lost_file_name(const std::string& database, const std::string& stamp, const std::string& migration) {
  const auto encoded = [](const std::string& name, std::size_t most) {
    std::string out;
    for (const char c : name) {
      const bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      const std::string piece = plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
      if (out.size() + piece.size() > most) break;
      out += piece;
    }
    return out;
  };
  return fmt::format("lost_{}_{}_{}.sql.zst", encoded(database, 63), stamp, encoded(migration, 100));
}

}  // namespace belay
