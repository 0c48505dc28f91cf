// What a statement will lock, and what it will do to the tables under that lock, told from its parse tree and the
// catalog before it runs. What the rehearsal measures has to be the same: lock_truth_test compares the two.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "migrate/lint_catalog.hpp"

namespace belay {

/// In the order of their strength, numbered as the server does (LockStmt.mode).
enum class LockMode {
  none,
  access_share,
  row_share,
  row_exclusive,
  share_update_exclusive,
  share,
  share_row_exclusive,
  exclusive,
  access_exclusive
};
/// "ACCESS EXCLUSIVE"; empty for none.
[[nodiscard]] std::string_view to_string(LockMode mode);
/// "SHARE ROW EXCLUSIVE" keeps out writers, "ACCESS EXCLUSIVE" everybody; for people.
[[nodiscard]] std::string_view who_waits(LockMode mode);

struct PredictedLock {
  QualifiedName relation;  ///< a table, view, index or sequence that was there before
  LockMode mode = LockMode::none;
};

enum class Work { scan, index_build, rewrite };

/// Why the rows have to be gone through. One cause is one rule of the lint, as far as it has one.
enum class WorkCause {
  type_change,
  volatile_default,
  auto_increment,
  generated_column,
  constrained_domain,
  not_null,
  check,
  foreign_key,
  unique,
  primary_key,
  exclusion,
  index,
  reindex,
  storage,  ///< SET LOGGED, SET UNLOGGED, SET ACCESS METHOD, SET TABLESPACE
  cluster,  ///< CLUSTER, VACUUM FULL
  attach,
  domain_constraint,
  validate,
  refresh,
  truncate
};

struct TableWork {
  QualifiedName table;
  Work work = Work::scan;
  WorkCause cause = WorkCause::check;
  std::string subject;  ///< the column, constraint or index, for people: `column "a"`
};

struct PredictedEffects {
  std::vector<PredictedLock> locks;  ///< the strongest for each relation; nothing weaker than SHARE UPDATE EXCLUSIVE
  std::vector<TableWork> work;
  [[nodiscard]] LockMode mode_on(const QualifiedName& relation) const;
  /// Tables that get a new file, without repetition.
  [[nodiscard]] std::vector<QualifiedName> rewritten() const;
};

/// `statement`: {"AlterTableStmt": {…}}. Relations that the scripts made themselves are left out: nobody can wait for
/// them.
[[nodiscard]] PredictedEffects predict_effects(const ParseNode& statement, const LintCatalog& catalog);

/// Puts effects together: used by predict_effects and its part for ALTER TABLE.
class EffectsBuilder {
 public:
  explicit EffectsBuilder(const LintCatalog& catalog) : catalog_(catalog) {}
  [[nodiscard]] const LintCatalog& catalog() const { return catalog_; }
  void lock(const CatalogTable& table, LockMode mode);
  /// A relation that need not be in the catalog: an index, a sequence.
  void lock_name(const QualifiedName& name, LockMode mode);
  void lock_with_children(const CatalogTable& table, LockMode mode);
  void work(const CatalogTable& table, Work work, WorkCause cause, const std::string& subject = {});
  /// Every view on the table, and every view on those.
  void lock_views(const CatalogTable& table, LockMode mode, int depth = 0);
  [[nodiscard]] PredictedEffects take() { return std::move(effects_); }

 private:
  const LintCatalog& catalog_;
  PredictedEffects effects_;
};

void predict_alter_table(const ParseNode& node, EffectsBuilder& effects);
/// A foreign key that is being made: what it locks and reads.
void predict_foreign_key(const CatalogTable* table, const ParseNode& constraint, EffectsBuilder& effects);
/// True if evaluating the expression gives another value for each row.
[[nodiscard]] bool is_volatile(const ParseNode& expression, const LintCatalog& catalog);

}  // namespace belay
