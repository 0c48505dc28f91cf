// What the tests of apply share: a database with a history, and migrations written in place.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/sha256.hpp"
#include "common/sql_text.hpp"
#include "tests/support/server.hpp"

namespace belay::test {

inline Migration sql_migration(const std::string& name, const std::string& script) {
  return {name, "prisma/migrations/" + name + "/migration.sql", script, sha256_hex(script)};
}

/// A database with an empty history, and the two sessions that apply needs.
class ApplyBench {
 public:
  explicit ApplyBench(std::string schema = "public", Owner owner = Owner::superuser,
                      const DatabaseUrl& server = server_url())
      : database("apply", owner, server), db(database.connect()), books(database.connect()) {
    settings.schema = std::move(schema);
    create_history_table(books, settings.schema);
  }

  ApplyOutcome apply(const std::string& script, const std::string& name = "m") {
    seen.clear();
    return apply_migration(db, books, sql_migration(name, script), settings,
                           [&](const Statement& statement) { seen.push_back(statement.kind); });
  }
  /// Each row as "NAME finished|unfinished [log] STEPS", oldest first.
  std::vector<std::string> rows() {
    std::vector<std::string> out;
    for (const HistoryRow& row : read_history(books, settings.schema).rows) {
      out.push_back(row.migration_name + (row.finished_at ? " finished" : " unfinished") + (row.logs ? " log" : "") +
                    " " + std::to_string(row.applied_steps_count));
    }
    return out;
  }
  bool has_table(const std::string& name) {
    return database.value("SELECT to_regclass('" + name + "') IS NOT NULL") == "t";
  }

  TestDatabase database;
  Connection db;
  Connection books;
  ApplySettings settings;
  std::vector<std::string> seen;  ///< kinds of the statements announced
};

}  // namespace belay::test
