// The folder's name.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>

#include "common/ascii.hpp"
#include "migrate/lint_rules.hpp"

namespace belay {

namespace {

/// 2026-01-05_
bool is_dashed_date(std::string_view name) {
  constexpr std::size_t length = 10, first_dash = 4, second_dash = 7;
  return name.size() > length && name[first_dash] == '-' && name[second_dash] == '-' && name[length] == '_' &&
         all_digits(name.substr(0, first_dash)) && all_digits(name.substr(first_dash + 1, 2)) &&
         all_digits(name.substr(second_dash + 1, 2));
}

struct Parts {
  std::string_view stamp, rest;
};

Parts parts_of(std::string_view name) {
  if (is_dashed_date(name)) return {name.substr(0, 10), name.substr(11)};
  const std::size_t line = name.find('_');
  if (line == std::string_view::npos || !all_digits(name.substr(0, line))) return {{}, name};
  return {name.substr(0, line), name.substr(line + 1)};
}

std::string_view without_version(std::string_view words) {
  const std::size_t line = words.rfind('_');
  if (line == std::string_view::npos) return words;
  std::string_view last = words.substr(line + 1);
  if (last.starts_with("v")) last.remove_prefix(1);
  return all_digits(last) ? words.substr(0, line) : words;
}

bool is_vague(std::string_view words) {
  constexpr std::array vague{"update", "fix", "change", "changes", "misc", "wip", "refactor", "update_schema"};
  if (words.starts_with("big_")) words.remove_prefix(4);
  words = without_version(words);
  return std::find(vague.begin(), vague.end(), words) != vague.end();
}

}  // namespace

void lint_name(const LintScript& script, const std::optional<std::string>& pattern, LintSink& sink) {
  const auto say = [&](LintSeverity severity, const std::string& message, const char* hint) {
    sink.add("migration-name", severity, LintSink::Place{}, message, hint);
  };
  if (pattern) {
    if (!std::regex_match(script.migration, std::regex{*pattern}))
      say(LintSeverity::warning, fmt::format("the name {} does not match {}", script.migration, *pattern),
          "The pattern is --name-pattern's.");
    return;
  }
  const Parts parts = parts_of(script.migration);
  const char* const form = "Prisma names folders YYYYMMDDHHMMSS_what_it_does, and applies them in that order.";
  constexpr std::size_t usual = 14, to_the_minute = 12, to_the_day = 8;
  const bool accepted =
      parts.stamp.size() == to_the_minute || parts.stamp.size() == to_the_day || is_dashed_date(script.migration);
  if (parts.stamp.empty() || (parts.stamp.size() != usual && !accepted))
    return say(LintSeverity::warning, fmt::format("the name {} has not the form YYYYMMDDHHMMSS_name", script.migration),
               form);
  if (accepted) say(LintSeverity::note, fmt::format("the time in the name is {}, not 14 digits", parts.stamp), form);
  if (std::any_of(parts.rest.begin(), parts.rest.end(), [](unsigned char c) { return std::isupper(c) != 0; }))
    say(LintSeverity::warning, fmt::format("the name {} is not snake_case", parts.rest),
        "Write small letters, digits and _.");
  if (is_vague(parts.rest))
    say(LintSeverity::warning, fmt::format("the name {} does not say what the migration does", parts.rest),
        "Say what changes: add_orders_status, drop_legacy_carts.");
}

}  // namespace belay
