#include "migrate/window.hpp"

#include <fmt/format.h>

#include <ctime>
#include <regex>

#include "common/error.hpp"

namespace belay {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds day{24 * 60 * 60};

/// "24:00" is the end of the day.
std::optional<minutes> time_of(const std::string& hours, const std::string& rest) {
  const minutes time{std::stoi(hours) * 60 + std::stoi(rest)};
  if (std::stoi(rest) > 59 || time > day) return std::nullopt;
  return time;
}

std::string clock_face(seconds of_day) {
  const auto whole = std::chrono::duration_cast<minutes>(of_day).count();
  return fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

seconds here(TimePoint now) {
  const std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::localtime_r(&time, &parts);
  return seconds{parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec};
}

}  // namespace

std::optional<Window> parse_window(const std::string& text) {
  static const std::regex form{R"((\d\d):(\d\d)-(\d\d):(\d\d) *(?:\[([A-Za-z0-9_+:/-]+)\]|([A-Za-z0-9_+:/-]*)))"};
  std::smatch parts;
  if (!std::regex_match(text, parts, form)) return std::nullopt;
  const std::optional<minutes> from = time_of(parts[1], parts[2]), to = time_of(parts[3], parts[4]);
  if (!from || !to || *from == *to || *from >= day) return std::nullopt;
  return Window{*from, *to, parts[5].matched ? parts[5].str() : parts[6].str()};
}

std::optional<seconds> open_for(const Window& window, seconds of_day) {
  const seconds from = window.from, to = window.to;
  if (from < to) return of_day >= from && of_day < to ? std::optional{to - of_day} : std::nullopt;
  if (of_day >= from) return day - of_day + to;
  return of_day < to ? std::optional{to - of_day} : std::nullopt;
}

seconds second_of_day(const Window& window, TimePoint now, Connection& db) {
  if (window.zone.empty()) return here(now);
  try {
    return seconds{std::stol(db.value("SELECT extract(epoch FROM ($1::timestamptz AT TIME ZONE $2)::time)::bigint",
                                      {iso_utc(now), window.zone}))};
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    throw Error{Failure::refused, fmt::format("the server does not know the time zone \"{}\" of --window", window.zone),
                error.primary, "Nothing was changed. A name such as UTC or Europe/Berlin is one."};
  }
}

std::string outside_window(const std::optional<std::string>& text, seconds needs, TimePoint now, Connection& db) {
  if (!text) return {};
  const Window window = parse_window(*text).value();
  const seconds time = second_of_day(window, now, db);
  const std::string is = fmt::format("it is {} {}", clock_face(time), window.zone.empty() ? "on this host" : "there");
  const std::optional<seconds> left = open_for(window, time);
  if (!left) return is;
  if (needs <= *left) return {};
  return fmt::format("{}, and what was rehearsed took {} s: it would not end inside", is, needs.count());
}

}  // namespace belay
