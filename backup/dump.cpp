#include "backup/dump.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <set>

#include "common/error.hpp"
#include "common/savepoint.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

std::string object_name(const TableContent& table) {
  return quote_identifier(table.schema) + "." + quote_identifier(table.name);
}

Command dump_command(const BackupPlan& plan, const SessionSettings& settings, const std::string& snapshot) {
  Command command{.program = plan.pg_dump.path,
                  .args = {"--format=custom", "--compress=0", "--snapshot=" + snapshot, "--lock-wait-timeout=2s",
                           "--no-password", "--dbname=" + child_conninfo(plan.url, plan.url.database)},
                  .env = child_connection_environment(plan.url, settings, plan.server.version),
                  .limit = {}};
  command.env.emplace_back("LC_ALL", "C");  // what it says is told apart by its words
  if (plan.wishes.scope == Scope::schema) command.args.emplace_back("--schema-only");
  return command;
}

/// Bytes, rate and the table that is passing, for somebody who watches.
class DumpProgress {
 public:
  DumpProgress(const BackupPlan& plan, const ArchiveWriter& archive, Output& out)
      : expected_(plan.server.database->size_bytes), archive_(archive), out_(out) {}

  void show() const {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began_;
    const Bytes bytes = archive_.dumped();
    const auto rate = static_cast<Bytes>(static_cast<double>(bytes) / std::max(elapsed.count(), 0.001));
    const std::string& table = archive_.reader().current_table();
    out_.progress(fmt::format("dumping {}: {} at {}/s, of a database of {}", table.empty() ? "definitions" : table,
                              human_size(bytes), human_size(rate), human_size(expected_)),
                  {{"phase", "dump"},
                   {"table", table},
                   {"bytes", bytes},
                   {"bytes_per_second", rate},
                   {"rows", archive_.reader().rows()},
                   {"database_bytes", expected_}});
  }

 private:
  Bytes expected_;
  const ArchiveWriter& archive_;
  Output& out_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// pg_dump alone, or with pg_restore behind it, which makes the script.
PipeEnd run_children(const BackupPlan& plan, const Command& dump, ArchiveWriter& archive, const DumpProgress& progress,
                     Tool& tool) {
  const ByteSink seen = [&](ByteSpan bytes) {
    archive.take_dump(bytes);
    progress.show();
  };
  if (plan.wishes.format == ArchiveFormat::custom) return {tool.processes.run(dump, {}, seen), {}, false};
  const Command script{.program = plan.pg_restore.path, .args = {"--file=-"}, .env = {}, .limit = {}};
  return tool.processes.run_pipe(dump, seen, script, [&](ByteSpan bytes) { archive.take_script(bytes); });
}

/// pg_dump's settings go along as a startup parameter, which PgBouncer does not pass on, in session mode neither.
std::string hint_for(const std::string& dump_says) {
  const std::string nothing_done = "No backup was made; the database was only read.";
  if (dump_says.find("unsupported startup parameter") == std::string::npos) return nothing_done;
  return nothing_done + " A backup is taken without a pooler in between: give the server's own address in DIRECT_URL.";
}

}  // namespace

DumpResult run_dump(const BackupPlan& plan, const SessionSettings& settings, const std::string& snapshot,
                    ArchiveWriter& archive, Tool& tool) {
  const DumpProgress progress{plan, archive, tool.out};
  const PipeEnd end = run_children(plan, dump_command(plan, settings, snapshot), archive, progress, tool);
  const Exit& dump = end.first;
  if (end.second_quit || (dump.ok() && !end.second.ok())) {
    throw Error{Failure::failed, fmt::format("pg_restore, which writes the script, ended with {}", end.second.how()),
                end.second.err, "No backup was made; the database was only read."};
  }
  if (dump.ok())
    return {DumpEnd::whole, classify_dump_stderr(dump.err, dump.err_cut ? StderrEnd::cut : StderrEnd::whole), {}};
  const bool waited = dump.err.find("LOCK TABLE") != std::string::npos;
  if (dump.signal == 0 && waited && dump.err.find("permission denied") == std::string::npos)
    return {DumpEnd::no_lock, {}, {}};
  return {DumpEnd::failed,
          {},
          Error{Failure::failed, fmt::format("pg_dump ended with {}", dump.how()), dump.err, hint_for(dump.err)}};
}

namespace {

[[noreturn]] void refuse_incomplete(const TableContent& table, const std::string& how) {
  throw Error{Failure::failed, "the backup was given up: pg_dump left something out",
              fmt::format("Table {} is {}.", object_name(table), how)};
}

void check_not_emptied(const TableContent& table, Connection& snapshot) {
  if (snapshot.value("SELECT pg_relation_size($1::regclass)", {object_name(table)}) == "0") return;
  const Savepoint locks(snapshot);  // thousands of tables may be empty, and their indexes are locked as well
  const Row row = snapshot.one(fmt::format("SELECT count(*) AS n FROM ONLY {}", object_name(table)));
  if (row.number("n") == 0) return;
  throw Error{
      Failure::failed, "the backup was given up: a table is empty in the dump",
      fmt::format("Table {} has {} rows in the snapshot, and none in the dump.", object_name(table), row.text("n")),
      "No backup was kept. Run it again when no DDL is running."};
}

/// Of a dump without rows: every table that is not an extension's own has its definition there.
void check_definitions(const ArchiveReader& archived, Connection& snapshot) {
  std::set<std::pair<std::string, std::string>> defined;
  for (const ArchiveEntry& entry : archived.entries()) {
    if (entry.description == "TABLE") defined.emplace(entry.schema, entry.tag);
  }
  for (const Row& row : snapshot.rows(
           "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
           " WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> "
           "'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND "
           "d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')")) {
    const TableContent table{row.text("nspname"), row.text("relname"), {}, 0, {}};
    if (!defined.contains({table.schema, table.name})) refuse_incomplete(table, "not in the dump");
  }
}

void check_rows(const std::vector<TableContent>& listed, const ContentFingerprint& archived, Connection& snapshot) {
  std::map<std::string, const TableContent*> by_name;
  for (const TableContent& table : archived.tables) by_name[object_name(table)] = &table;
  for (const TableContent& table : listed) {
    const auto found = by_name.find(object_name(table));
    if (found == by_name.end()) refuse_incomplete(table, "not in the dump");
    if (found->second->columns != table.columns) refuse_incomplete(table, "in the dump with other columns");
    if (found->second->rows == 0) check_not_emptied(table, snapshot);
  }
}

}  // namespace

void check_tables(const BackupPlan& plan, const ArchiveReader& archived, Connection& snapshot) {
  if (plan.wishes.scope == Scope::schema) return check_definitions(archived, snapshot);
  check_rows(list_tables(snapshot), archived.content(), snapshot);
}

}  // namespace belay
