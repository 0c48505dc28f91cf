#include "migrate/report_fields.hpp"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "common/bytes.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

constexpr const char* nothing = "\u2013";
/// Numbers above it are no durations and no counts that anything here could have taken or made.
constexpr double largest_number = 1e15;

const Json* find_field(const Json& object, const std::string& field) {
  if (!object.is_object()) return nullptr;
  const Json::const_iterator found = object.find(field);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

void require_readable_report(const Json& report) {
  const std::optional<double> format = number_in(report, "format");
  if (!format) throw Error{Failure::storage, "could not read the report", "It has no \"format\"."};
  if (*format <= report_format) return;
  const std::string version = text_in(report, "version");
  throw Error{Failure::storage, "could not read the report",
              fmt::format("It has format {}, and this belay reads formats up to {}.", *format, report_format),
              fmt::format("Read it with the belay that wrote it{}, or open the report.html beside it.",
                          version.empty() ? "" : " (" + version + ")")};
}

std::string text_in(const Json& object, const std::string& field) {
  const Json* found = find_field(object, field);
  if (found == nullptr) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : std::string{};
}

std::optional<double> number_in(const Json& object, const std::string& field) {
  const Json* found = find_field(object, field);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  const auto number = found->get<double>();
  if (!std::isfinite(number) || std::abs(number) > largest_number) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> count_in(const Json& object, const std::string& field) {
  const std::optional<double> number = number_in(object, field);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

bool is_true(const Json& object, const std::string& field) {
  const Json* found = find_field(object, field);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

const Json& list_in(const Json& object, const std::string& field) {
  static const Json none = Json::array();
  const Json* found = find_field(object, field);
  return found != nullptr && found->is_array() ? *found : none;
}

const Json& object_in(const Json& object, const std::string& field) {
  static const Json none = Json::object();
  const Json* found = find_field(object, field);
  return found != nullptr && found->is_object() ? *found : none;
}

std::vector<std::string> texts_in(const Json& object, const std::string& field) {
  std::vector<std::string> texts;
  for (const Json& entry : list_in(object, field)) {
    if (entry.is_string()) texts.push_back(entry.get<std::string>());
  }
  return texts;
}

std::string ms_words(std::optional<double> ms) {
  if (!ms || *ms < 0) return nothing;
  if (*ms == 0) return "0 ms";
  if (*ms < 10 && std::round(*ms) != *ms) return fmt::format("{:.1f} ms", *ms);
  if (*ms < 1000) return fmt::format("{:.0f} ms", *ms);
  return human_duration(Duration{static_cast<std::int64_t>(*ms * 1000)});
}

std::string ms_in(const Json& object, const std::string& field) { return ms_words(number_in(object, field)); }

std::string count_words(std::optional<std::uint64_t> count) { return count ? human_count(*count) : nothing; }

std::string size_words(std::optional<std::uint64_t> bytes) { return bytes ? human_size(*bytes) : nothing; }

std::string time_words(const std::string& iso) {
  const bool whole = iso.size() >= 20 && iso[4] == '-' && iso[10] == 'T' && iso.back() == 'Z';
  return whole ? iso.substr(0, 10) + " " + iso.substr(11, 8) + " UTC" : iso;
}

Tone tone_of(const std::string& state) {
  static const std::set<std::string> good{"done", "applied", "ok", "passed"};
  static const std::set<std::string> bad{"failed", "half-way", "fail", "error"};
  static const std::set<std::string> warning{"put back", "stopped", "refused", "interrupted", "warn", "warning"};
  if (good.contains(state)) return Tone::good;
  if (bad.contains(state)) return Tone::bad;
  return warning.contains(state) ? Tone::warning : Tone::neutral;
}

LockBlocks blocks(const std::string& mode) {
  if (mode == "ACCESS EXCLUSIVE") return LockBlocks::everybody;
  static const std::set<std::string> writers{"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"};
  return writers.contains(mode) ? LockBlocks::writers : LockBlocks::changes;
}

std::string to_words(LockBlocks blocks) {
  if (blocks == LockBlocks::everybody) return "nobody can read or write";
  return blocks == LockBlocks::writers ? "nobody can write" : "no other ALTER, no VACUUM";
}

}  // namespace belay
