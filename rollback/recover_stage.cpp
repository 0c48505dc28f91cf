#include "rollback/recover_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "backup/archive_source.hpp"
#include "common/copy_statement.hpp"
#include "common/dump_encoding.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t at_once = std::size_t{64} * 1024;

using TablePath = std::pair<std::string, std::string>;

/// A table of the backup whose rows are wanted, and where they go.
struct Wanted {
  std::vector<std::string> columns;
  std::string stage;
  std::uint64_t rows = 0;
  bool found = false;
};

/// Takes pg_restore's script and passes on the rows of wanted tables.
class ScriptRows {
 public:
  ScriptRows(Connection& db, std::map<TablePath, Wanted>& wanted, std::string encoding)
      : db_(db), wanted_(wanted), encoding_(std::move(encoding)) {}
  ~ScriptRows() {
    if (open_ && db_.usable()) db_.cancel_copy_in();
  }
  ScriptRows(const ScriptRows&) = delete;
  ScriptRows& operator=(const ScriptRows&) = delete;

  void take(ByteSpan bytes) {
    std::string_view rest = as_text(bytes);
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line_ += rest.substr(0, end);
      rest.remove_prefix(end + 1);
      take_line();
      line_.clear();
    }
    line_ += rest;
  }

 private:
  void take_line();
  void begin(const CopyStatement& copy);
  void take_row();

  Connection& db_;
  std::map<TablePath, Wanted>& wanted_;
  std::string encoding_, line_;
  std::string rows_ready_;  ///< that were not sent yet
  bool rows_ = false;       ///< lines are rows
  Wanted* open_ = nullptr;  ///< of this table; null = they are not wanted
  std::vector<std::size_t> places_;
  std::vector<std::string_view> fields_;
};

void ScriptRows::take_line() {
  if (!rows_) {
    if (!line_.starts_with("COPY ")) return;
    if (const std::optional<CopyStatement> copy = parse_copy_statement(line_)) begin(*copy);
    return;
  }
  if (line_ != "\\.") return take_row();
  if (open_) {
    db_.copy_in(as_bytes(rows_ready_));
    open_->rows += db_.end_copy_in();
  }
  rows_ready_.clear();
  open_ = nullptr;
  rows_ = false;
}

void ScriptRows::begin(const CopyStatement& copy) {
  rows_ = true;
  const auto name = [&](const std::string& text) { return dumped_name_to_utf8(text, encoding_); };
  const auto found = wanted_.find({name(copy.schema), name(copy.table)});
  if (found == wanted_.end()) return;
  Wanted& wanted = found->second;
  std::vector<std::string> columns;
  for (const std::string& column : copy.columns) columns.push_back(name(column));
  places_.clear();
  for (const std::string& column : wanted.columns) {
    const auto at = std::find(columns.begin(), columns.end(), column);
    if (at == columns.end())
      throw Error{Failure::storage, fmt::format("the backup's rows have no column \"{}\"", column), copy.table};
    places_.push_back(static_cast<std::size_t>(at - columns.begin()));
  }
  wanted.found = true;
  db_.begin_copy_in(fmt::format("COPY {} ({}) FROM STDIN (ENCODING {})", wanted.stage, column_list(wanted.columns),
                                quote_literal(encoding_)));
  open_ = &wanted;
}

/// A tab inside a value is written \t, so every tab ends a value.
void ScriptRows::take_row() {
  if (!open_) return;
  fields_.clear();
  std::string_view rest = line_;
  for (std::size_t tab = rest.find('\t'); tab != std::string_view::npos; tab = rest.find('\t')) {
    fields_.push_back(rest.substr(0, tab));
    rest.remove_prefix(tab + 1);
  }
  fields_.push_back(rest);
  for (const std::size_t place : places_) {
    if (place >= fields_.size()) throw Error{Failure::storage, "a row of the backup has too few values"};
    rows_ready_ += fields_[place];
    rows_ready_ += '\t';
  }
  rows_ready_.back() = '\n';
  if (rows_ready_.size() < at_once) return;
  db_.copy_in(as_bytes(rows_ready_));
  rows_ready_.clear();
}

/// One stage for each table of the backup: what several columns of it need lies in one.
std::map<TablePath, Wanted> wanted_tables(std::vector<RecoverItem>& items, std::size_t place) {
  std::map<TablePath, Wanted> wanted;
  for (RecoverItem& item : items) {
    Wanted& table = wanted[{item.schema, item.table}];
    if (table.stage.empty()) table.stage = fmt::format("pg_temp.belay_recover_{}_{}", place, wanted.size());
    item.stage = table.stage;
    const auto want = [&](const RecoverColumn& column) {
      if (std::find(table.columns.begin(), table.columns.end(), column.backup) == table.columns.end())
        table.columns.push_back(column.backup);
    };
    std::for_each(item.key.begin(), item.key.end(), want);
    std::for_each(item.columns.begin(), item.columns.end(), want);
  }
  return wanted;
}

void make_stage(Connection& db, const Wanted& table) {
  std::string columns;
  for (const std::string& name : table.columns)
    columns += fmt::format("{}{} text", columns.empty() ? "" : ", ", quote_identifier(name));
  db.run(fmt::format("DROP TABLE IF EXISTS {}", table.stage));
  db.run(
      fmt::format("CREATE TEMPORARY TABLE {} ({})", table.stage.substr(std::string_view{"pg_temp."}.size()), columns));
}

Command restore_command(const PgTool& pg_restore, const std::map<TablePath, Wanted>& wanted) {
  Command command{.program = pg_restore.path, .args = {"--data-only", "--file=-"}, .env = {}, .limit = {}};
  std::set<std::string> schemas, tables;
  for (const auto& [path, table] : wanted) {
    schemas.insert(path.first);
    tables.insert(path.second);
  }
  for (const std::string& schema : schemas) command.args.push_back("--schema=" + schema);
  for (const std::string& table : tables) command.args.push_back("--table=" + table);
  return command;
}

void read_archive(const StageRequest& r, const Command& command, ScriptRows& rows, Tool& tool) {
  ArchiveSource source{r.archive, r.manifest.archive, ArchiveSource::Rows::ignore};
  const ByteSource decoded = [&](std::span<std::byte> room) {
    const std::size_t got = source.read(room);
    tool.out.progress(fmt::format("reading the backup: {} of {}", human_size(source.plain_bytes()),
                                  human_size(r.manifest.archive.plain_bytes)),
                      {{"phase", "recover"}, {"bytes", source.plain_bytes()}, {"of", r.manifest.archive.plain_bytes}});
    return got;
  };
  const Exit end = tool.processes.run(command, decoded, [&](ByteSpan bytes) { rows.take(bytes); });
  source.finish();  // damage is told before its consequences
  if (end.ok()) return;
  throw Error{Failure::failed, "pg_restore ended with " + end.how(), end.err, "Nothing was changed."};
}

/// Each item's rows are its own from here on: what has no parent any more is taken out of them one by one.
void separate(Connection& db, std::vector<RecoverItem>& items, std::size_t place) {
  std::set<std::string> taken;
  std::size_t number = 0;
  for (RecoverItem& item : items) {
    ++number;
    if (!taken.insert(item.stage).second) {
      const std::string own = fmt::format("belay_recover_{}_own_{}", place, number);
      std::vector<std::string> names;
      for (const RecoverColumn& column : item.key) names.push_back(column.backup);
      names.push_back(item.column);
      db.run(fmt::format("DROP TABLE IF EXISTS pg_temp.{}", own));
      db.run(fmt::format("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {}", own, column_list(names), item.stage));
      item.stage = "pg_temp." + own;
    }
    // The reversal is run as the role that deploys, which may be another one.
    db.run(fmt::format("GRANT ALL ON {} TO PUBLIC", item.stage));
    db.run("ANALYZE " + item.stage);
  }
}

}  // namespace

void stage_rows(Connection& db, const StageRequest& request, std::vector<RecoverItem>& items, Tool& tool) {
  if (items.empty()) return;
  std::map<TablePath, Wanted> wanted = wanted_tables(items, request.place);
  for (const auto& [path, table] : wanted) make_stage(db, table);
  {
    ScriptRows rows{db, wanted, request.manifest.database.encoding};
    read_archive(request, restore_command(request.pg_restore, wanted), rows, tool);
  }
  for (const RecoverItem& item : items) {
    const Wanted& table = wanted.at({item.schema, item.table});
    if (table.rows != item.in_backup)
      throw Error{Failure::storage,
                  fmt::format("the backup has {} rows of {}, and its manifest says {}", table.rows,
                              path_of(item.schema, item.table), item.in_backup),
                  {},
                  "Name another one with --recover-data=FILE, or leave it out with --no-recover-data."};
  }
  separate(db, items, request.place);
}

}  // namespace belay
