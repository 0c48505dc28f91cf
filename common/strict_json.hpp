// JSON that came from a file anybody may have edited: nothing in it is silently taken for something else. The library
// alone keeps the last of two equal fields, makes 1 of true and of 1.9, and 18446744073709551615 of -1.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "common/error.hpp"
#include "common/output.hpp"

namespace belay {

/// The whole text as JSON. Throws storage if it is none, or if an object has a field twice.
[[nodiscard]] Json parse_strict(const std::string& text);

/// Throws storage: not a whole number that this program can hold.
[[noreturn]] void throw_not_whole(const Json& json);

/// The number, where it is a whole one within the type's range. Throws storage.
template <typename Number>
[[nodiscard]] Number whole_number(const Json& json) {
  if (json.is_number_unsigned()) {
    const auto value = json.get<std::uint64_t>();
    if (std::in_range<Number>(value)) return static_cast<Number>(value);
  } else if (json.is_number_integer()) {
    const auto value = json.get<std::int64_t>();
    if (std::in_range<Number>(value)) return static_cast<Number>(value);
  }
  throw_not_whole(json);
}

/// A file's name, never a path. Throws storage.
[[nodiscard]] std::string file_name(const Json& json);

}  // namespace belay
