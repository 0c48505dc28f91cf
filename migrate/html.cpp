#include "migrate/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/output.hpp"

namespace belay {

namespace {

/// U+061C, U+200E/F, U+202A–E, U+2066–9 in UTF-8: they let text look like other text.
std::string without_turns(std::string text) {
  static const std::array<std::pair<std::string_view, std::string_view>, 12> turns{{{"\u061c", "\\u061c"},
                                                                                    {"\u200e", "\\u200e"},
                                                                                    {"\u200f", "\\u200f"},
                                                                                    {"\u202a", "\\u202a"},
                                                                                    {"\u202b", "\\u202b"},
                                                                                    {"\u202c", "\\u202c"},
                                                                                    {"\u202d", "\\u202d"},
                                                                                    {"\u202e", "\\u202e"},
                                                                                    {"\u2066", "\\u2066"},
                                                                                    {"\u2067", "\\u2067"},
                                                                                    {"\u2068", "\\u2068"},
                                                                                    {"\u2069", "\\u2069"}}};
  for (const auto& [turn, shown] : turns) {
    for (std::size_t at = text.find(turn); at != std::string::npos; at = text.find(turn, at + shown.size()))
      text.replace(at, turn.size(), shown);
  }
  return text;
}

std::string cell(std::string_view tag, const std::string& css_class, const std::string& markup) {
  return element(tag, css_class, markup);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : without_turns(printable(text))) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string prose(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('`');
    const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) break;
    out += escaped(text.substr(0, open)) + code(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  out += escaped(text);
  for (std::size_t at = out.find('\n'); at != std::string::npos; at = out.find('\n', at + 4))
    out.replace(at, 1, "<br>");
  return out;
}

std::string code(std::string_view text) { return "<code>" + escaped(text) + "</code>"; }

std::string path_code(std::string_view path) {
  std::string inner = escaped(path);
  for (std::size_t at = inner.find('/'); at != std::string::npos; at = inner.find('/', at + 1))
    inner.insert(at + 1, "<wbr>");
  return "<code>" + inner + "</code>";
}

std::string element(std::string_view tag, std::string_view css_class, std::string_view markup) {
  const std::string attribute = css_class.empty() ? "" : fmt::format(" class=\"{}\"", css_class);
  return fmt::format("<{0}{1}>{2}</{0}>", tag, attribute, markup);
}

std::string html_table(std::string_view css_class, const std::vector<HtmlColumn>& columns,
                       const std::vector<HtmlRow>& rows) {
  const bool named =
      std::any_of(columns.begin(), columns.end(), [](const HtmlColumn& column) { return !column.heading.empty(); });
  std::string head;
  for (const HtmlColumn& column : columns)
    head += fmt::format("<th scope=\"col\"{}>{}</th>",
                        column.css_class.empty() ? "" : " class=\"" + column.css_class + "\"", escaped(column.heading));
  std::string body;
  for (const HtmlRow& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size() && i < columns.size(); ++i) line += cell("td", columns[i].css_class, row[i]);
    body += element("tr", "", line) + "\n";
  }
  if (named) head = "<thead><tr>" + head + "</tr></thead>\n";
  return element("table", css_class, (named ? head : "") + "<tbody>\n" + body + "</tbody>") + "\n";
}

std::string html_list(std::string_view tag, const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::string all;
  for (const std::string& item : items) all += element("li", "", item) + "\n";
  return element(tag, "", all) + "\n";
}

}  // namespace belay
