// The few pieces of HTML that a report is made of. Text becomes markup only here, through escaped(): whatever comes
// from a server, a file or a person is escaped once, where it is put in.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace belay {

/// Text as content or as a quoted attribute. Control bytes are shown as printable() shows them, and so are the
/// invisible characters that turn the direction of what follows.
[[nodiscard]] std::string escaped(std::string_view text);
/// The same with `commands` in backticks as code, and with its line breaks.
[[nodiscard]] std::string prose(std::string_view text);
[[nodiscard]] std::string code(std::string_view text);
/// The same of a path, which may be parted behind its slashes where the line ends.
[[nodiscard]] std::string path_code(std::string_view path);
/// <TAG class="…">markup</TAG>; without the class where it is empty.
[[nodiscard]] std::string element(std::string_view tag, std::string_view css_class, std::string_view markup);

struct HtmlColumn {
  std::string heading;
  std::string css_class = {};  ///< of each cell of the column
};
using HtmlRow = std::vector<std::string>;  ///< markup of the cells
[[nodiscard]] std::string html_table(std::string_view css_class, const std::vector<HtmlColumn>& columns,
                                     const std::vector<HtmlRow>& rows);
/// A list of markup; empty for none.
[[nodiscard]] std::string html_list(std::string_view tag, const std::vector<std::string>& items);

}  // namespace belay
