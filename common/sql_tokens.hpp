// SQL text cut into words, for recognising a few kinds of statements by their first words. Not a parser: what is needed
// of a migration's meaning comes from script.hpp.
#pragma once
#include <array>
#include <string>
#include <string_view>

namespace belay {

struct SqlToken {
  enum class Kind {
    end,         ///< there is nothing more
    word,        ///< a keyword or an unquoted identifier, in lower case
    identifier,  ///< "quoted", without its quotes
    text,        ///< 'quoted', without its quotes, backslashes as they stand
    other        ///< one character
  };
  Kind kind = Kind::end;
  std::string value;
  [[nodiscard]] bool is_word(std::string_view word) const { return kind == Kind::word && value == word; }
  [[nodiscard]] bool is(char c) const { return kind == Kind::other && value[0] == c; }
  /// A name as it stands in a statement, quoted or not.
  [[nodiscard]] bool is_name() const { return kind == Kind::word || kind == Kind::identifier; }
};

/// Takes one token from the front of `rest`, which holds no comments.
[[nodiscard]] SqlToken take_sql_token(std::string_view& rest);

/// What the server takes for white space. (Vertical tab only from version 16 on: before, no statement begins with it.)
[[nodiscard]] constexpr bool is_sql_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
/// What an identifier without quotes may begin with, and go on with.
[[nodiscard]] constexpr bool is_sql_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
inline constexpr std::array<bool, 256> sql_word_bytes = [] {
  std::array<bool, 256> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = static_cast<char>(i);
    bytes[i] = is_sql_word_start(c) || (c >= '0' && c <= '9') || c == '$';
  }
  return bytes;
}();
[[nodiscard]] constexpr bool is_sql_word(char c) { return sql_word_bytes[static_cast<unsigned char>(c)]; }
/// The first byte at or after `at` that does not go on with a word.
[[nodiscard]] inline const char* sql_word_end(const char* at, const char* end) {
  while (at != end && is_sql_word(*at)) ++at;
  return at;
}
[[nodiscard]] constexpr char sql_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace belay
