// How every run begins: which database, which server, the run lock, what earlier runs left, said in the first lines.
#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "common/options.hpp"
#include "common/run_tool.hpp"
#include "common/server_facts.hpp"
#include "common/side_database.hpp"
#include "common/target.hpp"

namespace belay {

struct RunContext {
  DatabaseTarget target;
  Connection maintenance;
  std::optional<Connection> lock;  ///< holds the run lock once lock_run was called, and does nothing else
  ServerFacts server;
  std::vector<SideDatabase> sides;  ///< of this target, as found at the start
  std::string history_schema;       ///< the URL's schema=, else public

  [[nodiscard]] const std::string& database() const { return target.url.database; }
};

/// Finds the target, connects to the maintenance database, reads the server's facts, prints the first line and every
/// kept database. `instead`: another database of the same server is the target. Throws usage, connection, or refused
/// for a database of the server's own, and where a pooler hands server sessions on.
[[nodiscard]] RunContext open_run(Tool& tool, const CommonOptions& options,
                                  const std::optional<std::filesystem::path>& migrations_folder,
                                  const std::optional<std::string>& instead = {});

/// Takes the run lock (skipped for --dry-run by the caller) and lists the side databases again under it. Throws
/// refused; also on a hot standby, unless the tool is backup-db.
void lock_run(RunContext& context, const Tool& tool, std::chrono::milliseconds patience);

/// Name, size, age, and what it is.
[[nodiscard]] std::string describe_kept(const SideDatabase& side, TimePoint now);

enum class Leftovers { refuse, warn };
/// Side databases of runs that died. Under the run lock there is nobody they could belong to; but on a standby, which
/// has the primary's databases and not its locks, they are a note.
void check_leftovers(const RunContext& context, Output& out, Leftovers policy);
/// At most `keep` kept databases per target. Throws refused before anything begins, with the command that removes one.
void check_kept(const RunContext& context, int keep);

/// With CI set, a catalogue inside the work folder: refused unless --local-only, because the runner's disk goes away.
/// For who makes no copy elsewhere.
void check_ci_catalogue(const CommonOptions& options, const std::filesystem::path& catalogue);

/// --migrations, else the folder beside --prisma-schema's file, else the one that is found. Absolute. Throws usage.
[[nodiscard]] std::filesystem::path migrations_folder(const CommonOptions& options);

}  // namespace belay
