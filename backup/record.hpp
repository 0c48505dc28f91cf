// What stands in the manifest beside the rows: read inside the backup's snapshot.
#pragma once
#include "backup/plan.hpp"
#include "backup/snapshot.hpp"

namespace belay {

/// Fills in everything but archive, rows and verification, and reads the schema's facts. Throws ServerError.
void read_into(Manifest& manifest, SchemaFingerprint& schema, const BackupPlan& plan, BackupSnapshot& snapshot);

/// The part of it that any session on a database can read: history, extensions, roles, and what no dump holds. Wants
/// `manifest.history_schema` and `manifest.database`. Throws ServerError.
void describe_content(Connection& db, Manifest& manifest);

}  // namespace belay
