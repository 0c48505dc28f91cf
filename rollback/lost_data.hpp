// The data side of one migration's reversal: what the reversal discards is archived, what the migration destroyed is
// brought back from a backup. Looked at and counted before the question, done inside the reversal's transaction.
//
// What is true if the process dies: what was read from the backup is in temporary tables of the target's session and
// gone with it; the rest is part of the reversal's transaction, but for the files, which hold what the database still
// has.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.hpp"
#include "common/run_context.hpp"
#include "rollback/archive_lost.hpp"
#include "rollback/options.hpp"
#include "rollback/recover_load.hpp"
#include "rollback/verdict.hpp"

namespace belay {

struct LostDataRequest {
  const RollbackOptions& options;
  RunContext& context;
  Connection& db;  ///< on the target, idle; the reversal's session
  const std::string& migration;
  std::size_t place = 0;  ///< among those that are taken back, so that their temporary tables do not meet
  ReversalStates states;
  const std::vector<ReversalStatement>& statements;  ///< of a derived reversal; empty = somebody wrote it
  const std::string& script;                         ///< of the reversal
};

class LostData {
 public:
  /// Chooses the backup, reads the rows that are to come back, and counts. Throws refused where a backup that was asked
  /// for is not there, storage where it is damaged.
  LostData(const LostDataRequest& request, Tool& tool);
  LostData(const LostData&) = delete;
  LostData& operator=(const LostData&) = delete;

  /// Counts of statements that recovered values change: rows without a value.
  void correct(std::vector<Counted>& counts) const;
  /// What is planned, for people and for programs.
  void describe(Result& result) const;
  /// Why it is not run: something cannot come back, or is in the way; none if it may be.
  [[nodiscard]] std::optional<Error> refusal() const;
  /// Whether rows or values come back from a backup.
  [[nodiscard]] bool brings_back() const { return !plan_.items.empty(); }
  /// See UndoRequest::between. `done` counts the statements of this migration's reversal.
  void between(std::size_t done);
  /// What was done.
  void report(Result& result) const;

 private:
  void choose_backup();
  void read_backup(std::size_t place);
  void count_live();
  [[nodiscard]] std::filesystem::path folder() const;
  [[nodiscard]] Json counts_json(const RecoverCounts& counts) const;
  [[nodiscard]] std::string counts_text(const RecoverCounts& counts) const;
  void recover();

  const RollbackOptions& options_;
  RunContext& context_;
  Connection& db_;
  Tool& tool_;
  std::string migration_;
  std::vector<ReversalStatement> statements_;
  LostRows discarded_;
  RecoverPlan plan_;
  std::optional<CatalogueEntry> backup_;
  std::size_t load_after_ = 0;  ///< so many statements of the reversal
  RecoverCounts planned_, done_;
  std::string not_counted_;  ///< why the live rows could not be, beforehand
  std::vector<std::string> triggers_;
  std::filesystem::path archive_file_, orphans_file_;
  std::optional<ArchiveReport> archived_;
  bool recovered_ = false;
};

}  // namespace belay
