// What can be said of a database that came out of a dump without a record of what it was: its rows and objects are
// counted and compared with the dump's own. It is never called proven.
#pragma once
#include "restore/compare.hpp"

namespace belay {

/// Compares. Throws failed where a table has other rows than the dump, or a kind of object another number than the
/// dump's table of contents.
[[nodiscard]] Proof prove_foreign(const LoadRequest& request, Tool& tool);

struct CountedRows {
  std::uint64_t rows = 0;
  std::size_t tables = 0;
  std::size_t equal = 0;           ///< tables whose rows are also equal in their text
  std::vector<std::string> wrong;  ///< a line for each difference in number
};
/// Pure. `dump`: what the rows of the dump were; `restored`: what is there.
[[nodiscard]] CountedRows count_rows(const ContentFingerprint& dump, const ContentFingerprint& restored);

}  // namespace belay
