// What the proof of a reversal needs of the live database, read in one moment.
#pragma once
#include <string>
#include <vector>

#include "common/database_properties.hpp"
#include "common/fingerprint.hpp"
#include "common/history.hpp"
#include "rollback/derive.hpp"

namespace belay {

/// The live database's answer to a statement's question.
struct Counted {
  std::optional<std::uint64_t> number;
  std::string why_not;  ///< the server's message where it could not be counted
};

struct LiveState {
  SchemaFingerprint schema;
  DatabaseProperties properties;
  std::string objects_owner;  ///< the role that deploys: it owns the history table
  std::vector<JoinedMigration> migrations;
};

/// `lock_timeout`: how long a lock on a table is waited for. Throws ServerError.
[[nodiscard]] LiveState read_live_state(Connection& db, const MigrationsFolder& folder,
                                        const std::string& history_schema, const std::string& lock_timeout);
/// Asks the statements' questions, each in a transaction of its own that only reads.
[[nodiscard]] std::vector<Counted> count_rows(Connection& db, const std::vector<ReversalStatement>& statements);
/// Those that are applied and have a readable file, in the folder's order.
[[nodiscard]] std::vector<Migration> applied_migrations(const std::vector<JoinedMigration>& migrations);
/// Extensions that a migration makes only where they are not there yet, and that `live` has in schema public or
/// pg_catalog: an administrator may have made them before the first migration.
[[nodiscard]] std::vector<std::string> extensions_made_before(const std::vector<Migration>& migrations,
                                                              const SchemaFingerprint& live);
/// Throws refused if a script reaches, or may reach, beyond its database: a side database is on a server that matters.
void refuse_outside_effects(const std::vector<Migration>& migrations);

}  // namespace belay
