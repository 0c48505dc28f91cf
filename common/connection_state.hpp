// The inside of a Connection, for the files that implement it: connection_state.cpp talks to libpq, connection.cpp
// gives statements their shapes.
#pragma once
#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string>

#include "common/connection.hpp"

namespace belay {

struct ResultDeleter {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ResultDeleter>;

enum class Interruptible { yes, no };

/// Without newlines and blanks at its end; empty for a null pointer.
[[nodiscard]] std::string trimmed(const char* text);

struct Connection::State {
  struct Closer {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Closer> pg;
  DatabaseUrl url;
  std::string database;
  SessionSettings settings;
  std::function<void(const std::string&)> notice;
  int backend_pid = 0;
  std::function<void()> meanwhile;  ///< called about every 5 ms while an answer is waited for

  [[noreturn]] void fail(const PGresult* result, const std::string& sql) const;
  void wait_readable(Interruptible mode) const;
  void do_meanwhile() const;
  void send(const std::string& sql, const Params* params) const;
  PgResult next(const std::string& sql, Interruptible mode) const;
  PgResult last(const std::string& sql, Interruptible mode) const;
  PgResult execute(const std::string& sql, const Params* params, Interruptible mode) const;
  void drain() const;
};

}  // namespace belay
