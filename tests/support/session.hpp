// The tests' own, very small way to a server: libpq directly.
#pragma once
#include <libpq-fe.h>

#include <string>
#include <vector>

#include "common/database_url.hpp"

namespace belay::test {

class Session {
 public:
  Session(const DatabaseUrl& url, const std::string& database);
  ~Session() { PQfinish(pg_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  [[nodiscard]] bool usable() const { return PQstatus(pg_) == CONNECTION_OK; }
  /// One simple query. The first column of the last result that has rows; NULL is "(null)". Throws std::runtime_error.
  std::vector<std::string> run(const std::string& script) const;
  [[nodiscard]] std::string identifier(const std::string& name) const;
  [[nodiscard]] std::string literal(const std::string& text) const;

 private:
  PGconn* pg_;
};

}  // namespace belay::test
