// The checks of values that need no OptionSet: lengths of time, sizes, and passwords where none may be.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "common/ascii.hpp"
#include "common/options.hpp"

namespace belay {

namespace {

/// `rest`: what follows "://". In a postgresql URL a password with a raw / or ? in it counts too, so there doubt
/// decides for yes.
bool url_holds_password(std::string_view rest, bool postgres) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  if (at != std::string_view::npos) return colon != std::string_view::npos && colon + 1 < at;
  const bool later_at = rest.find('@') != std::string_view::npos;
  if (!later_at || colon == std::string_view::npos) return false;
  const std::string_view port = authority.substr(colon + 1);
  return postgres || (!port.empty() && !all_digits(port));
}

}  // namespace

bool holds_password(const std::string& text) {
  const std::string low = lower(text);
  // The others stand in rclone's connection strings (`:s3,secret_access_key=…:bucket`).
  for (const std::string_view key : {"password=", "secret_access_key=", ",pass=", ",token="}) {
    for (std::size_t at = low.find(key); at != std::string::npos; at = low.find(key, at + 1)) {
      const std::size_t next = at + key.size();
      if (next < low.size() && std::string_view(" &#").find(low[next]) == std::string_view::npos) return true;
    }
  }
  for (std::size_t at = low.find("://"); at != std::string::npos; at = low.find("://", at + 1)) {
    const std::string_view before = std::string_view(low).substr(0, at);
    const bool postgres = before.ends_with("postgres") || before.ends_with("postgresql");
    // In a command the URL ends at a blank; a raw blank in a password belongs to a URL that stands alone.
    const bool alone = low.find_first_of(" \t\n") > at;
    std::string_view rest = std::string_view(text).substr(at + 3);
    if (!(postgres && alone)) rest = rest.substr(0, rest.find_first_of(" \t\n'\""));
    if (url_holds_password(rest, postgres)) return true;
  }
  return false;
}

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  struct Unit {
    std::string_view name;
    double milliseconds;
  };
  static constexpr std::array units{Unit{"us", 0.001},        Unit{"ms", 1.0},      Unit{"", 1.0},
                                    Unit{"s", 1000.0},        Unit{"min", 60000.0}, Unit{"h", 3600.0 * 1000},
                                    Unit{"d", 86400.0 * 1000}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(value) || std::signbit(value)) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto* found = std::find_if(units.begin(), units.end(), [&](const Unit& known) { return known.name == unit; });
  if (found == units.end()) return std::nullopt;
  const double milliseconds = std::round(value * found->milliseconds);
  // Rounded to 0 it would mean "no limit", the opposite of what was asked for.
  const bool vanished = milliseconds < 1 && value > 0;
  if (vanished || milliseconds > std::numeric_limits<int>::max()) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
}

std::optional<std::uint64_t> parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  static constexpr std::array<std::string_view, 6> units{"B", "kB", "MB", "GB", "TB", "PB"};
  const auto* found = std::find(units.begin(), units.end(), unit.empty() ? units.front() : unit);
  const auto shift = static_cast<unsigned>(found - units.begin()) * 10;
  if (found == units.end() || value > (std::numeric_limits<std::uint64_t>::max() >> shift)) return std::nullopt;
  return value << shift;
}

}  // namespace belay
