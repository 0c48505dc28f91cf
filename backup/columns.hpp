// Text in columns, for listings.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace belay {

enum class Align { left, right };
struct ListColumn {
  std::string heading;  ///< without one in any column there is no line of headings
  Align align = Align::left;
};

/// A line per row, cells padded to the widest of their column and two spaces apart. Every row has a cell for each of
/// `columns`; a column whose cells are all empty is left out.
[[nodiscard]] std::string in_columns(const std::vector<ListColumn>& columns,
                                     const std::vector<std::vector<std::string>>& rows, const std::string& indent = {});

/// `text` without anything that could begin a new line or steer a terminal. Names of files and tables can hold both.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace belay
