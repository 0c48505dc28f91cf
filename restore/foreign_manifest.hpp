// The manifest that a dump without one is given for the time of its restore, from what was found in it.
#pragma once
#include "common/plain_dump.hpp"
#include "restore/archive_listing.hpp"
#include "restore/source.hpp"

namespace belay {

struct ForeignFindings {
  ArchiveFacts archive;
  ContentFingerprint content;
  PlainDumpFacts script;                  ///< of a script, or of what pg_restore makes of an archive
  std::vector<LeftOut> left_out;          ///< of a script
  std::optional<ArchiveListing> listing;  ///< of an archive
  bool structure_known = true;            ///< see FirstReading
  TimePoint written_at;
};

struct ForeignPlace {
  std::optional<std::string> owner;  ///< --owner
  const RunContext& context;
  const Tool& tool;
};

/// Fills in manifest, facts and what cannot be checked. Asks the server only where there is no target: its default
/// locale.
void describe_foreign(const ForeignFindings& found, const ForeignPlace& place, RestoreSource& source);

}  // namespace belay
