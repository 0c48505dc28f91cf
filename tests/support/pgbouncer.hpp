// A real PgBouncer in front of a server, listening on a socket in its own folder: no TCP port is taken.
#pragma once
#include <optional>
#include <string>

#include "common/database_url.hpp"
#include "tests/support/run.hpp"

namespace belay::test {

class PgBouncer {
 public:
  /// `url`: where it connects to, with user and password; `mode`: "session" or "transaction". As root it runs as an
  /// unprivileged user. The program has to be there (scripts/setup).
  PgBouncer(const DatabaseUrl& url, const std::string& mode);
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  /// The same database through it.
  [[nodiscard]] const DatabaseUrl& url() const { return url_; }
  [[nodiscard]] std::string log() const;

 private:
  ScratchFolder folder_;
  DatabaseUrl url_;
  std::optional<Background> bouncer_;
};

}  // namespace belay::test
