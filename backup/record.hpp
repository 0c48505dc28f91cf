// What stands in the manifest beside the rows: read inside the backup's snapshot.
#pragma once
#include "backup/plan.hpp"
#include "backup/snapshot.hpp"

namespace belay {

/// Fills in everything but archive, rows and verification, and reads the schema's facts. Throws ServerError.
void read_into(Manifest& manifest, SchemaFingerprint& schema, const BackupPlan& plan, BackupSnapshot& snapshot);

}  // namespace belay
