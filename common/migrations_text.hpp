// A script's bytes as Prisma sees them: decoded from UTF-8 the way Node does it, and hashed in each form it accepts.
#pragma once
#include <string>
#include <string_view>

namespace belay {

/// `bytes` with every invalid sequence replaced by U+FFFD, one for each maximal part of a valid sequence, as Node (and
/// every browser) does it. Valid UTF-8, byte order mark and NUL included, comes back unchanged.
[[nodiscard]] std::string as_node_reads_utf8(std::string_view bytes);

/// The length in bytes of the well-formed UTF-8 sequence at the front of `bytes`; if `valid` comes back false, of the
/// part that one U+FFFD stands for.
struct Utf8Step {
  std::size_t length = 1;
  bool valid = true;
};
[[nodiscard]] Utf8Step utf8_step(std::string_view bytes);

}  // namespace belay
