#include "tests/server/reversal_corpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <utility>

#include "rollback/object_text.hpp"
#include "rollback/verdict.hpp"
#include "tests/server/reversal_oracle.hpp"
#include "tests/server/reversal_support.hpp"
#include "tests/server/row_snapshot.hpp"

namespace belay::test {

namespace {

namespace fs = std::filesystem;

const std::string reader_role = "app_reader";

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string with_role(std::string sql, const std::string& role) {
  for (std::size_t at = sql.find(reader_role); at != std::string::npos; at = sql.find(reader_role, at + role.size()))
    sql.replace(at, reader_role.size(), role);
  return sql;
}

/// The role that app_reader stands for. Declared before the database, so that it goes after it.
class ReaderRole {
 public:
  explicit ReaderRole(const std::string& application) : name_(fmt::format("reader_{}_{}", application, ::getpid())) {
    run_sql(server_url(), "CREATE ROLE " + name_);
  }
  ~ReaderRole() {
    try {
      run_sql(server_url(), "DROP ROLE " + name_);
    } catch (const std::exception& error) {
      fmt::print(stderr, "could not drop role {}: {}\n", name_, error.what());
    }
  }
  ReaderRole(const ReaderRole&) = delete;
  ReaderRole& operator=(const ReaderRole&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// All that is looked at in one state of the database.
struct Look {
  SchemaFingerprint fingerprint;
  CatalogState catalog;
  RowSnapshot by_identity;
};

Look look_at(Connection& db) {
  return {read_schema_fingerprint(db, "public"), read_catalog_state(db, "public"), read_rows(db, ColumnKey::identity)};
}

std::vector<SchemaDifference> hard(std::vector<SchemaDifference> all) {
  std::erase_if(all, [](const SchemaDifference& difference) { return difference.severity != Severity::hard; });
  return all;
}

std::string one_line(const Error& error) {
  std::string text = error.message + ": " + error.detail;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.substr(0, 400);
}

/// One application's database on its way through the history.
class Walk {
 public:
  explicit Walk(const CorpusApplication& application)
      : application_(application), role_(application.name), database_("corpus_" + application.name) {}

  void only_run(const CorpusMigration& migration) {
    run(migration.sql);
    write_rows(migration);
  }
  TriedReversal attempt(const CorpusMigration& migration);

 private:
  void run(const std::string& sql) {
    Connection db = database_.connect();
    db.run_script(with_role(sql, role_.name()));
  }
  void write_rows(const CorpusMigration& migration) {
    if (!migration.rows.empty()) run(migration.rows);
  }
  [[nodiscard]] ProofResult derive(const CorpusMigration& migration, const Look& before, const Look& after);
  void take_back(const CorpusMigration& migration, const Look& before, const Look& after, TriedReversal& result);
  void compare(const Look& before, const Look& after, const std::string& dump, const RowSnapshot& named,
               TriedReversal& result);
  void take_back_later(const Look& before, TriedReversal& result);
  [[nodiscard]] std::vector<Counted> counts(Connection& db) const;
  void judge(const CorpusMigration& migration, const std::vector<Counted>& counted, TriedReversal& result) const;
  [[nodiscard]] bool says_that_values_go(const std::vector<Counted>& counted) const;

  const CorpusApplication& application_;
  ReaderRole role_;
  TestDatabase database_;
  ProofResult proof_;  ///< of the migration that is tried
};

TriedReversal Walk::attempt(const CorpusMigration& migration) {
  const auto start = std::chrono::steady_clock::now();
  TriedReversal result{.application = application_.name, .migration = migration.name};
  Connection db = database_.connect();
  const Look before = look_at(db);
  const RowSnapshot named = read_rows(db, ColumnKey::name);
  const std::string dump = database_.dump({"--schema-only"});
  run(migration.sql);
  Look after = look_at(db);
  note_exact_conversions(parse_script(migration.sql), after.catalog);
  result.destroyed = destroyed_by_migration(db, before.by_identity, after.by_identity);
  proof_ = derive(migration, before, after);
  result.loss = worst_of(proof_.statements);
  judge(migration, counts(db), result);
  if (result.refused.empty()) {
    run(proof_.script);
    compare(before, after, dump, named, result);
    take_back(migration, before, after, result);
  }
  write_rows(migration);
  if (result.refused.empty()) take_back_later(before, result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

ProofResult Walk::derive(const CorpusMigration& migration, const Look& before, const Look& after) {
  Connection db = database_.connect();
  ProofResult proof;
  const DerivedReversal derived = derive_reversal(db, before.catalog, after.catalog, "public");
  proof.statements = derived.statements;
  proof.not_derivable = derived.not_derivable;
  if (proof.not_derivable.empty()) proof.script = script_of(derived.statements);
  proof.data = data_changes(parse_script(migration.sql), before.catalog, after.catalog);
  for (DataChange& change : replaced_data(before.catalog, after.catalog)) proof.data.push_back(std::move(change));
  return proof;
}

std::vector<Counted> Walk::counts(Connection& db) const {
  std::vector<Counted> counted;
  for (const ReversalStatement& statement : proof_.statements) {
    Counted one;
    if (!statement.count.empty()) {
      try {
        one.number = std::stoull(db.value(statement.count));
      } catch (const ServerError& error) {
        one.why_not = error.primary;
      }
    }
    counted.push_back(std::move(one));
  }
  return counted;
}

/// As the tool does, which would say no here too.
void Walk::judge(const CorpusMigration& migration, const std::vector<Counted>& counted, TriedReversal& result) const {
  const Judged judged{
      .name = migration.name, .proof = proof_, .counts = counted, .source = "derived", .measured = proof_.measured};
  const std::optional<Error> error = refusal(judged);
  if (error) result.refused = one_line(*error);
  for (std::size_t i = 0; i < counted.size(); ++i) {
    if (!counted[i].why_not.empty())
      result.wrong.push_back(fmt::format("{} could not be counted: {}", proof_.statements[i].sql, counted[i].why_not));
  }
}

/// What the proof asks after the reversal, and the migration once more.
void Walk::take_back(const CorpusMigration& migration, const Look& before, const Look& after, TriedReversal& result) {
  Connection db = database_.connect();
  const Look now = look_at(db);
  proof_.residue = hard(compare_schema(before.fingerprint, now.fingerprint, &db));
  for (const auto& [id, column] : after.catalog.objects) {
    const CatalogObject* was = before.catalog.find(id);
    const bool older = column.kind == ObjectKind::column && was && !was->has("generated");
    if (older && !now.catalog.find(id)) proof_.lost_columns.push_back(describe(column, after.catalog));
  }
  run(migration.sql);
  proof_.litter = hard(compare_schema(after.fingerprint, read_schema_fingerprint(db, "public"), &db));
  judge(migration, {}, result);
  if (!result.refused.empty()) result.wrong.clear();  // the tool saw it too
}

void Walk::compare(const Look& before, const Look& after, const std::string& dump, const RowSnapshot& named,
                   TriedReversal& result) {
  Connection db = database_.connect();
  const std::string now = database_.dump({"--schema-only"});
  const RowSnapshot kept = read_rows(db, ColumnKey::identity);
  std::set<std::string> reordered = tables_with_gone_columns(before.by_identity, after.by_identity);
  reordered.merge(tables_with_gone_columns(before.by_identity, kept));
  if (now != dump) {
    const std::string expected = allowed_noise(dump, reordered), found = allowed_noise(now, reordered);
    if (expected == found) {
      result.noise.push_back("column order");
    } else {
      result.wrong.push_back("pg_dump: " + first_difference(expected, found));
    }
  }
  const RowSnapshot rows = read_rows(db, ColumnKey::name);
  for (const auto& [name, table] : named) {
    if (!rows.contains(name)) result.wrong.push_back(name + " is gone");
  }
  if (result.loss == to_string(RowLoss::up_lost)) {
    // Only what the migration itself destroyed may be missing.
    for (const std::string& column : differing_rows(before.by_identity, kept)) {
      result.wrong.push_back("values of " + column + " differ");
    }
    return;
  }
  for (const std::string& column : differing_rows(named, rows))
    result.wrong.push_back("values of " + column + " differ");
}

bool Walk::says_that_values_go(const std::vector<Counted>& counted) const {
  for (std::size_t i = 0; i < counted.size(); ++i) {
    if (proof_.statements[i].loss == RowLoss::down_loses && counted[i].number.value_or(0) > 0) return true;
  }
  return false;
}

/// Once more, with what the application wrote since: what is older than the migration has to stay, and where anything
/// goes the numbers have to have said so. Nothing of it is kept.
void Walk::take_back_later(const Look& before, TriedReversal& result) {
  Connection db = database_.connect();
  const std::vector<Counted> counted = counts(db);
  const RowSnapshot since = read_rows(db, ColumnKey::identity);
  const auto in_the_way = [&](std::size_t i) {
    return proof_.statements[i].loss == RowLoss::down_may_fail && counted[i].number.value_or(0) > 0;
  };
  for (std::size_t i = 0; i < counted.size(); ++i) {
    if (in_the_way(i)) return result.noise.push_back("rows written since are in the way, and said to be");
  }
  const Transaction transaction{db};
  try {
    for (const ReversalStatement& statement : proof_.statements) db.run(statement.sql);
  } catch (const ServerError& error) {
    return result.noise.push_back("does not run on rows written since: " + error.primary);
  }
  RowSnapshot kept = read_rows(db, ColumnKey::identity);
  for (const std::string& column : differing_rows(since, kept))
    result.wrong.push_back("values of " + column + " that were written since differ");
  bool gone = false;
  for (const auto& [oid, table] : since) {
    for (const auto& [key, name] : table.columns) {
      const bool there = kept.contains(oid) && kept.at(oid).columns.contains(key);
      if (there || !has_values(table, key) || table.generated.contains(key)) continue;
      const auto old = before.by_identity.find(oid);
      if (old != before.by_identity.end() && was_computed(old->second, name)) continue;  // and is again
      const bool older = old != before.by_identity.end() && old->second.columns.contains(key);
      gone = true;
      if (older) result.wrong.push_back(fmt::format("{}.{} is gone", table.name, name));
    }
  }
  if (gone && !says_that_values_go(counted)) result.wrong.push_back("values go, and no number says so");
}

}  // namespace

std::vector<CorpusApplication> read_corpus() {
  std::vector<CorpusApplication> corpus;
  for (const fs::path& folder : folders_in(std::string{BELAY_TEST_DATA} + "/../corpus")) {
    CorpusApplication application{.name = folder.filename().string(), .migrations = {}};
    for (const fs::path& migration : folders_in(folder)) {
      CorpusMigration one{
          .name = migration.filename().string(), .sql = read_text(migration / "migration.sql"), .rows = {}};
      if (fs::exists(migration / "rows.sql")) one.rows = read_text(migration / "rows.sql");
      application.migrations.push_back(std::move(one));
    }
    corpus.push_back(std::move(application));
  }
  return corpus;
}

std::vector<TriedReversal> walk_history(const CorpusApplication& application, std::size_t from, std::size_t to) {
  std::vector<TriedReversal> tried;
  Walk walk{application};
  for (std::size_t i = 0; i < std::min(to, application.migrations.size()); ++i) {
    INFO(application.name << "/" << application.migrations[i].name);
    if (i < from) {
      walk.only_run(application.migrations[i]);
    } else {
      tried.push_back(walk.attempt(application.migrations[i]));
    }
  }
  return tried;
}

}  // namespace belay::test
