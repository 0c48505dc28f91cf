// A migration, run and taken back on a real database by what was derived for it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "rollback/reverse.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {

struct ReversalCase {
  std::string name, setup, up;
  RowLoss worst = RowLoss::none;
};

/// Every value of every column by what the catalog calls the column, whatever its name is.
inline std::map<std::string, std::string> values_by_column(Connection& db) {
  std::map<std::string, std::string> values;
  const Rows columns = db.rows(
      "SELECT a.attrelid::text || '.' || a.attnum AS id, format('SELECT coalesce(md5(string_agg(%I::text, ''|'' ORDER "
      "BY %I::text)), '''') FROM %I.%I', a.attname, a.attname, n.nspname, c.relname) AS query FROM pg_attribute a JOIN "
      "pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND "
      "a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'");
  for (const Row& row : columns) values[row.text("id")] = db.value(row.text("query"));
  return values;
}

inline std::string worst_of(const std::vector<ReversalStatement>& statements) {
  RowLoss worst = RowLoss::none;
  for (const ReversalStatement& statement : statements) worst = std::max(worst, statement.loss);
  return to_string(worst);
}

inline std::string describe_all(const std::vector<SchemaDifference>& differences) {
  std::string text;
  for (const SchemaDifference& difference : differences) {
    if (difference.severity == Severity::hard) text += difference.describe() + "\n";
  }
  return text;
}

inline void empty_database(Connection& db) {
  db.run_script(
      "DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND "
      "nspname "
      "<> 'information_schema' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; END $$; CREATE SCHEMA "
      "public; SET search_path = public");
}

/// Runs setup and migration, derives the reversal, runs it, and checks that everything is as before: schema, and the
/// values of all columns that were there all along; then that the migration can be run again.
inline void check_reversal(Connection& db, const ReversalCase& test) {
  INFO(test.name);
  empty_database(db);
  db.run_script(test.setup);
  const SchemaFingerprint schema = read_schema_fingerprint(db, "public");
  const CatalogState before = read_catalog_state(db, "public");
  const auto values = values_by_column(db);
  db.run_script(test.up);
  const CatalogState after = read_catalog_state(db, "public");
  const DerivedReversal reversal = derive_reversal(db, before, after, "public");
  const std::string script = script_of(reversal.statements);
  INFO(script);
  for (const std::string& line : reversal.not_derivable) FAIL_CHECK("not derivable: " << line);
  CHECK(worst_of(reversal.statements) == to_string(test.worst));
  {
    Transaction transaction{db};
    for (const ReversalStatement& statement : reversal.statements) db.run(statement.sql);
    transaction.commit();
  }
  CHECK(describe_all(compare_schema(schema, read_schema_fingerprint(db, "public"), &db)).empty());
  for (const auto& [column, value] : values_by_column(db)) {
    const auto was = values.find(column);
    if (was != values.end()) CHECK(was->second == value);
  }
  db.run_script("SET search_path = public;" + test.up);
}

}  // namespace belay::test
