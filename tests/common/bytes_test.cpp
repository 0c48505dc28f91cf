#include "common/bytes.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

TEST_CASE("sizes are written for people, and never as 1024 of a unit") {
  const auto [size, text] = GENERATE(table<Bytes, std::string>({{0, "0 bytes"},
                                                                {1, "1 byte"},
                                                                {512, "512 bytes"},
                                                                {1023, "1023 bytes"},
                                                                {1024, "1.0 KiB"},
                                                                {1468006, "1.4 MiB"},
                                                                {1048575, "1.0 MiB"},
                                                                {1048000, "1023.4 KiB"},
                                                                {Bytes{5} << 30, "5.0 GiB"},
                                                                {~Bytes{0}, "16.0 EiB"}}));
  CHECK(human_size(size) == text);
}

TEST_CASE("counts are written in groups of three digits") {
  const auto [count, text] =
      GENERATE(table<std::uint64_t, std::string>({{0, "0"},
                                                  {999, "999"},
                                                  {1000, "1,000"},
                                                  {123456, "123,456"},
                                                  {1234567, "1,234,567"},
                                                  {~std::uint64_t{0}, "18,446,744,073,709,551,615"}}));
  CHECK(human_count(count) == text);
}

}  // namespace
}  // namespace belay
