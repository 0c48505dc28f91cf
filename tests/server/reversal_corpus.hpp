// Histories of applications, migration by migration: each is run, taken back by what is derived for it where the tool
// would do so, and what comes out is compared by means that share nothing with the tool: plain pg_dump, and every row.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tests/support/server.hpp"

namespace belay::test {

struct CorpusMigration {
  std::string name, sql;
  std::string rows;  ///< what the application writes once it is applied; may be empty
};

struct CorpusApplication {
  std::string name;
  std::vector<CorpusMigration> migrations;  ///< in order
};

/// tests/corpus: a folder per application, in it one per migration with migration.sql and, where there are any,
/// rows.sql. `app_reader` in them stands for a role that a walk makes for itself.
[[nodiscard]] std::vector<CorpusApplication> read_corpus();

/// What became of one migration.
struct TriedReversal {
  std::string application, migration;
  /// What of the rows that were there the migration destroyed, by comparing them before it and after it; empty =
  /// nothing.
  std::string destroyed = {};
  std::string refused = {};  ///< why the tool would not take it back; empty = derived and proven
  std::string loss = {};     ///< the worst that a statement of the reversal does to rows
  /// What differs although the tool calls the reversal proven and lossless. Empty is the aim.
  std::vector<std::string> wrong = {};
  std::vector<std::string> noise = {};  ///< differences of pg_dump's text that are allowed, see allowed_noise
  double seconds = 0;
};

/// Walks the application's history. Migrations outside [from, to) are only run.
[[nodiscard]] std::vector<TriedReversal> walk_history(const CorpusApplication& application, std::size_t from,
                                                      std::size_t to);

/// The closing table: numbers, and a line for each migration that was not taken back.
[[nodiscard]] std::string reversal_table(const std::vector<TriedReversal>& tried);

/// Share of those that were taken back, of those that destroyed nothing; in percent.
[[nodiscard]] double share_taken_back(const std::vector<TriedReversal>& tried);

}  // namespace belay::test
