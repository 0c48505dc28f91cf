// Databases that belay makes beside the target: their names, their markers, their creation and removal. The only place
// that names or drops a database.
//
// The marker is the database's comment, one JSON object. It is the truth about a run: whoever finds a side database
// learns from it which run made it, for which target, and how far that run had come. A guarded run has one from before
// its backup to its end, so the target is never without a marker while something may be half done. (A setting on the
// target would say the same, but only a superuser may set one of a name that the server does not know;
// docs/decisions/0002.)
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/database_properties.hpp"
#include "common/output.hpp"

namespace belay {

enum class SideKind {
  restore,  ///< being built, or waiting to be; removed if its run dies
  rehearsal,
  spare,
  before,  ///< kept: what the target was before a restore
  failed,  ///< kept: what a failed migration left
};
[[nodiscard]] std::string to_string(SideKind kind);
/// The run in a side database's name; empty for any other name.
[[nodiscard]] std::string run_in_name(const std::string& name);

/// The step of a side database that something is tried in: if its run is dead nobody needs it any more.
inline constexpr const char* step_of_a_trial = "trying";

struct Marker {
  std::string run;
  std::string tool;
  std::string step;  ///< "prepared", "deploying", "restoring", "verified", "kept"
  std::string host;
  std::string target;  ///< whole name, even where the side database's own name had to be cut
  SideKind kind = SideKind::restore;
  std::optional<std::string> target_comment;  ///< the target's own comment, so that no way loses it
  Json details = Json::object();              ///< what the step needs: archive, pending migrations, …
};
[[nodiscard]] std::string to_comment(const Marker& marker);
/// std::nullopt for any comment that is not a marker.
[[nodiscard]] std::optional<Marker> parse_marker(const std::string& comment);

struct SideDatabase {
  std::string name;
  std::optional<Marker>
      marker;  ///< none: a name of ours without a marker (a run died between CREATE DATABASE and COMMENT)
  std::uint64_t size_bytes = 0;
  std::string owner;
  [[nodiscard]] bool kept() const {
    return marker && (marker->kind == SideKind::before || marker->kind == SideKind::failed);
  }
  /// Something is only tried in it: the target does not hang on it, whatever became of its run.
  [[nodiscard]] bool for_trial() const {
    return marker && (marker->kind == SideKind::rehearsal || marker->step == step_of_a_trial);
  }
};

/// `<target>__<kind>_<run>`, the target's part cut at a character's border so that the whole fits into 63 bytes. Unique
/// because the run is.
[[nodiscard]] std::string side_name(const std::string& target, SideKind kind, const std::string& run);

/// Creates it from template0 with `like`'s encoding and locale and marks it. `maintenance` must not be in a
/// transaction.
void create_side_database(Connection& maintenance, const std::string& name, const DatabaseProperties& like,
                          const Marker& marker);
/// Replaces the marker.
void mark(Connection& db, const std::string& name, const Marker& marker);
/// Everything made for `target`: by marker, where name, marker and owner agree, and unmarked ones that bear exactly a
/// name of ours. Never the target itself, whatever its comment says. Oldest first.
[[nodiscard]] std::vector<SideDatabase> find_side_databases(Connection& maintenance, const std::string& target);
/// Ends its sessions and drops it. A missing one is no error.
void drop_side_database(Connection& maintenance, const std::string& name);
/// True if the database holds no object of a user's: what may be dropped without a marker.
[[nodiscard]] bool holds_nothing(Connection& inside);

/// Under the target's run lock: true if an unfinished side database belongs to nobody any more. With a marker it does.
/// Without one it may be any tool's that died between CREATE DATABASE and COMMENT; or another target's, whose long name
/// begins alike and whose run has just created it. Nothing that holds anything is taken for ours.
[[nodiscard]] bool is_abandoned(Connection& maintenance, const SideDatabase& side);

/// "host name" for markers and messages.
[[nodiscard]] std::string this_host();

}  // namespace belay
