// What the sources of a content fingerprint share: the server (fingerprint_content*.cpp) and an archive
// (archive_stream*.cpp).
#pragma once
#include <string>

#include "common/fingerprint.hpp"

namespace belay {

/// Tables, sequences and what was skipped, in the order in which fingerprints have them: by bytes, not by a collation.
void sort_content(ContentFingerprint& content);

/// The sentence for ContentFingerprint::skipped.
[[nodiscard]] std::string skipped_foreign_table(const std::string& schema, const std::string& name);
/// The same for a table or sequence that a hot standby has no content of.
[[nodiscard]] std::string skipped_unlogged(const std::string& schema, const std::string& name);
/// Those sentences for all of them; none on a primary.
[[nodiscard]] std::vector<std::string> skipped_on_standby(Connection& db);

/// The large objects of the session's database, read in pieces. Throws, with the role's lack named, if some may not be
/// read.
[[nodiscard]] LargeObjects read_large_objects(Connection& db);

}  // namespace belay
