#include "common/clock.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <random>

#include "common/error.hpp"

namespace belay {

namespace {

std::tm utc_fields(TimePoint time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  return fields;
}

std::string with_format(TimePoint time, const char* format) {
  const std::tm fields = utc_fields(time);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &fields)};
}

[[noreturn]] void not_a_time(const std::string& text) {
  throw Error{Failure::storage, fmt::format("could not read the time \"{}\"", text),
              "Expected the form 2026-11-21T13:07:00Z."};
}

}  // namespace

TimePoint SystemClock::now() const {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string compact_utc(TimePoint time) { return with_format(time, "%Y%m%dT%H%M%SZ"); }

std::string archive_stamp(TimePoint time) { return with_format(time, "%Y%m%d_%H%M%S"); }

std::string iso_utc(TimePoint time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{}.{:06}Z", with_format(time, "%Y-%m-%dT%H:%M:%S"), (time - whole).count());
}

TimePoint parse_iso_utc(const std::string& text) {
  std::tm fields{};
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &fields.tm_year, &fields.tm_mon, &fields.tm_mday,
                  &fields.tm_hour, &fields.tm_min, &fields.tm_sec, &used) != 6) {
    not_a_time(text);
  }
  fields.tm_year -= 1900;
  fields.tm_mon -= 1;
  std::size_t at = static_cast<std::size_t>(used);
  std::int64_t micros = 0;
  if (at < text.size() && text[at] == '.') {
    int digits = 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      if (digits < 6) micros = micros * 10 + (text[at] - '0');
    }
    for (; digits < 6; ++digits) micros *= 10;
  }
  if (text.substr(at) != "Z") not_a_time(text);
  return TimePoint{std::chrono::seconds{timegm(&fields)}} + std::chrono::microseconds{micros};
}

std::string human_duration(Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds == 0) return "0 ms";
  if (seconds < 0.01) return fmt::format("{:.1f} ms", seconds * 1000);
  if (seconds < 0.1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {} h", whole / 86400, whole / 3600 % 24);
}

std::string new_run_id(TimePoint now) {
  std::random_device random;
  return fmt::format("{}-{:04x}", compact_utc(now), random() & 0xffffU);
}

TimePoint run_began(const std::string& run) {
  if (!is_run_id(run)) throw Error{Failure::bug, fmt::format("\"{}\" is no run id", run)};
  const auto part = [&](std::size_t at, std::size_t length) { return run.substr(at, length); };
  return parse_iso_utc(
      fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2), part(9, 2), part(11, 2), part(13, 2)));
}

bool is_run_id(const std::string& text) {
  if (text.size() != 21 || text[8] != 'T' || text[15] != 'Z' || text[16] != '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 15 || i == 16) continue;
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (i < 17 || c < 'a' || c > 'f')) return false;
  }
  return true;
}

}  // namespace belay
