#include "common/sql_text.hpp"

namespace belay {

namespace {
std::string doubled(std::string_view text, char quote, char also) {
  std::string out;
  out.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == quote || c == also) out += c;
    out += c;
  }
  return out;
}
}  // namespace

std::string quote_identifier(std::string_view name) { return '"' + doubled(name, '"', '"') + '"'; }

std::string quote_literal(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return '\'' + doubled(text, '\'', '\'') + '\'';
  return "E'" + doubled(text, '\'', '\\') + '\'';
}

std::string quote_conninfo(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + '\'';
}

}  // namespace belay
