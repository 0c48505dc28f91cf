// Fills a side database from a backup and proves that it came out equal.
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"
#include "common/pg_tools.hpp"
#include "common/run_tool.hpp"

namespace belay {

struct LoadRequest {
  DatabaseUrl url;   ///< of the server; the database in it does not matter
  std::string side;  ///< an empty side database
  std::filesystem::path archive;
  const Manifest* manifest = nullptr;
  PgTool loader;  ///< pg_restore, or psql for a script
  int server_version = 0;
};

/// The program that loads an archive of this format. Throws refused.
[[nodiscard]] PgTool find_loader(ProcessRunner& processes, ArchiveFormat format, int server_major,
                                 const std::optional<std::filesystem::path>& pg_bin);

/// A session on the side database in which rows are read as the backup read them.
[[nodiscard]] SessionSettings pinned_session(const LoadRequest& request, const Tool& tool);

/// pg_restore --exit-on-error (or psql with ON_ERROR_STOP) from the decoded archive, which is checked against the
/// manifest on the way; then ANALYZE. Throws storage for a damaged archive, failed for anything else. The side database
/// is the caller's to drop.
void load_archive(const LoadRequest& request, Tool& tool);

struct Proof {
  std::vector<std::string> soft;  ///< differences that do not count as failure, a line each
  std::vector<std::string>
      not_restored;  ///< what no dump carries: invalid indexes, constraint triggers that somebody disabled
  std::vector<std::string> not_compared;  ///< kinds of objects that the fingerprint does not know
  std::uint64_t rows = 0;
  std::size_t tables = 0;
  std::size_t facts = 0;
  /// "proven", or "proven except 2 operators".
  [[nodiscard]] std::string words() const;
};

/// Fills in what an examined dump's manifest says of its content beside the rows: history, extensions, roles, what is
/// not included. Returns the schema's facts.
[[nodiscard]] SchemaFingerprint describe_restored(Connection& side, Manifest& manifest);

/// Compares schema and content of `side` with what the backup recorded. Throws failed with every hard difference.
[[nodiscard]] Proof prove_equal(const LoadRequest& request, Tool& tool);

}  // namespace belay
