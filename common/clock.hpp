// Time as a seam: plans and names are tested with a fixed clock.
#pragma once
#include <chrono>
#include <string>

namespace belay {

using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

struct Clock {
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};
struct SystemClock final : Clock {
  [[nodiscard]] TimePoint now() const override;
};

/// "20261121T130700Z" (UTC).
[[nodiscard]] std::string compact_utc(TimePoint time);
/// "20261121_130700" (UTC), as in the names of archives.
[[nodiscard]] std::string archive_stamp(TimePoint time);
/// "2026-11-21T13:07:00.123456Z".
[[nodiscard]] std::string iso_utc(TimePoint time);
/// Reads what iso_utc writes (fraction optional). Throws Failure::storage on anything else.
[[nodiscard]] TimePoint parse_iso_utc(const std::string& text);
/// "0.8 s", "2 min 05 s", "3 d 4 h".
[[nodiscard]] std::string human_duration(Duration duration);

/// A run's id: `YYYYMMDDTHHMMSSZ-xxxx`, x hexadecimal and random.
[[nodiscard]] std::string new_run_id(TimePoint now);
/// When that run began, to the second. Throws bug for text that is no run id.
[[nodiscard]] TimePoint run_began(const std::string& run);
/// True for text of exactly a run id's form.
[[nodiscard]] bool is_run_id(const std::string& text);

}  // namespace belay
