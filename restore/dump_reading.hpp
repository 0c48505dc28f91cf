// An archive that belay did not write, read by pg_restore from end to end before anything is done with it.
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"
#include "common/pg_tools.hpp"
#include "common/plain_dump.hpp"
#include "restore/archive_listing.hpp"

namespace belay {

struct DumpReading {
  ArchiveListing listing;
  PlainDumpFacts script;       ///< of what pg_restore makes of it
  ContentFingerprint content;  ///< its rows, counted and hashed as they pass
};

/// Lets `pg_restore` print its table of contents and the whole of it as a script, which is read as a script from
/// elsewhere is. Nothing is connected to. Throws storage where pg_restore finds it damaged, or it is not what `facts`
/// says; refused as PlainDumpReader does.
[[nodiscard]] DumpReading read_by_pg_restore(ProcessRunner& processes, const PgTool& pg_restore,
                                             const std::filesystem::path& archive, const ArchiveFacts& facts);

}  // namespace belay
