#include "backup/record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/globals.hpp"
#include "backup/not_included.hpp"
#include "backup/roles.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/savepoint.hpp"

namespace belay {

namespace {

std::vector<RecordedMigration> record_history(Connection& db, const std::string& schema) {
  std::vector<RecordedMigration> recorded;
  for (const HistoryRow& row : read_history(db, schema).rows) {
    const char* state = row.failed() ? "failed" : row.applied() ? "applied" : "rolled back";
    recorded.push_back({row.id, row.migration_name, row.checksum, state});
  }
  return recorded;
}

std::vector<std::string> column(Connection& db, const std::string& sql) {
  std::vector<std::string> values;
  for (const Row& row : db.rows(sql)) values.push_back(row.text(0));
  return values;
}

/// What is of the server and not of this database. The same words for every backup, so that they can be looked for.
std::string without_globals() {
  return "passwords of roles, other roles, tablespaces and rights on settings: --with-globals puts them beside the "
         "archive";
}

void describe_roles(Connection& db, Manifest& manifest) {
  ReferredRoles roles = list_roles(db, manifest.database);
  manifest.role_definitions = define_roles(db, roles.names);
  manifest.roles = std::move(roles.names);
  for (const std::string& number : roles.gone) {
    manifest.warnings.push_back(fmt::format(
        "privileges name a role that does not exist any more (number {}): a restore by hand stops at its GRANT",
        number));
  }
}

/// What this backup's options leave out, or not.
void describe_scope(const BackupPlan& plan, std::vector<std::string>& not_included) {
  if (plan.wishes.with_globals) std::erase(not_included, without_globals());
  if (plan.wishes.with_globals && !reads_passwords(plan.server))
    not_included.insert(not_included.begin(), "passwords of roles, in the globals too: only a superuser may read them");
  if (plan.wishes.scope == Scope::schema)
    not_included.insert(not_included.begin(), "every row, positions of sequences and large objects: definitions only");
}

}  // namespace

void describe_content(Connection& db, Manifest& manifest) {
  manifest.history = record_history(db, manifest.history_schema);
  manifest.extensions = column(db, "SELECT extname || ' ' || extversion FROM pg_extension ORDER BY extname");
  describe_roles(db, manifest);
  manifest.not_included = {without_globals()};
  for (std::string& line : list_not_included(db)) manifest.not_included.push_back(std::move(line));
}

void read_into(Manifest& manifest, SchemaFingerprint& schema, const BackupPlan& plan, BackupSnapshot& snapshot) {
  Connection& db = snapshot.session();
  const Savepoint locks(db);  // reading a view's definition or a sequence locks it
  manifest.run = plan.wishes.run;
  manifest.purpose = plan.wishes.purpose;
  manifest.scope = plan.wishes.scope;
  manifest.database = *plan.server.database;
  manifest.server_version = plan.server.version;
  manifest.system_identifier = plan.server.system_identifier;
  manifest.snapshot = snapshot.facts();
  manifest.created_at = parse_iso_utc(manifest.snapshot.time);
  manifest.history_schema = plan.wishes.history_schema;
  describe_content(db, manifest);
  describe_scope(plan, manifest.not_included);
  schema = read_schema_fingerprint(db, plan.wishes.history_schema);
  manifest.schema_sha256 = schema.sha256();
  if (plan.wishes.scope == Scope::schema) return;
  manifest.content.sequences = read_sequences(db);
  manifest.content.skipped = skipped_on_standby(db);
}

}  // namespace belay
