// A backup restored for trial, as backup-db sees it: the folder that restores builds on this one, so only the program
// joins the two (restore/prove.hpp).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// A server where side databases may be made.
struct TrialPlace {
  DatabaseUrl url;
  std::string source;  ///< where the URL came from
  std::optional<std::string> maintenance_db;
  std::optional<Bytes> free;                    ///< as the operator says; none = looked for
  std::optional<std::filesystem::path> pg_bin;  ///< of pg_restore and psql
  /// The session that holds this run's locks for the same database there; none = the trial connects and locks itself.
  Connection* locked = nullptr;
};

/// Under the run lock a trial database that is there was left by a run that died: it belongs to nobody and holds
/// nothing of anybody's.
void drop_dead_trials(Connection& maintenance, const std::string& database, Tool& tool);

struct TrialResult {
  std::string words;                    ///< "proven", or "proven except 2 operators"
  std::vector<std::string> exceptions;  ///< the same as lines: what was not compared or cannot come back
  std::vector<std::string> soft;        ///< differences that do not count
  Duration took{};
};

struct TrialRestore {
  virtual ~TrialRestore() = default;
  /// Whether a side database of `bytes` could be made there at all. Throws refused, before hours of work for nothing.
  virtual void check(const TrialPlace& place, Bytes bytes, Tool& tool) = 0;
  /// Restores into a side database, compares schema and content with the manifest, and drops it, however it ends.
  /// Throws storage for a damaged archive, failed for a difference or an error, refused if that server cannot do it.
  virtual TrialResult prove(const TrialPlace& place, const std::filesystem::path& archive, const Manifest& manifest,
                            Tool& tool) = 0;
  /// Restores a dump that nothing is known of but archive facts and database properties, and fills in what came of it:
  /// rows, sequences, large objects, extensions, history; returns the schema's facts.
  virtual SchemaFingerprint examine(const TrialPlace& place, const std::filesystem::path& archive, Manifest& manifest,
                                    Tool& tool) = 0;
};

}  // namespace belay
