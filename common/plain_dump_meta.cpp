#include "common/plain_dump_meta.hpp"

#include <algorithm>

namespace belay {

namespace {

constexpr bool is_key_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}

/// A name that psql takes as it stands, or one in double quotes with nothing behind it. (A quoted one is followed by
/// nothing because the line could hold a second command.)
bool is_one_argument(std::string_view text) {
  const auto is_plain = [](char c) { return is_key_char(c) || c == '_' || c == '-' || c == '.' || c == '$'; };
  if (!text.starts_with('"')) return !text.empty() && std::all_of(text.begin(), text.end(), is_plain);
  text.remove_prefix(1);
  while (true) {
    const std::size_t quote = text.find('"');
    if (quote == std::string_view::npos) return false;
    text.remove_prefix(quote + 1);
    if (text.empty()) return true;
    if (!take(text, "\"")) return false;
  }
}

}  // namespace

bool is_restrict_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_key_char);
}

MetaLine parse_meta_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line == "\\encoding SQL_ASCII") return {MetaLine::Kind::encoding};
  if (take(line, "\\restrict ")) {
    if (is_restrict_key(line)) return {MetaLine::Kind::restrict_begin, std::string(line)};
  } else if (take(line, "\\unrestrict ")) {
    if (is_restrict_key(line)) return {MetaLine::Kind::restrict_end, std::string(line)};
  } else if (take(line, "\\connect ")) {
    std::string_view database = line;
    take(database, "-reuse-previous=on ");
    if (is_one_argument(database)) return {MetaLine::Kind::connect, std::string(line)};
  }
  return {};
}

}  // namespace belay
