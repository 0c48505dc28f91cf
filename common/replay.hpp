// Migrations replayed in an empty side database, to see what they make. It is dropped afterwards, however that comes
// out.
//
// What is true if the process dies: a side database is there with the marker "replaying", or, between its creation and
// its marker, empty and with a name of ours. Whoever takes the locks next drops it (drop_dead_replays), and so does
// `migrate-production recover`. The target is never written to.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/run_tool.hpp"
#include "common/shadow_database.hpp"
#include "common/side_database.hpp"

namespace belay {

/// The two sessions that hold this run's locks for a target's name on the server where side databases are made.
struct SideSessions {
  Connection maintenance;
  Connection lock;
};
/// Connects, takes both locks, and drops what dead replays left. Throws connection; refused if another run holds them.
[[nodiscard]] SideSessions lock_side_server(const DatabaseUrl& url, const std::optional<std::string>& maintenance_db,
                                            const std::string& target, Tool& tool);
/// Whether `url` leads to the cluster of that system identifier, which a server may be reached in by several names.
/// Throws connection.
[[nodiscard]] bool is_cluster(const std::string& system_identifier, const DatabaseUrl& url,
                              const std::optional<std::string>& maintenance_db, const Tool& tool);
/// Only under the locks.
void drop_dead_replays(Connection& maintenance, const std::string& target, Tool& tool);

struct ReplayRequest {
  DatabaseUrl url;                    ///< of the server, and as whom
  Connection* maintenance = nullptr;  ///< a session there, in a run that holds the locks
  /// What the side database is made like: name (of the target), encoding, locale, settings. `owner`: whose the objects
  /// become, where this role may act as that one.
  DatabaseProperties like;
  /// Made beforehand if only a superuser may make them and this session is one: CREATE EXTENSION IF NOT EXISTS in a
  /// migration of the owner's passes over an extension that an administrator had made.
  std::vector<std::string> extensions = {};
  ApplySettings settings;
  ShadowDatabase* shadow = nullptr;  ///< used instead of a side database; emptied afterwards
};

struct ReplayFailure {
  Migration migration;
  Error error;  ///< what apply_migration says: file, line, statement, SQLSTATE
};

class Replay {
 public:
  /// Makes the side database and the history table in it. Throws refused if the server does not let it.
  Replay(const ReplayRequest& request, Tool& tool);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Applies them in the given order, up to the first that fails. May be called again for further ones. Throws
  /// interrupted; connection where the server is gone.
  [[nodiscard]] std::optional<ReplayFailure> run(const std::vector<Migration>& migrations);
  /// The same for one script, measured.
  [[nodiscard]] std::optional<ReplayFailure> measure(const Migration& script, StatementMeter& meter);
  /// A session in the side database, idle.
  [[nodiscard]] Connection& db() { return db_.value(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The role whose objects these are.
  [[nodiscard]] const std::string& role() const { return role_; }
  /// Closes its sessions and drops it, or empties the shadow database. The destructor does so too, but cannot tell of
  /// an error.
  void drop();

 private:
  void create(const ReplayRequest& request);
  void make_extensions(const ReplayRequest& request);
  void open(const ReplayRequest& request);
  Connection& maintenance_;
  Tool& tool_;
  std::string name_, role_;
  ApplySettings settings_;
  std::optional<Connection> db_, books_;
  ShadowDatabase* shadow_ = nullptr;
  bool there_ = false;
};

/// Refused, for the migration that could not be replayed (P3006).
[[nodiscard]] Error replay_error(const ReplayFailure& failure);

}  // namespace belay
