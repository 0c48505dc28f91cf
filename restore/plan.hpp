// What a restore will do, decided from facts alone.
#pragma once
#include "backup/plan.hpp"
#include "restore/rebuild.hpp"
#include "restore/source.hpp"

namespace belay {

/// How it is to be done, beyond what is restored.
struct RestoreWishes {
  bool from_other_server = false;
  int jobs = default_jobs();
  std::optional<std::filesystem::path> work_dir;
  std::optional<Bytes> server_free;  ///< as the operator says; none = looked for
  bool elsewhere = false;            ///< the target is a database that --to names
  bool replace = false;              ///< which may hold something
  Ownership ownership;
};

struct RestoreFacts {
  std::string database;
  std::string run;
  ServerFacts server;
  RestoreSource source;
  bool target_has_objects = false;
  std::vector<std::string> other_schemas;  ///< of the target, beside the one that the URL names
  RestoreWishes wishes;
  std::vector<std::string> unreachable_sessions;  ///< sessions this role may not end
  std::vector<std::string> missing_roles;         ///< roles the backup refers to and the server lacks
  std::vector<std::string> missing_extensions;    ///< that the server lacks or this role may not create, a line each
  std::vector<std::string> obstacles;             ///< prepared transactions, logical slots, subscriptions
};

struct RestorePlan {
  std::string database;
  std::filesystem::path archive;
  std::string side;
  std::optional<std::string> kept;  ///< none = the target does not exist
  bool drop_kept = false;           ///< it held nothing
  DatabaseProperties properties;    ///< of the present target, else of the backup
  std::vector<std::string> warnings;
};

/// Throws refused: another server's backup, another major version, missing roles or extensions, sessions out of reach,
/// obstacles, a database elsewhere that holds something.
[[nodiscard]] RestorePlan plan_restore(const RestoreFacts& facts);

[[nodiscard]] Result show_plan(const RestorePlan& plan, const RestoreFacts& facts);

}  // namespace belay
