#include "common/apply_position.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <vector>

#include "common/migrations_text.hpp"
#include "common/output.hpp"

namespace belay {

namespace {

/// One character of a line as it is shown, and how many terminal columns it takes.
struct Shown {
  std::string text;
  int columns = 1;
};

Shown shown(std::string_view character) {
  static const int utf8 = pg_char_to_encoding("UTF8");
  if (character == "\t") return {" ", 1};
  std::string text = printable(character);
  if (text != character) return {text, static_cast<int>(text.size())};  // an escaped control character
  const int columns = PQdsplen(text.c_str(), utf8);
  return {text, std::max(columns, 0)};
}

/// The part of the line around `column` that fits, with "..." where something is left out, and the columns before the
/// caret.
struct Window {
  std::string text;
  int before_caret = 0;
};

Window window_around(const std::vector<Shown>& line, std::size_t caret) {
  constexpr int columns_before = 40;
  constexpr int columns_in_all = 70;
  std::size_t from = std::min(caret, line.size());
  for (int used = 0; from > 0 && used + line[from - 1].columns <= columns_before; --from)
    used += line[from - 1].columns;
  Window window;
  if (from > 0) window = {"...", 3};
  int used = window.before_caret;
  for (std::size_t i = from; i < line.size(); ++i) {
    if (used + line[i].columns > columns_in_all) {
      window.text += "...";
      break;
    }
    window.text += line[i].text;
    used += line[i].columns;
    if (i < caret) window.before_caret += line[i].columns;
  }
  return window;
}

}  // namespace

std::size_t offset_of(std::string_view text, int position, PositionUnit unit) {
  if (position <= 1) return 0;
  const auto characters = static_cast<std::size_t>(position - 1);
  if (unit == PositionUnit::bytes) return std::min(characters, text.size());
  std::size_t offset = 0;
  for (std::size_t i = 0; i < characters && offset < text.size(); ++i) offset += utf8_step(text.substr(offset)).length;
  return offset;
}

TextPlace place_at(std::string_view script, std::size_t offset) {
  TextPlace place;
  place.offset = std::min(offset, script.size());
  const std::string_view before = script.substr(0, place.offset);
  place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_end = before.rfind('\n');
  std::string_view rest = before.substr(line_end == std::string_view::npos ? 0 : line_end + 1);
  for (; !rest.empty(); rest.remove_prefix(utf8_step(rest).length)) ++place.column;
  return place;
}

std::string_view line_of(std::string_view script, int line) {
  for (int i = 1; i < line && !script.empty(); ++i)
    script.remove_prefix(std::min(script.find('\n'), script.size() - 1) + 1);
  script = script.substr(0, script.find('\n'));
  if (script.ends_with('\r')) script.remove_suffix(1);
  return script;
}

std::string excerpt(std::string_view script, const TextPlace& place) {
  std::vector<Shown> line;
  for (std::string_view rest = line_of(script, place.line); !rest.empty();) {
    const std::size_t length = utf8_step(rest).length;
    line.push_back(shown(rest.substr(0, length)));
    rest.remove_prefix(length);
  }
  const Window window = window_around(line, static_cast<std::size_t>(place.column - 1));
  const std::string label = fmt::format("LINE {}: ", place.line);
  return label + window.text + "\n" + std::string(label.size() + static_cast<std::size_t>(window.before_caret), ' ') +
         "^";
}

}  // namespace belay
