#include "common/error.hpp"
#include "common/fingerprint.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

const std::string h1(32, '1'), h2(32, '2');

ContentFingerprint content(std::vector<TableContent> tables, std::vector<SequenceContent> sequences = {},
                           LargeObjects objects = {2, h1}) {
  return {std::move(tables), std::move(sequences), std::move(objects), {}};
}

std::vector<std::string> said(const std::vector<ContentDifference>& differences) {
  std::vector<std::string> lines;
  for (const ContentDifference& difference : differences)
    lines.push_back(difference.object + ": " + difference.describe);
  return lines;
}

const TableContent orders{"public", "orders", {"id", "name"}, 200, h1};

TEST_CASE("differences between tables are told with names and numbers") {
  using Lines = std::vector<std::string>;
  const auto [found, lines] = GENERATE(table<std::vector<TableContent>, Lines>(
      {{{orders}, {}},
       {{{"public", "orders", {"id", "name"}, 0, h2}}, {"table \"public\".\"orders\": expected 200 rows, found 0"}},
       {{{"public", "orders", {"id", "name"}, 200, h2}},
        {"table \"public\".\"orders\": same number of rows (200), different content"}},
       {{{"public", "orders", {"id", "no"}, 200, h2}},
        {"table \"public\".\"orders\": expected the columns (\"id\", \"name\"), found (\"id\", \"no\")"}},
       {{{"public", "orders", {"id"}, 1, h2}},
        {"table \"public\".\"orders\": expected the columns (\"id\", \"name\"), found (\"id\")",
         "table \"public\".\"orders\": expected 200 rows, found 1"}},
       {{}, {"table \"public\".\"orders\": is missing (200 rows)"}},
       {{orders, {"other", "orders", {}, 1, h1}}, {"table \"other\".\"orders\": was not expected (1 row)"}},
       {{{"public", "Orders", {"id", "name"}, 200, h1}},
        {"table \"public\".\"orders\": is missing (200 rows)",
         "table \"public\".\"Orders\": was not expected (200 rows)"}}}));
  CHECK(said(compare_content(content({orders}), content(found))) == lines);
}

TEST_CASE("a table that is left out is not compared, whichever side has it") {
  const ContentFingerprint empty = content({}), full = content({orders});
  REQUIRE(compare_content(full, empty).size() == 1);
  CHECK(compare_content(full, empty, {{"public", "orders"}}).empty());
  CHECK(compare_content(empty, full, {{"public", "orders"}}).empty());
  CHECK(compare_content(full, empty, {{"public", "other"}}).size() == 1);
}

TEST_CASE("a sequence may be ahead of what is expected, in its own direction, and never behind") {
  struct Case {
    std::int64_t increment, expected;
    bool expected_called;
    std::int64_t found;
    bool found_called, good;
  };
  const Case c = GENERATE(values<Case>({{1, 10, true, 10, true, true},
                                        {1, 10, true, 11, true, true},
                                        {1, 10, true, 11, false, true},
                                        {1, 10, true, 9, true, false},
                                        {1, 10, true, 10, false, false},
                                        {1, 10, false, 10, true, true},
                                        {1, 1, false, 1, false, true},
                                        {-5, -10, true, -10, true, true},
                                        {-5, -10, true, -15, true, true},
                                        {-5, -10, true, -5, true, false},
                                        {-5, -10, true, -10, false, false}}));
  CAPTURE(c.increment, c.expected, c.expected_called, c.found, c.found_called);
  const SequenceContent expected{"s", "q", c.expected, c.expected_called, c.increment};
  const SequenceContent found{"s", "q", c.found, c.found_called, c.increment};
  CHECK(compare_content(content({}, {expected}), content({}, {found})).empty() == c.good);
}

TEST_CASE("differences between sequences and large objects are told with names and numbers") {
  const SequenceContent ten{"s", "q", 10, true, 1}, nine{"s", "q", 9, true, 1}, fresh{"s", "q", 10, false, 1};
  using Lines = std::vector<std::string>;
  CHECK(said(compare_content(content({}, {ten}), content({}, {nine}))) ==
        Lines{"sequence \"s\".\"q\": is behind: expected at least 10 (used), found 9 (used)"});
  CHECK(said(compare_content(content({}, {ten}), content({}, {fresh}))) ==
        Lines{"sequence \"s\".\"q\": is behind: expected at least 10 (used), found 10 (not used yet)"});
  CHECK(said(compare_content(content({}, {ten}), content({}))) == Lines{"sequence \"s\".\"q\": is missing"});
  CHECK(said(compare_content(content({}), content({}, {ten}))) == Lines{"sequence \"s\".\"q\": was not expected"});
  CHECK(said(compare_content(content({}), content({}, {}, {1, h1}))) == Lines{"large objects: expected 2, found 1"});
  CHECK(said(compare_content(content({}), content({}, {}, {2, h2}))) ==
        Lines{"large objects: same number (2), different content"});
}

TEST_CASE("what was skipped on one side only is no difference: nothing is known about it") {
  ContentFingerprint expected = content({orders}), found = content({orders});
  expected.skipped = {"foreign table \"a\".\"b\": its rows are kept somewhere else"};
  CHECK(compare_content(expected, found).empty());
}

}  // namespace
}  // namespace belay
