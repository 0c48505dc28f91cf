// A dump of unknown origin read once from end to end: what it is, and whatever can be refused about it without a
// server.
#pragma once
#include <filesystem>
#include <optional>

#include "backup/foreign.hpp"
#include "backup/manifest.hpp"
#include "common/plain_dump.hpp"

namespace belay {

struct FirstReading {
  ArchiveFacts facts;             ///< size, digest, who dumped it; rows_readable: `content` holds its rows
  ContentFingerprint content;     ///< of an archive only where its rows show
  PlainDumpFacts script;          ///< of a script
  std::vector<LeftOut> left_out;  ///< of a script: what psql will not get
  /// False for an archive of a version that is not known: it was not looked into.
  bool structure_known = true;
};

/// Reads `file`, a script or an archive in custom format. Throws storage: damaged, cut off, several dumps in one, or
/// something behind its end; refused, with the line, for a script that holds what must not be run.
[[nodiscard]] FirstReading read_first(const std::filesystem::path& file, const ForeignDump& dump);

}  // namespace belay
