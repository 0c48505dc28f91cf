// The text of the file in which a reversal keeps what it discards: a script for psql that brings it back once the
// migration has been applied again. Pure; the rows themselves come in between.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "rollback/lost.hpp"

namespace belay {

struct ArchiveHead {
  std::string database, migration, run, time;
  std::string encoding;  ///< of what follows, as PostgreSQL calls it
  std::string command;   ///< that brings it back
};

struct SequencePosition {
  std::string path;  ///< "schema"."name", quoted
  std::int64_t last_value = 0;
  bool is_called = false, descending = false;
};

/// One block of rows: what asks for them, and what stands before and after them.
struct ArchivedBlock {
  std::string table;                      ///< "schema"."name"
  std::vector<std::string> columns = {};  ///< empty = the whole table
  std::string copy_out = {};              ///< COPY … TO STDOUT
  std::string before = {};                ///< ends in COPY … FROM stdin;
  std::string after = {};                 ///< begins with the line that ends the rows
  bool brings_back = true;                ///< false: for a person to use
};

/// What the file begins with. `tables`: "schema"."name" of all that rows are brought back to.
[[nodiscard]] std::string archive_head(const ArchiveHead& head, const std::vector<std::string>& tables);
/// Whole tables first, in an order that suits foreign keys.
[[nodiscard]] std::vector<ArchivedBlock> archived_blocks(const LostRows& lost);
/// Sets the position, never backwards.
[[nodiscard]] std::string position_statement(const SequencePosition& position);
[[nodiscard]] std::string archive_end();

/// `lost_<database>_<stamp>_<migration>.sql.zst`; bytes that a file name should not hold are percent-encoded, a long
/// migration's name is cut.
[[nodiscard]] std::string lost_file_name(const std::string& database, const std::string& stamp,
                                         const std::string& migration);

}  // namespace belay
