// Letters and digits of ASCII, whatever the locale: keywords, names of settings, schemes of URLs.
#pragma once
#include <string>
#include <string_view>

namespace belay {

[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string upper(std::string_view text);
/// False for an empty text.
[[nodiscard]] bool all_digits(std::string_view text);
/// What a hexadecimal digit stands for; -1 if it is none.
[[nodiscard]] constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace belay
