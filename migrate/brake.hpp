// The brake: a migration whose run was put back is not tried again unchanged, or a container that is started again and
// again would back up, fail and restore until the disk is full. What was put back is remembered beside the backups.
//
// What is true if the process dies: the file is there whole, as it was or as it is to be. A half one beside it is
// removed by the next run that writes it.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/files.hpp"
#include "common/output.hpp"
#include "common/run_context.hpp"
#include "migrate/plan.hpp"

namespace belay {

struct PutBackBefore {
  std::string system_identifier, database, migration, checksum;
  std::string run, at;  ///< at: iso_utc
  std::string message;  ///< why it failed
  bool operator==(const PutBackBefore&) const = default;
};

/// Of all databases; a file that is missing, or is none of ours, is an empty list.
[[nodiscard]] std::vector<PutBackBefore> read_put_back(const std::filesystem::path& catalogue);
/// What of `now` was put back before with the same file, a line each; empty if nothing was. Pure.
[[nodiscard]] std::string tried_before(const std::vector<PutBackBefore>& known, const std::vector<PutBackBefore>& now);
/// The plan's migrations as they would be remembered.
[[nodiscard]] std::vector<PutBackBefore> entries_of(const MigrationPlan& plan, const RunContext& context);
/// Adds them, in place of what was known of the same migrations. Throws storage.
void remember_put_back(Files& files, const std::filesystem::path& catalogue, const std::vector<PutBackBefore>& entries);
/// They were applied since. Throws storage.
void forget_put_back(Files& files, const std::filesystem::path& catalogue, const std::vector<PutBackBefore>& entries);

}  // namespace belay
