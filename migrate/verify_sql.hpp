// What a migration's author wrote down to be true afterwards: `verify.sql` beside its migration.sql, and files that the
// operator names. Read before the run, so that they are whole and in order before anything is changed.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/script.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct VerifyFile {
  std::string name;  ///< for messages: "verify.sql of migration "x"", or the path as it was given
  Script script;
};

struct VerifySql {
  std::vector<VerifyFile> files;  ///< in the order in which they run: the migrations', then the operator's
  /// As ApplySettings has it: statements find the names that the migrations find.
  std::optional<std::string> search_path;
};

/// The pending migrations' verify.sql, as far as there is one, and `further`. Throws usage for one of `further` that
/// cannot be read, and refused for a statement that has no place in a read-only transaction of belay's: BEGIN, COMMIT,
/// what cannot run in a transaction; and for SQL that the parser does not know.
[[nodiscard]] VerifySql read_verify_sql(const MigrationPlan& plan, const std::vector<std::filesystem::path>& further);

/// Runs each file in a read-only transaction of its own, which is rolled back; the session is left idle, its settings
/// as they were. A finding is: a statement that fails (the rest of its file is not run then), or one of whose rows the
/// first column is boolean and false. No row, and NULL, are no finding. Findings name file, line and statement, and no
/// value of a row. An empty list is good. Throws interrupted, and ServerError if the connection is lost.
[[nodiscard]] std::vector<std::string> run_verify_sql(Connection& db, const VerifySql& checks);

}  // namespace belay
