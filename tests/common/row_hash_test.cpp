#include "common/row_hash.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace belay {
namespace {

RowHash row_hash_of(const std::vector<std::string>& rows) {
  RowHash hash;
  for (const std::string& row : rows) hash.add_row(row);
  return hash;
}

TEST_CASE("the hash of no rows is zero, and that of one empty row is not") {
  CHECK(row_hash_of({}).hex() == "00000000000000000000000000000000");
  CHECK(row_hash_of({""}).hex() == "99aa06d3014798d86001c324468d497f");  // XXH3-128 of nothing, as published
}

TEST_CASE("the order of rows does not matter, everything else does") {
  const RowHash all = row_hash_of({"1\ta\n", "2\tb\n", "3\tc\n"});
  CHECK(row_hash_of({"3\tc\n", "1\ta\n", "2\tb\n"}) == all);
  const std::vector<std::vector<std::string>> others{{"1\ta\n", "2\tb\n"},                      // a row is missing
                                                     {"1\ta\n", "2\tb\n", "3\tc\n", "3\tc\n"},  // a row came twice
                                                     {"1\tb\n", "2\ta\n", "3\tc\n"},  // two values changed places
                                                     {"1\ta\n", "2\ta\n", "3\tc\n"},  // one for another
                                                     {"1\ta\n2\tb\n", "3\tc\n"}};     // two rows became one
  for (const auto& other : others) CHECK_FALSE(row_hash_of(other) == all);
}

TEST_CASE("equal rows do not cancel each other out") {
  CHECK_FALSE(row_hash_of({"x\n", "x\n"}) == row_hash_of({"y\n", "y\n"}));
  CHECK_FALSE(row_hash_of({"x\n", "x\n"}) == RowHash{});
}

TEST_CASE("the sum carries from the low half into the high one, and wraps around at 2^128") {
  RowHash sum{1, ~std::uint64_t{0}};
  sum += RowHash{2, 1};
  CHECK(sum == RowHash{4, 0});
  sum += RowHash{~std::uint64_t{0} - 3, 5};
  CHECK(sum == RowHash{0, 5});
}

TEST_CASE("a row hashed in pieces has the hash of the whole row") {
  std::string row;
  for (int i = 0; i < 2000; ++i) row += static_cast<char>(i * 31);
  PieceHash pieces;
  for (const std::size_t size : {1U, 7U, 240U, 1999U, 5000U}) {
    for (std::size_t at = 0; at < row.size(); at += size) pieces.add(std::string_view(row).substr(at, size));
    CAPTURE(size);
    CHECK(pieces.take() == row_hash_of({row}));
  }
  CHECK(pieces.take() == row_hash_of({""}));
}

TEST_CASE("two large objects that exchange their contents differ from before") {
  const auto sum = [](const std::string& first, const std::string& second) {
    RowHash all;
    PieceHash hash;
    begin_large_object(hash, 16401);
    hash.add(first);
    all += hash.take();
    begin_large_object(hash, 16402);
    hash.add(second);
    all += hash.take();
    return all;
  };
  CHECK(sum("a", "b") == sum("a", "b"));
  CHECK_FALSE(sum("a", "b") == sum("b", "a"));
}

}  // namespace
}  // namespace belay
