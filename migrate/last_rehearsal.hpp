// What the last rehearsal on a database said, by the catalogue's reports: before a run nothing else is known of locks
// and of how long a restore takes.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/run_context.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct LastRehearsal {
  std::string run;
  std::string state;  ///< "passed" or "failed"
  bool same = false;  ///< of migrations with the names that are pending now; their files may have changed since
  Duration restored{}, longest_lock{};
};
[[nodiscard]] Json to_json(const LastRehearsal& last);

/// The newest report in `catalogue` of a rehearsal of this database. None = there is none that can be read.
[[nodiscard]] std::optional<LastRehearsal> find_last_rehearsal(const std::filesystem::path& catalogue,
                                                               const RunContext& context, const MigrationPlan& plan);

}  // namespace belay
