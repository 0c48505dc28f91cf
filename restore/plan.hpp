// What a restore will do, decided from facts alone.
#pragma once
#include "backup/plan.hpp"
#include "restore/rebuild.hpp"
#include "restore/source.hpp"

namespace belay {

struct RestoreFacts {
  std::string database;
  std::string run;
  ServerFacts server;
  RestoreSource source;
  bool target_has_objects = false;
  bool from_other_server = false;
  std::vector<std::string> unreachable_sessions;  ///< sessions this role may not end
  std::vector<std::string> missing_roles;         ///< roles the backup refers to and the server lacks
  std::vector<std::string> obstacles;             ///< prepared transactions, logical slots, subscriptions
};

struct RestorePlan {
  std::string database;
  std::filesystem::path archive;
  std::string side;
  std::optional<std::string> kept;  ///< none = the target does not exist
  DatabaseProperties properties;    ///< of the present target, else of the backup
};

/// Throws refused: another server's backup, another major version below the backup's, missing roles, sessions out of
/// reach, obstacles.
[[nodiscard]] RestorePlan plan_restore(const RestoreFacts& facts);

[[nodiscard]] Result show_plan(const RestorePlan& plan, const RestoreFacts& facts);

/// What a restore would take away: for each table whose rows differ between now (a backup just taken) and the backup to
/// restore. Pure.
[[nodiscard]] std::vector<std::string> describe_loss(const ContentFingerprint& now, const ContentFingerprint& then);

}  // namespace belay
