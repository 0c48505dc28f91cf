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

/// What the cases' migrations find in place.
inline const std::string shop =
    "CREATE TYPE status AS ENUM ('NEW', 'PAID');"
    "CREATE TABLE users (id serial PRIMARY KEY, email varchar(200) NOT NULL, name text, age integer);"
    "CREATE UNIQUE INDEX users_email_key ON users (email);"
    "CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE, state "
    "status "
    "DEFAULT 'NEW' NOT NULL, total numeric(10, 2) DEFAULT 0, note text, CONSTRAINT total_positive CHECK (total >= 0));"
    "CREATE INDEX orders_user ON orders (user_id); CREATE INDEX orders_open ON orders (id) WHERE state = 'NEW';"
    "COMMENT ON TABLE orders IS 'what was bought'; COMMENT ON COLUMN orders.note IS 'by the user';"
    "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'NEW';"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "INSERT INTO users (email, name, age) SELECT 'u' || i || '@x', 'n' || i, i FROM generate_series(1, 20) i;"
    "INSERT INTO orders SELECT i, i, 'NEW', i, 'note ' || i FROM generate_series(1, 20) i;";

/// Each case on the shop and its own setup.
inline void check_all(const std::vector<ReversalCase>& cases) {
  const TestDatabase database("reversal");
  Connection db = database.connect();
  for (ReversalCase test : cases) {
    test.setup = shop + test.setup;
    check_reversal(db, test);
  }
}

}  // namespace belay::test
