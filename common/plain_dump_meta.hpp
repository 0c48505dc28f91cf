// The lines of a plain dump that are commands of psql's own: the few that pg_dump writes.
#pragma once
#include <string>
#include <string_view>

namespace belay {

struct MetaLine {
  enum class Kind {
    restrict_begin,  ///< \restrict KEY: from here on psql takes no further command, but…
    restrict_end,    ///< \unrestrict KEY
    encoding,        ///< \encoding SQL_ASCII, which stands before \connect
    connect,         ///< \connect DATABASE: what follows belongs into another database
    refused
  };
  Kind kind = Kind::refused;
  std::string argument = {};  ///< the key; the database as it is written
};

/// `line` begins with its backslash and has no newline; a carriage return at its end does not matter. Refused is
/// whatever is not exactly what pg_dump writes.
[[nodiscard]] MetaLine parse_meta_line(std::string_view line);

/// Letters and digits.
[[nodiscard]] bool is_restrict_key(std::string_view text);

}  // namespace belay
