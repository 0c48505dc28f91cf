// The words and comments of a script as the server's own scanner sees them.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace belay {

struct ScannedToken {
  enum class Kind { comment, identifier, other };
  Kind kind = Kind::other;
  std::size_t begin = 0, end = 0;  ///< bytes in the text
};

/// True for a keyword that a name is mistaken for where it stands without quotes: user, order, table.
[[nodiscard]] bool needs_quotes(const std::string& word);

/// In their order; none if the scanner does not understand the text.
[[nodiscard]] std::vector<ScannedToken> scan_sql(const std::string& text);

}  // namespace belay
