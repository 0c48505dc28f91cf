#include "rollback/archive_lost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/fault_point.hpp"
#include "common/pinned_settings.hpp"
#include "common/sql_text.hpp"
#include "rollback/archive_script.hpp"
#include "rollback/lost_file.hpp"

namespace belay {

namespace {

/// Readers go on; whoever writes waits for the reversal, and finds the table gone.
void lock_tables(Connection& db, const std::vector<ArchivedBlock>& blocks) {
  std::set<std::string> tables;
  for (const ArchivedBlock& block : blocks) tables.insert(block.table);
  if (tables.empty()) return;
  std::string list;
  for (const std::string& table : tables) list += (list.empty() ? "ONLY " : ", ONLY ") + table;
  db.run(fmt::format("LOCK TABLE {} IN EXCLUSIVE MODE", list));
}

std::vector<SequencePosition> positions(Connection& db, const LostRows& lost) {
  std::vector<SequencePosition> found;
  for (const LostSequence& sequence : lost.sequences) {
    std::string path = path_of(sequence.schema, sequence.name);
    if (!sequence.identity_of.empty())
      path = db.value("SELECT pg_catalog.pg_get_serial_sequence($1, $2)", {path, sequence.identity_of});
    const Row row = db.one(fmt::format(
        "SELECT last_value, is_called, (SELECT seqincrement < 0 FROM pg_catalog.pg_sequence WHERE seqrelid = "
        "{}::pg_catalog.regclass) AS descending FROM {}",
        quote_literal(path), path));
    found.push_back({.path = path,
                     .last_value = row.number("last_value"),
                     .is_called = row.flag("is_called"),
                     .descending = row.flag("descending")});
  }
  return found;
}

/// Two of them may be one: an identity column's sequence.
std::vector<std::string> tables_to_fill(const std::vector<ArchivedBlock>& blocks) {
  std::vector<std::string> tables;
  for (const ArchivedBlock& block : blocks) {
    if (block.brings_back) tables.push_back(block.table);
  }
  return tables;
}

std::uint64_t copy_block(Connection& db, const ArchivedBlock& block, LostFile& file, Tool& tool) {
  file.write(block.before);
  std::uint64_t rows = 0;
  const std::uint64_t copied = db.copy_out(block.copy_out, [&](ByteSpan row) {
    file.write(as_text(row));
    if ((++rows & 0xfffU) == 0)
      tool.out.progress(fmt::format("archiving {}: {} rows", block.table, human_count(rows)),
                        {{"phase", "archive"}, {"table", block.table}, {"rows", rows}});
  });
  file.write(block.after);
  return copied;
}

}  // namespace

ArchiveReport archive_lost_rows(Connection& db, const LostRows& lost, const ArchiveRequest& request, Tool& tool) {
  const std::vector<ArchivedBlock> blocks = archived_blocks(lost);
  lock_tables(db, blocks);
  const PinnedSettings pinned{db};
  db.run("SET LOCAL row_security = off");  // a row that a policy hides would be lost in silence
  make_private_directories(request.file.parent_path());
  sweep_lost_files(tool.files, request.file.parent_path());
  LostFile file{tool.files, request.file};
  file.write(archive_head({.database = db.database(),
                           .migration = request.migration,
                           .run = tool.run,
                           .time = iso_utc(tool.clock.now()),
                           .encoding = db.value("SHOW client_encoding"),
                           .command = request.command},
                          tables_to_fill(blocks)));
  ArchiveReport report;
  for (const ArchivedBlock& block : blocks) {
    const std::uint64_t rows = copy_block(db, block, file, tool);
    report.rows.push_back({block.table, block.columns, rows, block.brings_back});
    report.written = report.written || rows > 0;
  }
  for (const SequencePosition& position : positions(db, lost)) {
    if (!position.is_called) continue;
    file.write(position_statement(position));
    report.written = true;
  }
  file.write(archive_end());
  db.run("RESET row_security");
  if (report.written) file.commit();
  fault_point("undo: archived");
  return report;
}

}  // namespace belay
