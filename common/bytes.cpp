#include "common/bytes.hpp"

#include <fmt/format.h>

#include <array>

namespace belay {

std::string human_size(Bytes size) {
  if (size < 1024) return fmt::format("{} byte{}", size, size == 1 ? "" : "s");
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(size) / 1024;
  std::size_t unit = 0;
  // 1023.95 is where one decimal would be printed as 1024.0.
  for (; value >= 1023.95 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string human_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t left = digits.size(); left > 3; left -= 3) digits.insert(left - 3, 1, ',');
  return digits;
}

std::string count_of(std::uint64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", human_count(count), noun, count == 1 ? "" : "s");
}

}  // namespace belay
