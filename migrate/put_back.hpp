// Putting the database back after a guarded run failed or died. The first way that applies is taken:
//   nothing committed  → nothing is restored; this run's failed row goes, the schema is compared with the backup's;
//   every committed migration has a reversal that the rehearsal has proven to lose nothing → those are run
//   (put_back_reversals);
//   something committed → the backup is restored beside, proven, and swapped in; the half-migrated database is kept as
//   <db>__failed_<run>.
#pragma once
#include "backup/manifest.hpp"
#include "common/apply.hpp"
#include "common/journal.hpp"
#include "common/run_context.hpp"
#include "migrate/options.hpp"
#include "migrate/run_record.hpp"
#include "restore/rebuild.hpp"

namespace belay {

/// What there is to put the database back with.
struct Rope {
  RunRecord record;
  Marker marker;                     ///< of the run's side database
  std::string side;                  ///< its name; it is empty, or holds a verified copy if marker.step is "verified"
  std::optional<Manifest> manifest;  ///< none with --skip-backup, or if the archive cannot be found
  std::optional<SchemaFingerprint> schema_before;  ///< none if unknown
  std::vector<std::string> others_before;          ///< what others wrote, counted before the deploy
  bool strangers_seen = false;                     ///< somebody else was at work since the deploy began
};

struct PutBackReport {
  bool restored = false;
  std::size_t by_reversals = 0;     ///< so many migrations were taken back by their reversals
  std::optional<std::string> kept;  ///< the half-migrated database's name now
  std::vector<std::string> checks;  ///< what was compared, a line each
  bool moved = false;               ///< others wrote between the last count and the swap
  std::vector<std::string> lost;    ///< what the restore took away, as far as it is known; it is in the kept database
};

/// How the run's side database is filled from its backup, and swapped in. Only with a backup.
[[nodiscard]] RebuildRequest rebuild_request(RunContext& context, const Rope& rope, const MigrateOptions& options,
                                             Tool& tool);

/// Nothing of the pending migrations was committed. Throws unresolved if the schema is not what it was.
PutBackReport settle_uncommitted(RunContext& context, const Rope& rope, const MigrateOptions& options, Tool& tool,
                                 Journal& journal);

/// Others may write again, if this run had asked them not to. Died before: the marker still says so.
void end_read_only(RunContext& context, const Rope& rope);
/// The run's side database goes, and others may write again; by a new session if the old one broke. What stays is a
/// warning that names `recover`: what the run had to say is true all the same.
void drop_side(RunContext& context, const Rope& rope, const MigrateOptions& options, Tool& tool);

/// Something was: by the reversals that the rehearsal has proven, and the side database goes. None: not this way, and
/// nothing was changed.
[[nodiscard]] std::optional<PutBackReport> reverse_committed(RunContext& context, const Rope& rope,
                                                             const MigrateOptions& options, Tool& tool,
                                                             Journal& journal);

/// Something was. No session of this run may be connected to the target. Asks before it restores unless --force. Throws
/// unresolved with what to type next.
/// Tried once more if it fails on the way, except for a damaged archive.
PutBackReport restore_before(RunContext& context, Rope& rope, const MigrateOptions& options, Tool& tool,
                             Journal& journal);

/// How long a server may be away that has gone and comes back.
inline constexpr std::chrono::seconds server_patience{60};
/// The maintenance session with the run lock, newly made if it broke, and no session of this run left on the target.
/// Throws unresolved if the server does not answer for so long.
void regain_hold(RunContext& context, const MigrateOptions& options, Tool& tool, std::chrono::seconds patience);

/// A copy that was being filled is of no use; a fresh, empty one takes its marker (step "restoring", this run's id)
/// before the old one goes, so there is a marker at any moment.
void begin_anew(RunContext& context, Rope& rope, SideKind kind, const std::string& run);

/// Loads manifest and schema of the record's backup (or of `instead`). Throws storage if the archive is damaged.
void find_backup(Rope& rope, const std::optional<std::filesystem::path>& instead);

}  // namespace belay
