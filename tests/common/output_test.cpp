#include "common/output.hpp"

#include "tests/support/catch.hpp"

using namespace belay;

TEST_CASE("text from the database cannot steer the terminal") {
  CHECK(printable("plain \xc3\xa9 \xe2\x82\xac\n\ttab") == "plain \xc3\xa9 \xe2\x82\xac\n\ttab");
  CHECK(printable("\x1b[31mred") == "\\x1b[31mred");
  CHECK(printable("a\x7f"
                  "b\rc") == "a\\x7fb\\x0dc");
  CHECK(printable("\xc2\x9b"
                  "2J") == "\\u009b2J");
}

TEST_CASE("bytes that are not UTF-8 are shown as what they are") {
  CHECK(printable("caf\xe9") == "caf\\xe9");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("cut \xe2\x82") == "cut \\xe2\\x82");
}
