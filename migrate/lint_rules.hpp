// What the files of rules share. A rule looks at one step (a statement, or one of those in a DO block) before it runs,
// or at a whole script after its steps.
#pragma once
#include <string>
#include <vector>

#include "migrate/lint.hpp"
#include "migrate/predicted_locks.hpp"

namespace belay {

struct LintStep {
  const LintScript& script;
  std::size_t index = 0;  ///< of the statement in its script
  const Statement& statement;
  const std::string& kind;     ///< "AlterTableStmt"
  const ParseNode& node;       ///< what stands under that
  const LintCatalog& catalog;  ///< before it runs
  const PredictedEffects& effects;
};

/// What is remembered of a step for the rules about whole scripts.
struct LintTrace {
  std::size_t index = 0;
  int line = 1;
  std::string kind;
  std::string what;                      ///< "ALTER TABLE orders"
  bool changes_schema = false;           ///< of something that was there before
  bool changes_rows = false;             ///< of a table that was there before
  std::string lost;                      ///< what no down.sql can bring back; empty = nothing
  std::vector<QualifiedName> tables;     ///< altered, and there before
  std::vector<QualifiedName> exclusive;  ///< locked with ACCESS EXCLUSIVE
  std::vector<QualifiedName> worked;     ///< gone through, with rows in them
  LintSeverity work_cost = LintSeverity::note;
  std::vector<QualifiedName> made, copied_from, dropped;
};

class LintSink {
 public:
  struct Found {
    LintFinding finding;
    std::size_t script = 0;
    std::optional<std::size_t> statement;
  };
  void begin_script(const LintScript& script, std::size_t number) {
    script_ = &script;
    number_ = number;
  }
  /// About the statement of a step.
  void add(const char* rule, LintSeverity severity, const LintStep& step, const std::string& message,
           const std::string& hint);
  /// About a statement by its place, or (line 0) about the migration as a whole.
  struct Place {
    std::size_t index = 0;
    int line = 0;
  };
  void add(const char* rule, LintSeverity severity, const Place& place, const std::string& message,
           const std::string& hint);
  [[nodiscard]] std::vector<Found>& found() { return found_; }

 private:
  const LintScript* script_ = nullptr;
  std::size_t number_ = 0;
  std::vector<Found> found_;
};

/// What going through the rows of a table costs: below 16 MB a note, below 1 GB or where the size is not known a
/// warning, else an error.
[[nodiscard]] LintSeverity cost_of(const CatalogTable& table);
/// The same for several tables together.
[[nodiscard]] LintSeverity cost_of(const std::vector<const CatalogTable*>& tables);
/// Loss of rows: an error where there are any, or it is not known.
[[nodiscard]] LintSeverity loss_of(const CatalogTable& table);
/// "public.orders (about 1.2 million rows, 340 MB)".
[[nodiscard]] std::string sized(const CatalogTable& table);
/// "a, b and 3 more".
[[nodiscard]] std::string listed(const std::vector<std::string>& words);
/// A table that was there before these scripts, as the statement's `relation` names it.
[[nodiscard]] const CatalogTable* old_table(const LintStep& step, const char* key = "relation");
/// The AlterTableCmd nodes of ALTER TABLE; none for another object.
[[nodiscard]] std::vector<const ParseNode*> table_commands(const LintStep& step);
/// Everything that a DROP names, which was there before.
[[nodiscard]] std::vector<const CatalogTable*> dropped_tables(const LintStep& step, const char* type);
[[nodiscard]] bool cascades(const ParseNode& node);

using StepRule = void (*)(const LintStep&, LintSink&);
void lint_work(const LintStep& step, LintSink& sink);
void lint_locks(const LintStep& step, LintSink& sink);
void lint_loss(const LintStep& step, LintSink& sink);
void lint_drops(const LintStep& step, LintSink& sink);
void lint_clients(const LintStep& step, LintSink& sink);
void lint_refusals(const LintStep& step, LintSink& sink);
[[nodiscard]] LintTrace trace_of(const LintStep& step);

void lint_transactions(const LintScript& script, LintSink& sink);
/// Its name.
void lint_name(const LintScript& script, const std::optional<std::string>& pattern, LintSink& sink);
/// What its statements make together. `catalog`: after the script.
void lint_together(const LintScript& script, const std::vector<LintTrace>& traces, const LintCatalog& catalog,
                   LintSink& sink);

/// Foreign keys and NOT VALID constraints that scripts make: what becomes of them is known at the end of the run.
class MadeConstraints {
 public:
  void see(const LintStep& step, std::size_t script);
  /// At the end of a script, or of all.
  void judge(const std::vector<LintScript>& scripts, const LintCatalog& catalog, LintSink& sink);

 private:
  struct Made {
    std::size_t script, index;
    int line;
    QualifiedName table;
    std::vector<std::string> columns;
    std::string name;
    bool foreign_key, valid;
    bool fresh;  ///< or small
  };
  struct Validated {
    std::size_t script, index;
    int line, made_in;
    QualifiedName table;
    std::string name;
  };
  void add(const LintStep& step, std::size_t script, const QualifiedName& table, const ParseNode& constraint,
           const std::string& column);
  void judge_validation(const LintStep& step, std::size_t script, const QualifiedName& table, const ParseNode& command);
  std::vector<Made> made_;
  std::vector<Validated> validated_;
};

/// Names over 63 bytes, which the server cuts without a word.
void lint_identifiers(const LintScript& script, LintSink& sink);

/// Gives the findings the reasons of the script's `belay:allow` comments, and adds findings about comments that are
/// wrong or have no effect.
void apply_allows(const LintScript& script, std::size_t number, LintSink& sink);

}  // namespace belay
