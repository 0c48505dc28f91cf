#include "common/clock.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

using namespace belay;

TEST_CASE("times are written in UTC and read back exactly") {
  const std::string text =
      GENERATE("2026-11-21T13:07:00.123456Z", "1999-12-31T23:59:59.000001Z", "2028-02-29T00:00:00.000000Z");
  CHECK(iso_utc(parse_iso_utc(text)) == text);
}

TEST_CASE("a fraction of any length is read to the microsecond") {
  CHECK(parse_iso_utc("2026-11-21T13:07:00Z") == parse_iso_utc("2026-11-21T13:07:00.000000Z"));
  CHECK(parse_iso_utc("2026-11-21T13:07:00.5Z") == parse_iso_utc("2026-11-21T13:07:00.500000999Z"));
}

TEST_CASE("text that is no time is refused") {
  const std::string text = GENERATE("", "yesterday", "2026-11-21", "2026-11-21T13:07:00", "2026-11-21T13:07:00+01:00",
                                    "2026-11-21T13:07:00Z ");
  CHECK_THROWS_AS(parse_iso_utc(text), Error);
}

TEST_CASE("a run's id says when it began") {
  const TimePoint now = parse_iso_utc("2026-11-21T13:07:00Z");
  const std::string run = new_run_id(now);
  CHECK(is_run_id(run));
  CHECK(run.substr(0, 17) == "20261121T130700Z-");
  CHECK(run_began(run) == now);
}

TEST_CASE("what is no run id is not taken for one") {
  const std::string text = GENERATE("", "20261121T130700Z", "20261121T130700Z-12g4", "20261121T130700Z-12345",
                                    "2026a121T130700Z-1234", "20261121t130700Z-1234", "20261121T130700Z-12A4");
  CHECK_FALSE(is_run_id(text));
}

TEST_CASE("durations are said in the unit that fits") {
  using std::chrono::seconds;
  CHECK(human_duration(std::chrono::microseconds{0}) == "0 ms");
  CHECK(human_duration(std::chrono::microseconds{2840}) == "2.8 ms");
  CHECK(human_duration(std::chrono::milliseconds{31}) == "31 ms");
  CHECK(human_duration(std::chrono::milliseconds{840}) == "0.8 s");
  CHECK(human_duration(seconds{125}) == "2 min 05 s");
  CHECK(human_duration(seconds{3 * 3600 + 60}) == "3 h 01 min");
  CHECK(human_duration(seconds{3 * 86400 + 4 * 3600}) == "3 d 4 h");
}
