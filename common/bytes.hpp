// Byte spans and their sinks and sources: the one shape in which archives, dumps and rows pass between the parts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace belay {

using Bytes = std::uint64_t;  ///< a size in bytes
using ByteSpan = std::span<const std::byte>;
using ByteSink = std::function<void(ByteSpan)>;  ///< takes all bytes it is given, or throws
/// Fills the front of `room` and returns how many bytes it wrote; 0 = the end.
using ByteSource = std::function<std::size_t(std::span<std::byte> room)>;

[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// "1.4 MiB", "512 bytes".
[[nodiscard]] std::string human_size(Bytes size);
/// "1,234,567".
[[nodiscard]] std::string human_count(std::uint64_t count);
/// "1 migration", "1,234 migrations".
[[nodiscard]] std::string count_of(std::uint64_t count, const std::string& noun);

}  // namespace belay
