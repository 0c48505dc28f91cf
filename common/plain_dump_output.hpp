// What of a plain dump goes on to psql.
#pragma once
#include <string>
#include <string_view>

#include "common/bytes.hpp"

namespace belay {

/// Gathers small pieces, so that a dump of many short statements does not become as many writes.
class PlainDumpOutput {
 public:
  explicit PlainDumpOutput(ByteSink sink) : sink_(std::move(sink)) {}
  void pass(std::string_view text);
  /// Passes the newlines of text that is left out, so that psql's line numbers are the dump's.
  void leave_out(std::string_view text);
  /// Hands on what was gathered.
  void flush();

 private:
  ByteSink sink_;
  std::string gathered_;
};

}  // namespace belay
