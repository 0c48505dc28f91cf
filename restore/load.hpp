// Fills an empty side database from a backup: through one pipe, or by several connections from an unpacked archive.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/pg_tools.hpp"
#include "common/run_tool.hpp"
#include "restore/foreign_facts.hpp"

namespace belay {

/// Whose everything becomes that is restored. Nothing said: as the backup has it.
struct Ownership {
  bool no_owner = false;             ///< the role's that restores
  std::optional<std::string> owner;  ///< this one's
  bool no_privileges = false;        ///< GRANTs are left out
  [[nodiscard]] bool changes_owners() const { return no_owner || owner.has_value(); }
};

struct LoadRequest {
  DatabaseUrl url;   ///< of the server; the database in it does not matter
  std::string side;  ///< an empty side database
  std::filesystem::path archive;
  const Manifest* manifest = nullptr;
  PgTool loader;  ///< pg_restore, or psql for a script
  int server_version = 0;
  int jobs = 1;                                   ///< connections that load and compare
  std::optional<std::filesystem::path> work_dir;  ///< for an unpacked archive; none = TMPDIR, else /var/tmp
  Ownership ownership = {};
  std::shared_ptr<const ForeignFacts> foreign = {};  ///< of a dump that belay did not write: it has no schema facts
};

/// The program that loads an archive of this format. Throws refused.
[[nodiscard]] PgTool find_loader(ProcessRunner& processes, ArchiveFormat format, int server_major,
                                 const std::optional<std::filesystem::path>& pg_bin);

/// Processors of this machine, at most four: what restores do at once where nobody says otherwise.
[[nodiscard]] int default_jobs();

/// A session on the side database in which rows are read as the backup read them.
[[nodiscard]] SessionSettings pinned_session(const LoadRequest& request, const Tool& tool);

/// pg_restore --exit-on-error (or psql with ON_ERROR_STOP) from the decoded archive, which is checked against the
/// manifest on the way or, where several jobs load, before the first of them. Throws storage for a damaged archive,
/// failed for anything else. The side database is the caller's to drop.
void load_archive(const LoadRequest& request, Tool& tool);

/// Fresh statistics for every table. Where some cannot be had that is a warning: what is proven does not depend on it.
void analyze_side(const LoadRequest& request, Tool& tool);

}  // namespace belay
