#include "restore/foreign_proof.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

TableContent table(const std::string& name, std::uint64_t rows, const std::string& hash = "h") {
  return {.schema = "public", .name = name, .columns = {"a"}, .rows = rows, .hash = hash};
}

TEST_CASE("rows are counted against the dump's, and a difference in number is one in every direction") {
  const ContentFingerprint dump{.tables = {table("fewer", 3), table("gone", 0), table("more", 1), table("same", 5)}};
  const ContentFingerprint restored{
      .tables = {table("fewer", 2), table("more", 2), table("new", 4), table("nothing", 0), table("same", 5)}};
  const CountedRows counted = count_rows(dump, restored);
  CHECK(counted.rows == 9);
  CHECK(counted.tables == 4);
  CHECK(counted.equal == 1);
  CHECK(counted.wrong ==
        std::vector<std::string>{"table \"public\".\"fewer\": 3 rows in the dump, 2 after the restore",
                                 "table \"public\".\"gone\": 0 rows in the dump, no such table after the restore",
                                 "table \"public\".\"more\": 1 rows in the dump, 2 after the restore",
                                 "table \"public\".\"new\": none of its 4 rows is in the dump"});
}

TEST_CASE("rows that differ in their text alone are counted as equal in number, and not as compared") {
  const CountedRows counted = count_rows({.tables = {table("t", 2, "one")}}, {.tables = {table("t", 2, "other")}});
  CHECK(counted.wrong.empty());
  CHECK(counted.equal == 0);
}

TEST_CASE("a dump that was only counted is never called proven") {
  Proof proof;
  proof.counted = "rows counted: 1 tables, 2 rows";
  proof.not_compared = {"owners and privileges"};
  CHECK(proof.words() == "rows counted: 1 tables, 2 rows; except owners and privileges");
  CHECK(proof.sentence() == proof.words());
}

}  // namespace
}  // namespace belay
