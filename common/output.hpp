// What a person or a script sees. Results go to standard output and nothing else does; progress, warnings and prompts
// go to standard error. With --json the result is one JSON object and progress is one JSON object a line.
#pragma once
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace belay {

using Json = nlohmann::ordered_json;

[[nodiscard]] inline Json text_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

struct OutputSettings {
  bool json = false;
  bool quiet = false;  ///< no progress; warnings and errors stay
  bool verbose = false;
  bool color = false;     ///< standard error is a terminal, and neither --no-color nor NO_COLOR was given
  bool terminal = false;  ///< standard error is a terminal: transient progress lines make sense
};

/// Each on a line of its own, behind `indent`.
[[nodiscard]] std::string as_lines(const std::vector<std::string>& lines, std::string_view indent = {});

/// A result in both forms, with the same content.
struct Result {
  std::string text;  ///< lines, each ending in a newline
  Json json;         ///< an object; `format` and `version` are added by Output
};

class Output {
 public:
  void configure(OutputSettings settings, std::string tool);
  [[nodiscard]] const OutputSettings& settings() const { return settings_; }

  /// "=== TITLE ===" / {"event":"step","title":TITLE}
  void heading(std::string_view title);
  /// One line about what was done. / {"event":"note","text":…}
  void note(std::string_view text);
  /// A line only with --verbose.
  void detail(std::string_view text);
  /// "warning: TEXT" / {"event":"warning","text":…}
  void warn(std::string_view text);
  /// A transient line on a terminal, at most four a second; an event of the given fields with --json; nothing
  /// otherwise.
  void progress(std::string_view text, const Json& fields);
  /// An event that only programs see.
  void event(std::string_view name, const Json& fields);
  /// The command's result, once.
  void result(const Result& result);
  /// True if a result was not wholly written (a full disk): said as a warning by then. A reader that went away does not
  /// count, it has read what it wanted.
  [[nodiscard]] bool result_lost() const { return result_lost_; }
  /// An error, as the last thing a run prints.
  void error(const Error& error);

 private:
  void clear_progress();
  void emit(std::string_view kind, const Json& fields);
  OutputSettings settings_;
  std::string tool_;
  bool progress_shown_ = false;
  bool result_lost_ = false;
  std::chrono::steady_clock::time_point last_progress_;
};

/// Makes text safe to print: control bytes, and bytes that are not UTF-8, as \xNN. Names come from the database, and a
/// name can hold a terminal's escape codes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace belay
