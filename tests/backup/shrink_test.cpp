#include "backup/shrink.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

using Lines = std::vector<std::string>;

Manifest holding(const std::vector<std::pair<std::string, std::uint64_t>>& tables, Bytes bytes = 1000) {
  Manifest m;
  m.archive.bytes = bytes;
  m.archive.plain_bytes = bytes * 4;
  for (const auto& [name, rows] : tables) m.content.tables.push_back({"public", name, {}, rows, {}});
  return m;
}

TEST_CASE("what fell by more than half is told, the most rows lost first") {
  struct Case {
    std::string what;
    Manifest before, now;
    Lines lines;
  };
  const std::vector<Case> cases{
      {"nothing", holding({{"a", 10}}), holding({{"a", 10}}), {}},
      {"more", holding({{"a", 10}}), holding({{"a", 1000}, {"b", 5}}, 100000), {}},
      {"exactly half",
       holding({{"a", 10}, {"b", 1}}, 1000),
       holding({{"a", 5}}, 500),
       {"table \"public\".\"b\" is gone, 1 row before"}},
      {"a little more than half",
       holding({{"a", 11}}, 1001),
       holding({{"a", 5}}, 500),
       {"the archive has 500 bytes, 1001 bytes before", "table \"public\".\"a\": 5 rows, 11 before"}},
      {"emptied", holding({{"a", 1}}), holding({{"a", 0}}), {"table \"public\".\"a\": 0 rows, 1 before"}},
      {"empty before", holding({{"a", 0}, {"gone", 0}}), holding({{"a", 0}}), {}},
      {"tables", holding({{"a", 0}, {"b", 0}, {"c", 0}}), holding({{"a", 0}}), {"1 tables, 3 before"}},
      {"worst first",
       holding({{"a", 10}, {"b", 3000}, {"c", 500}}),
       holding({{"a", 0}, {"b", 100}, {"d", 1}}),
       {"table \"public\".\"b\": 100 rows, 3,000 before", "table \"public\".\"c\" is gone, 500 rows before",
        "table \"public\".\"a\": 0 rows, 10 before"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(describe_shrinkage(c.before, c.now) == c.lines);
  }
}

TEST_CASE("many tables that lost rows are cut to ten lines and their number") {
  std::vector<std::pair<std::string, std::uint64_t>> before, now;
  for (int i = 0; i < 25; ++i) {
    before.emplace_back(std::to_string(i), 100 + i);
    now.emplace_back(std::to_string(i), 0);
  }
  const Lines lines = describe_shrinkage(holding(before), holding(now));
  CHECK(lines.size() == 11);
  CHECK(lines.front() == "table \"public\".\"24\": 0 rows, 124 before");
  CHECK(lines.back() == "and 15 more tables");
}

TEST_CASE("archives in different forms are compared by what they decode to, or not at all") {
  const Manifest before = holding({}, 1000);
  Manifest smaller = holding({}, 10);
  smaller.archive.compression = Compression::none;
  CHECK(describe_shrinkage(before, smaller) == Lines{"the decoded archive has 40 bytes, 3.9 KiB before"});
  smaller.archive.plain_bytes = before.archive.plain_bytes;
  CHECK(describe_shrinkage(before, smaller).empty());
  smaller.archive.format = ArchiveFormat::plain;
  smaller.archive.plain_bytes = 1;
  CHECK(describe_shrinkage(before, smaller).empty());
}

TEST_CASE("a backup without rows says nothing about rows") {
  Manifest schema = holding({});
  schema.scope = Scope::schema;
  CHECK(describe_shrinkage(holding({{"a", 10}}), schema).empty());
  CHECK(describe_shrinkage(schema, holding({})).empty());
}

TEST_CASE("the backup compared with is the newest older whole one of the same database on the same server") {
  const auto entry = [](const std::string& name, const std::string& time) {
    CatalogueEntry e{.archive = name, .manifest = Manifest{}, .problem = {}};
    e.manifest->created_at = parse_iso_utc(time);
    e.manifest->database.name = "app";
    e.manifest->system_identifier = "1";
    return e;
  };
  std::vector<CatalogueEntry> entries;
  for (const std::string name : {"database", "server", "scope", "broken"})
    entries.push_back(entry(name, "2026-01-09T00:00:00Z"));
  entries[0].manifest->database.name = "app2";
  entries[1].manifest->system_identifier = "2";
  entries[2].manifest->scope = Scope::schema;
  entries[3].manifest.reset();
  const Manifest now = *entry("now", "2026-01-10T00:00:00Z").manifest;
  CHECK(newest_before(entries, now) == nullptr);
  entries.push_back(entry("before", "2026-01-02T00:00:00Z"));
  entries.push_back(entry("older", "2026-01-01T00:00:00Z"));
  entries.push_back(entry("itself", "2026-01-10T00:00:00Z"));
  entries.push_back(entry("later", "2026-01-11T00:00:00Z"));
  REQUIRE(newest_before(entries, now) != nullptr);
  CHECK(newest_before(entries, now)->archive == "before");
}

}  // namespace
}  // namespace belay
