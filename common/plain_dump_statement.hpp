// One statement of a plain dump while it passes: held back until it is known what is done with it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/plain_dump_output.hpp"
#include "common/plain_dump_verdict.hpp"

namespace belay {

/// A statement may be larger than memory: only its beginning is kept, and only while it is not judged. Throws refused.
class PlainDumpStatement {
 public:
  explicit PlainDumpStatement(PlainDumpOutput& output) : output_(&output) {}
  /// A statement begins in this line of the dump.
  void begin(std::uint64_t line) { line_ = line; }
  [[nodiscard]] std::uint64_t line() const { return line_; }
  /// A part of the statement, not its last.
  void code(std::string_view text);
  /// A comment, or a part of one, inside it.
  void comment(std::string_view text);

  struct Ended {
    DumpVerdict verdict;
    std::string_view text;  ///< the whole of it, without comments, if the verdict needed it; valid until the next call
  };
  /// The last part.
  [[nodiscard]] Ended end(std::string_view text);
  [[nodiscard]] std::size_t kept_bytes() const { return held_.size() + text_.size() + ended_text_.size(); }

 private:
  void hold(std::string_view text);
  [[nodiscard]] std::size_t room() const;
  void judge(std::string_view text, StatementText how_much);
  void hand_on(std::string_view text);

  PlainDumpOutput* output_;
  std::uint64_t line_ = 0;
  std::optional<DumpVerdict> verdict_;
  std::string held_;        ///< all of it so far, as long as there is no verdict
  std::string text_;        ///< the same with a space for each comment
  std::size_t judged_ = 0;  ///< how much of text_ was looked at in vain
  std::string ended_text_;
};

}  // namespace belay
