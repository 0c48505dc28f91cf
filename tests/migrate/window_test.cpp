#include "migrate/window.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("a window is two times of the day, and perhaps a zone") {
  for (const auto& [text, zone] :
       std::vector<std::pair<std::string, std::string>>{{"02:00-04:30", ""},
                                                        {"02:00-04:30 Europe/Berlin", "Europe/Berlin"},
                                                        {"02:00-04:30[UTC]", "UTC"},
                                                        {"02:00-04:30UTC", "UTC"}}) {
    CAPTURE(text);
    const std::optional<Window> window = parse_window(text);
    REQUIRE(window);
    CHECK(window->from == minutes{120});
    CHECK(window->to == minutes{270});
    CHECK(window->zone == zone);
  }
  for (const char* text : {"", "2-4", "02:00", "02:00-04:60", "25:00-26:00", "24:00-01:00", "02:00-02:00",
                           "02:00-04:00 '; DROP", "02:00-24:01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_window(text));
  }
}

TEST_CASE("a window is open from its first second to before its last, over midnight too") {
  const Window night{minutes{120}, minutes{240}, ""}, over{minutes{23 * 60}, minutes{90}, ""},
      late{minutes{22 * 60}, minutes{24 * 60}, ""};
  CHECK_FALSE(open_for(night, hours{2} - seconds{1}));
  CHECK(open_for(night, hours{2}) == hours{2});
  CHECK(open_for(night, hours{4} - seconds{1}) == seconds{1});
  CHECK_FALSE(open_for(night, hours{4}));
  CHECK(open_for(over, hours{23}) == minutes{150});
  CHECK(open_for(over, seconds{0}) == minutes{90});
  CHECK_FALSE(open_for(over, minutes{90}));
  CHECK_FALSE(open_for(over, hours{12}));
  CHECK(open_for(late, hours{23}) == hours{1});
}

}  // namespace
}  // namespace belay
