// An existing database that the operator named for replays, where none can be created (SHADOW_DATABASE_URL of a hosted
// server). It has to be empty, and is left empty.
//
// What is true if the process dies: the shadow database holds what was replayed so far. The next run finds it not empty
// and refuses, naming it; nothing that belay did not see empty is ever emptied.
#pragma once
#include <string>

#include "common/connection.hpp"

namespace belay {

class ShadowDatabase {
 public:
  /// Takes a lock inside, so that two runs do not share it. Throws refused if it is not empty, or if another run has
  /// it; `target`: a session on the database that is looked at, which must not be the same one.
  ShadowDatabase(const DatabaseUrl& url, const SessionSettings& session, Connection& target);
  [[nodiscard]] const std::string& name() const { return inside_.database(); }
  /// Drops everything in it. Throws failed, naming what is left, if something cannot be dropped.
  void empty();

 private:
  Connection inside_;
};

}  // namespace belay
