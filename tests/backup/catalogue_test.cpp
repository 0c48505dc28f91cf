// Pure part: which backup serves. What is done to folders is tested with the programs.
#include "backup/catalogue.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

CatalogueEntry entry(const std::string& file, const std::string& time, const std::vector<RecordedMigration>& history) {
  Manifest m;
  m.created_at = parse_iso_utc(time);
  m.database.name = "app";
  m.system_identifier = "1";
  m.history = history;
  m.verification = {{Level::archive, time, "0.1.0", {}}};
  return {.archive = file, .manifest = m};
}

std::string choose(const std::vector<CatalogueEntry>& entries) {
  const auto newest = newest_before_migration(entries, "app", "1", "m2");
  return newest ? newest->archive.string() : "none";
}

const std::vector<RecordedMigration> before{{"1", "m1", "x", "applied"}};
const std::vector<RecordedMigration> with{{"1", "m1", "x", "applied"}, {"2", "m2", "x", "applied"}};
const std::vector<RecordedMigration> failed{{"2", "m2", "x", "failed"}};
const std::vector<RecordedMigration> rolled_back{{"2", "m2", "x", "rolled back"}};
const std::vector<RecordedMigration> again{{"2", "m2", "x", "rolled back"}, {"3", "m2", "x", "applied"}};

TEST_CASE("the newest backup without the migration is chosen, whatever the order of the files") {
  const std::vector<CatalogueEntry> entries{entry("new", "2026-01-03T00:00:00Z", before),
                                            entry("old", "2026-01-01T00:00:00Z", before),
                                            entry("after", "2026-01-04T00:00:00Z", with)};
  CHECK(choose(entries) == "new");
  CHECK(choose({entries.rbegin(), entries.rend()}) == "new");
  CHECK(choose({}) == "none");
}

TEST_CASE("a backup that holds the migration, applied or failed, is never chosen; one that holds it rolled back is") {
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", with)}) == "none");
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", failed)}) == "none");
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", again)}) == "none");
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", rolled_back)}) == "x");
}

TEST_CASE("a backup of another database or server, of too low a level or without a manifest is never chosen") {
  CatalogueEntry other_database = entry("x", "2026-01-01T00:00:00Z", before);
  other_database.manifest->database.name = "app2";
  CatalogueEntry other_server = entry("x", "2026-01-01T00:00:00Z", before);
  other_server.manifest->system_identifier = "2";
  CatalogueEntry unproven = entry("x", "2026-01-01T00:00:00Z", before);
  unproven.manifest->verification = {{Level::checksum, "", "", {}}};
  CatalogueEntry broken = entry("x", "2026-01-01T00:00:00Z", before);
  broken.manifest.reset();
  CHECK(choose({other_database, other_server, unproven, broken}) == "none");
}

}  // namespace
}  // namespace belay
