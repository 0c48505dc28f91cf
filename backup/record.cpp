#include "backup/record.hpp"

#include <fmt/format.h>

#include <algorithm>

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

/// What a dump of one database never holds, as far as this one has any of it.
std::vector<std::string> list_not_included(Connection& db) {
  return column(
      db,
      "SELECT 'roles and their passwords (only the names of those that own or may do something here)' UNION ALL"
      " SELECT 'rows of foreign table ' || ftrelid::regclass FROM pg_foreign_table UNION ALL"
      " SELECT 'subscription ' || quote_ident(subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM "
      "pg_database WHERE datname = current_database()) UNION ALL"
      " SELECT 'replication slot ' || quote_ident(slot_name) FROM pg_replication_slots WHERE database = "
      "current_database() UNION ALL"
      " SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = current_database() UNION ALL"
      " SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid UNION ALL"
      " SELECT 'content of materialized view ' || oid::regclass || ' (computed anew by a restore)' FROM pg_class WHERE "
      "relkind = 'm' AND relispopulated UNION ALL"
      " SELECT 'options of user mappings on server ' || quote_ident(srvname) || ' (hidden from this role)' FROM "
      "pg_user_mappings WHERE umoptions IS NULL");
}

std::vector<std::string> list_roles(Connection& db) {
  return column(db,
                "SELECT DISTINCT pg_get_userbyid(refobjid) FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass "
                "AND deptype IN ('o', 'a', 'r')"
                " AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
                " AND (dbid <> 0 OR (classid = 'pg_database'::regclass AND objid = (SELECT oid FROM pg_database WHERE "
                "datname = current_database()))) ORDER BY 1");
}

/// Role-in-database settings are recorded nowhere as a dependency, and the database's own grants belong to it, not to
/// its content.
void add_roles(std::vector<std::string>& roles, const DatabaseProperties& database) {
  std::vector<std::string> more{database.owner};
  for (const DatabaseSetting& setting : database.settings) {
    if (setting.role) more.push_back(*setting.role);
  }
  for (const DatabaseGrant& grant : database.grants) {
    more.push_back(grant.grantor);
    if (grant.grantee) more.push_back(*grant.grantee);
  }
  roles.insert(roles.end(), more.begin(), more.end());
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
}

}  // namespace

void describe_content(Connection& db, Manifest& manifest) {
  manifest.history = record_history(db, manifest.history_schema);
  manifest.extensions = column(db, "SELECT extname || ' ' || extversion FROM pg_extension ORDER BY extname");
  manifest.roles = list_roles(db);
  add_roles(manifest.roles, manifest.database);
  manifest.not_included = list_not_included(db);
}

void read_into(Manifest& manifest, SchemaFingerprint& schema, const BackupPlan& plan, BackupSnapshot& snapshot) {
  Connection& db = snapshot.session();
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
  schema = read_schema_fingerprint(db, plan.wishes.history_schema);
  manifest.schema_sha256 = schema.sha256();
  if (plan.wishes.scope == Scope::whole) manifest.content.sequences = read_sequences(db);
}

}  // namespace belay
