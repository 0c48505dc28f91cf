// The proof of a reversal, on side databases: the migrations are replayed, the reversal is run, and what comes out has
// to be what the history without the migration makes. Then the migration is run again, and has to make what it made.
//
// What is true if the process dies: as for a replay (common/replay.hpp). The target is never written to.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "common/replay.hpp"
#include "common/statement_meter.hpp"
#include "rollback/data_changes.hpp"
#include "rollback/lost.hpp"
#include "rollback/reverse.hpp"

namespace belay {

struct ProofRequest {
  ReplayRequest replay;
  std::vector<Migration> applied;          ///< all that are applied, in the folder's order
  std::string name;                        ///< of the one to be taken back: one of `applied`, or it failed
  std::optional<std::string> failed = {};  ///< the script of the one that failed
  std::optional<std::string> down;         ///< its reversal as somebody wrote it; none = it is derived
  bool gone = false;                       ///< it is applied, and its folder is gone: only `down` is known
  SchemaFingerprint live;
  std::string objects_owner;  ///< whose the live objects are
};

struct ProofResult {
  std::vector<ReversalStatement> statements;  ///< of a derived reversal
  std::string script;                         ///< the reversal; empty if none could be derived
  std::vector<std::string> not_derivable;
  std::vector<MeasuredStatement> measured;  ///< of the script, in the empty side database: its locks are right
  std::vector<DataChange> data;             ///< what the migration did to rows that were there
  std::vector<DataChange> down_data;        ///< what the reversal does to rows, where somebody wrote it
  /// Later migrations that cannot be run without it, in order, and why the first cannot.
  std::vector<std::string> dependents;
  std::string why_dependent;
  std::vector<SchemaDifference> drift;    ///< hard: live against what the history makes
  std::vector<SchemaDifference> residue;  ///< hard: what the reversal leaves
  std::vector<SchemaDifference> soft;     ///< further differences that do not count
  std::vector<SchemaDifference> litter;   ///< hard: what differs once the migration was run again
  std::vector<std::string> lost_columns;  ///< older than the migration, and not there or others after the reversal
  std::vector<std::string> not_compared;  ///< kinds, and the number of objects
  std::string failure;                    ///< the reversal, or the migration after it, could not be run: why
  bool of_failed = false;                 ///< the migration failed
  bool of_gone = false;                   ///< what the migration did is not known: only a trial on a copy can prove it
  /// Of one that failed: so many of its statements, from the first, are in the schema; none = it cannot be told, and
  /// `residue` is what differs from the history without it.
  std::optional<std::size_t> took_effect;
  std::vector<std::string> invalid_indexes;  ///< that it left half built
  bool changes_schema = true;                ///< the migration makes a difference to the schema
  bool already_back = false;                 ///< the live schema is what the history without the migration makes
  [[nodiscard]] bool proven() const {
    return !script.empty() && dependents.empty() && residue.empty() && litter.empty() && lost_columns.empty() &&
           failure.empty();
  }
};

class ReversalProof {
 public:
  /// Replays, derives and tries. Throws refused where the history itself cannot be replayed; connection; interrupted.
  ReversalProof(ProofRequest request, Tool& tool);
  [[nodiscard]] const ProofResult& result() const { return result_; }
  /// Of a reversal that was tried.
  [[nodiscard]] ReversalStates states() const { return {before_, after_, latest_, reversed_}; }
  /// Hard differences of `found`, the target inside the reversal's transaction, from what the history without the
  /// migration makes. Those that were there before as `drift` are left out.
  [[nodiscard]] std::vector<SchemaDifference> remaining(SchemaFingerprint found,
                                                        const std::vector<SchemaDifference>& drift);
  /// Whether `live` is what the history without the migration makes, although the migration makes a difference.
  [[nodiscard]] bool is_already(const SchemaFingerprint& live);
  /// What the history without the migration makes. Only where no later one needs it.
  [[nodiscard]] const SchemaFingerprint& without() const { return without_.value(); }
  /// Drops the side database.
  void finish();

 private:
  void judge_failed();
  void judge_gone();
  void find_what_took_effect();
  [[nodiscard]] bool is_where_live_is();
  void reverse_failed(const CatalogState& before);
  void replay_without();
  void replay_with();
  void derive();
  void try_reversal();
  void note_lost_columns();
  [[nodiscard]] std::string run_script(const std::string& what, const std::string& script,
                                       StatementMeter* meter = nullptr);
  [[nodiscard]] SchemaFingerprint read();
  enum class Found { replayed, live };  ///< which database the facts are of
  [[nodiscard]] std::vector<SchemaDifference> differences(const SchemaFingerprint& expected, SchemaFingerprint found,
                                                          Found where);
  [[nodiscard]] std::vector<SchemaDifference> hard(std::vector<SchemaDifference> all);

  ProofRequest request_;
  Tool& tool_;
  ProofResult result_;
  std::size_t at_ = 0;  ///< index of the migration in `applied`
  std::optional<Replay> side_;
  bool same_role_ = true;
  CatalogState before_, after_, latest_, reversed_;
  std::optional<SchemaFingerprint> without_;  ///< what the history without the migration makes
  SchemaFingerprint with_;                    ///< what all of it makes
};

}  // namespace belay
