#include "backup/columns.hpp"

#include <algorithm>

#include "common/output.hpp"

namespace belay {

namespace {

/// Characters, not bytes.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

using Cells = std::vector<std::string>;

struct UsedColumn {
  std::size_t index, width;
  Align align;
};

std::vector<UsedColumn> used_columns(const std::vector<ListColumn>& columns, const std::vector<Cells>& rows) {
  std::vector<UsedColumn> used;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = 0;
    for (const Cells& row : rows) width = std::max(width, width_of(row[i]));
    if (width > 0) used.push_back({i, std::max(width, width_of(columns[i].heading)), columns[i].align});
  }
  return used;
}

std::string line_of(const Cells& row, const std::vector<UsedColumn>& columns, const std::string& indent) {
  std::string line = indent;
  for (const UsedColumn& column : columns) {
    const std::string& cell = row[column.index];
    const std::string padding(column.width - width_of(cell), ' ');
    line += (column.align == Align::right ? padding + cell : cell + padding) + "  ";
  }
  line.resize(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : printable(text)) {
    if (c == '\n' || c == '\t') {
      line += c == '\n' ? "\\n" : "\\t";
    } else {
      line += c;
    }
  }
  return line;
}

std::string in_columns(const std::vector<ListColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                       const std::string& indent) {
  std::vector<Cells> cells = rows;
  for (Cells& row : cells) {
    for (std::string& cell : row) cell = one_line(cell);
  }
  const std::vector<UsedColumn> used = used_columns(columns, cells);
  Cells headings;
  for (const ListColumn& column : columns) headings.push_back(column.heading);
  const bool named = std::any_of(headings.begin(), headings.end(), [](const std::string& h) { return !h.empty(); });
  std::string text = named ? line_of(headings, used, indent) : "";
  for (const Cells& row : cells) text += line_of(row, used, indent);
  return text;
}

}  // namespace belay
