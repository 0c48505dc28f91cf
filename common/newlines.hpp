// Line numbers.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace belay {

[[nodiscard]] inline std::uint64_t count_newlines(std::string_view text) {
  std::uint64_t count = 0;
  for (; !text.empty(); ++count) {
    const void* newline = std::memchr(text.data(), '\n', text.size());
    if (newline == nullptr) break;
    text.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(newline) - text.data()) + 1);
  }
  return count;
}

}  // namespace belay
