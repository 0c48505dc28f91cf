// A database whose migrations can be taken back.
#pragma once
#include "tests/cli/tool_bench.hpp"

namespace belay::test {

/// A folder whose migrations were deployed one after the other, with rows.
class ReversalBench : public ToolBench {
 public:
  ReversalBench() {
    deploy("20240101000000_init",
           "CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL, name text);"
           "CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users (id), note text);");
    db.sql(
        "INSERT INTO users (email, name) SELECT 'u' || i, 'n' || i FROM generate_series(1, 50) i;"
        "INSERT INTO orders SELECT i, i, 'note ' || i FROM generate_series(1, 50) i;");
  }
  /// As belay or Prisma would have: the script's effect and its row, without a process.
  void deploy(const std::string& name, const std::string& sql) const {
    migration(name, sql);
    if (!has("_prisma_migrations")) db.sql(history_table_sql);
    db.sql(sql);
    db.sql("INSERT INTO _prisma_migrations VALUES (gen_random_uuid(), encode(sha256($x$" + sql +
           "$x$), 'hex'), clock_timestamp(), '" + name + "', NULL, NULL, clock_timestamp(), 1)");
  }
  [[nodiscard]] RunResult take_back(const std::string& name, Words more = {"--keep-folder", "--skip-backup"}) const {
    more.insert(more.begin(), {"--migration-name", name, "--force", "--json"});
    return rollback(more);
  }
  [[nodiscard]] std::string schema() const { return db.dump({"--schema-only"}); }
  [[nodiscard]] std::string rows() const {
    return db.value("SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM users u") +
           db.value("SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM orders o");
  }
  [[nodiscard]] std::string row_state(const std::string& name) const {
    return db.value(
        "SELECT coalesce(string_agg(concat_ws(',', finished_at IS NULL, rolled_back_at IS NULL), ' '), '') FROM "
        "_prisma_migrations WHERE migration_name = '" +
        name + "'");
  }
};

inline void require_ok(const RunResult& result) {
  INFO(result.err);
  INFO(result.out);
  REQUIRE(result.status == 0);
}

}  // namespace belay::test
