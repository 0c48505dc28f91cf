// A place in a script, and the line that shows it.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace belay {

struct TextPlace {
  std::size_t offset = 0;  ///< bytes from the script's beginning
  int line = 1;            ///< 1-based
  int column = 1;          ///< 1-based, in characters
};

enum class PositionUnit { characters, bytes };

/// The byte offset of the 1-based `position` in `text`, at most its length.
[[nodiscard]] std::size_t offset_of(std::string_view text, int position, PositionUnit unit);
[[nodiscard]] TextPlace place_at(std::string_view script, std::size_t offset);
/// "LINE 12: …" and below it a caret under the place, as psql shows it: cut to about 70 columns, tabs as one space,
/// wide characters counted as two.
[[nodiscard]] std::string excerpt(std::string_view script, const TextPlace& place);
/// The line numbered `line`, without its line end.
[[nodiscard]] std::string_view line_of(std::string_view script, int line);

}  // namespace belay
