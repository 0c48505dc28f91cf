// For each kind of DDL: what PostgreSQL's documentation and source say it locks and writes anew, what the meter of the
// rehearsal measures, and what the lint predicts. All three have to be the same.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/statement_meter.hpp"
#include "migrate/predicted_locks.hpp"
#include "tests/server/lock_kinds.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

std::string text_of(const Locks& locks) {
  std::string text;
  for (const auto& [table, mode] : locks) text += mode + " on " + table + "; ";
  return text;
}

/// Modes by strength.
int strength(const std::string& mode) {
  for (int i = 0; i <= 8; ++i) {
    if (to_string(static_cast<LockMode>(i)) == mode) return i;
  }
  return -1;
}

class Truth {
 public:
  Truth() : database_("locks"), db_(database_.connect()) {}

  void check(const Kind& kind) {
    INFO(kind.setup << "; " << kind.statement);
    db_.run_script("RESET timezone; CREATE SCHEMA truth; SET search_path = truth; " + std::string{tables} + kind.setup);
    predict(kind);
    measure(kind);
    db_.run_script(
        "SET client_min_messages = warning; DROP PUBLICATION IF EXISTS belay_lock_truth; DROP SCHEMA truth "
        "CASCADE; DROP SCHEMA IF EXISTS elsewhere CASCADE");
  }

 private:
  void predict(const Kind& kind) {
    const LintCatalog catalog = read_lint_catalog(db_, std::nullopt);
    const auto node = parse_statement(kind.statement);
    REQUIRE(node);
    const PredictedEffects effects = predict_effects(*node, catalog);
    Locks locks;
    accessories_.clear();
    for (const PredictedLock& lock : effects.locks) {
      if (catalog.tables.contains(lock.relation)) {
        locks[lock.relation.name] = to_string(lock.mode);
      } else {
        accessories_[lock.relation.name] = to_string(lock.mode);
      }
    }
    std::set<std::string> rewritten;
    for (const QualifiedName& name : effects.rewritten()) rewritten.insert(name.name);
    CHECK(text_of(locks) == text_of(kind.locks));
    CHECK(rewritten == kind.rewritten);
    worked_.clear();
    for (const TableWork& work : effects.work) worked_.insert(work.table.name);
  }

  /// Indexes and sequences are measured too: of those every one that was predicted has to be there.
  void measure(const Kind& kind) {
    std::set<std::string> relations;
    for (const Row& row : db_.rows("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND "
                                   "relnamespace = 'truth'::regnamespace"))
      relations.insert(row.text(0));
    StatementMeter meter{db_};
    meter.begin_script();
    Statement statement;
    statement.text = kind.statement;
    db_.run("BEGIN");
    meter.before(statement);
    read_before_ = rows_read();
    db_.run_script(kind.statement);
    meter.after(statement);
    check_reading(kind);
    db_.run("ROLLBACK");
    meter.end_script();
    const MeasuredStatement& measured = meter.statements().back();
    Locks locks, accessories;
    for (const TableLock& lock : measured.locks) {
      const std::string name = lock.table.substr(lock.table.find('.') + 1);
      Locks& to = relations.contains(name) ? locks : accessories;
      if (!to.contains(name) || strength(to[name]) < strength(lock.mode)) to[name] = lock.mode;
    }
    std::set<std::string> rewritten;
    for (const std::string& name : measured.rewritten) {
      if (relations.contains(name.substr(name.find('.') + 1))) rewritten.insert(name.substr(name.find('.') + 1));
    }
    CHECK(text_of(locks) == text_of(kind.locks));
    CHECK(rewritten == kind.rewritten);
    for (const auto& [name, mode] : accessories_) {
      INFO(name);
      CHECK(accessories[name] == mode);
    }
  }

  /// Since the session's statistics were last sent on.
  [[nodiscard]] std::map<std::string, std::int64_t> rows_read() {
    std::map<std::string, std::int64_t> read;
    for (const Row& row :
         db_.rows("SELECT relname, seq_tup_read AS n FROM pg_stat_xact_user_tables WHERE schemaname = 'truth'"))
      read[row.text("relname")] = row.number("n");
    return read;
  }

  /// Which tables were gone through, as the server's own statistics count it.
  void check_reading(const Kind& kind) {
    const bool alters = kind.statement.starts_with("ALTER") || kind.statement.starts_with("CREATE INDEX");
    if (!alters) return;
    std::set<std::string> read;
    for (const auto& [table, rows] : rows_read()) {
      if (rows > read_before_[table]) read.insert(table);
    }
    // Looking up each value reads the referenced table too.
    const bool looks_up = (kind.statement + kind.setup).find("FOREIGN KEY") != std::string::npos;
    if (looks_up) std::erase_if(read, [&](const std::string& table) { return !worked_.contains(table); });
    CHECK(read == worked_);
  }

  TestDatabase database_;
  Connection db_;
  Locks accessories_;
  std::set<std::string> worked_;
  std::map<std::string, std::int64_t> read_before_;
};

void check_locks(const std::vector<Kind>& kinds) {
  Truth truth;
  for (const Kind& kind : kinds) truth.check(kind);
}

TEST_CASE("adding and dropping columns: documented, measured and predicted locks and rewrites are the same") {
  check_locks(adding_columns);
}

TEST_CASE("changing a column's type: documented, measured and predicted locks and rewrites are the same") {
  check_locks(changing_types);
}

TEST_CASE("constraints: documented, measured and predicted locks and rewrites are the same") {
  check_locks(constraints);
}

TEST_CASE("partitions and children: documented, measured and predicted locks and rewrites are the same") {
  check_locks(partitioned_tables);
}

TEST_CASE("all other kinds of DDL: documented, measured and predicted locks and rewrites are the same") {
  check_locks(other_kinds);
}

}  // namespace
}  // namespace belay::test
