// Which locks were held when: a picture over the time of all statements, as SVG inside the page.
#pragma once
#include <string>
#include <vector>

#include "common/output.hpp"

namespace belay {

struct LockBar {
  double from_ms = 0, to_ms = 0;  ///< since the first statement of the first migration
};
struct LockRow {
  std::string table, mode;
  std::vector<LockBar> bars;
  [[nodiscard]] double longest_ms() const;
};
struct LockSpan {
  std::string migration;
  double from_ms = 0, to_ms = 0;
};
struct LockTimeline {
  std::vector<LockRow> rows;    ///< the strongest modes first, then those held longest
  std::vector<LockSpan> spans;  ///< a migration each
  double total_ms = 0;
};

/// Migrations one after the other, statements one after the other, a lock from the beginning of its statement. Pure.
[[nodiscard]] LockTimeline lock_timeline(const Json& report);
/// Empty where no lock is known. Pure.
[[nodiscard]] std::string lock_chart(const LockTimeline& timeline);

}  // namespace belay
