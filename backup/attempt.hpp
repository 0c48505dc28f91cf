// A dump that is known to be whole: one snapshot and one run of pg_dump in it, compared, and begun anew where others'
// DDL came in between.
#pragma once
#include <memory>

#include "backup/archive_writer.hpp"
#include "backup/take.hpp"

namespace belay {

/// Fills in everything of the report's manifest but the archive's facts and the verification, and its schema. The
/// archive is finished, under its .partial name still. Throws refused (a lock was not to be had) or failed: then no
/// file is left.
[[nodiscard]] std::unique_ptr<ArchiveWriter> dump_with_patience(const BackupPlan& plan, BackupReport& report,
                                                                Tool& tool);

}  // namespace belay
