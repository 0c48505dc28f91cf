// Which backups stay and which may go. Pure: entries and options in, a plan with reasons out.
//
// What is never proposed for removal, whatever the options say: the newest backup of each verification level, the
// newest verified one that is whole, one that a run still needs, one that is dated in the future, and everything that
// is not a whole backup of this database on this server. A backup below level archive never stands for one above it.
#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "backup/catalogue.hpp"
#include "backup/options.hpp"
#include "common/output.hpp"

namespace belay {

/// Whose backups are judged.
struct RetentionTarget {
  std::string database, system_identifier;
};

/// One backup with what was decided about it.
struct Judgement {
  std::filesystem::path archive;
  TimePoint created_at;
  Bytes bytes = 0;  ///< of the archive
  Level level = Level::none;
  Scope scope = Scope::whole;
  std::string purpose;
  std::string reason;
};

struct LeftAlone {
  std::filesystem::path archive;
  std::string reason;
};

struct RetentionPlan {
  std::vector<Judgement> keep, remove;  ///< oldest first
  std::vector<LeftAlone> left_alone;    ///< not judged, although the folder's owner may expect it
  [[nodiscard]] Bytes freed() const;    ///< bytes of the archives to remove
};

/// `now`: the server's clock, as the manifests' times are. `pinned`: archives that a run still needs, known by their
/// file names, because the same folder may have another path where that run was. With no rule given nothing goes.
[[nodiscard]] RetentionPlan plan_retention(const std::vector<CatalogueEntry>& entries, const RetentionOptions& options,
                                           TimePoint now, const RetentionTarget& target,
                                           const std::set<std::filesystem::path>& pinned);

/// "keep 30 days; 7 daily, 4 weekly".
[[nodiscard]] std::string describe_rules(const RetentionOptions& options);

/// The plan for people and programs; `json` has keep, remove, left_alone and rules.
[[nodiscard]] Result show_retention(const RetentionPlan& plan, const RetentionOptions& options, TimePoint now);

}  // namespace belay
