// The encoding in which a dump is written.
#pragma once
#include <string>
#include <string_view>

namespace belay {

/// `name` in UTF-8. `encoding` is PostgreSQL's name for what it is written in. Throws storage if it is not text of that
/// encoding.
[[nodiscard]] std::string dumped_name_to_utf8(const std::string& name, const std::string& encoding);

/// PostgreSQL's name for an encoding that is written otherwise: unicode, UTF-8.
[[nodiscard]] std::string encoding_name(std::string_view written);

/// True for the encodings (by PostgreSQL's name) in which a byte below 0x80 is always the ASCII character: those that a
/// database can have. False for the others and for names that are not known.
[[nodiscard]] bool is_byte_safe_encoding(std::string_view encoding);

}  // namespace belay
