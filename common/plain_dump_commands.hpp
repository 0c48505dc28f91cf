// What becomes of the lines of a plain dump that are commands of psql's own.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/plain_dump.hpp"
#include "common/plain_dump_output.hpp"

namespace belay {

/// Kinds of what was left out, however often each came.
class LeftOutList {
 public:
  void add(const std::string& what, std::uint64_t line);
  [[nodiscard]] const std::vector<LeftOut>& all() const { return all_; }

 private:
  std::vector<LeftOut> all_;
};

class PlainDumpCommands {
 public:
  PlainDumpCommands(std::string restrict_key, PlainDumpOutput& output, LeftOutList& left_out);
  /// `text` is a line from its backslash on, without its newline, that is not inside a statement. Throws refused.
  void take(std::string_view text, std::uint64_t line);
  /// The last command was \encoding: the next line has to be \connect.
  [[nodiscard]] bool awaits_connect() const { return encoding_waits_; }
  /// The last line of a dump, without a newline, is the beginning of a command that could go on well.
  [[nodiscard]] bool could_be_cut(std::string_view text) const;
  /// The dump's \restrict has no \unrestrict yet.
  [[nodiscard]] bool restricted() const { return !key_.empty(); }

 private:
  void restrict_begin(const std::string& key, std::uint64_t line);
  void restrict_end(const std::string& key, std::uint64_t line);
  void connect(const std::string& database, std::uint64_t line);
  void pass(std::string_view command, const std::string& key);

  bool own_key_;  ///< psql is restricted by a key of ours
  PlainDumpOutput* output_;
  LeftOutList* left_out_;
  std::string key_;              ///< of the dump's open \restrict
  std::string database_;         ///< of the first \connect
  bool encoding_waits_ = false;  ///< the last command was \encoding, which only \connect may follow
};

/// Throws refused: `text` begins with the backslash.
[[noreturn]] void refuse_meta_line(std::string_view text, std::uint64_t line);

}  // namespace belay
