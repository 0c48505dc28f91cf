// What a reversal discards, archived inside its transaction: the tables are locked against writers, their rows go to a
// file, and the file is on the disk before the reversal's first statement.
//
// What is true if the process dies: before the rename a .partial file is there, which the next run removes; after it
// the file is there and the database is as before, unless the transaction was committed, and then the file holds what
// it discarded.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/run_tool.hpp"
#include "rollback/lost.hpp"

namespace belay {

struct ArchiveRequest {
  std::filesystem::path file;
  std::string migration;
  std::string command;  ///< that brings it back
};

struct ArchivedRows {
  std::string table;                 ///< "schema"."name"
  std::vector<std::string> columns;  ///< empty = the whole table
  std::uint64_t rows = 0;
  bool brings_back = true;  ///< false: for a person to use
};

struct ArchiveReport {
  std::vector<ArchivedRows> rows;
  bool written = false;  ///< false: there was nothing in any of them
};

/// `db`: in the reversal's transaction. Throws ServerError where the tables cannot be locked or read; storage.
[[nodiscard]] ArchiveReport archive_lost_rows(Connection& db, const LostRows& lost, const ArchiveRequest& request,
                                              Tool& tool);

}  // namespace belay
