#include "backup/plan.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

TimePoint at(const std::string& iso) { return parse_iso_utc(iso); }

BackupFacts facts_of(Bytes size, std::optional<Bytes> free) {
  BackupFacts facts;
  facts.url.database = "app";
  facts.server.version = 150020;
  facts.server.database = DatabaseProperties{.name = "app", .size_bytes = size};
  facts.now = at("2026-11-21T13:07:00Z");
  facts.free_bytes = free;
  return facts;
}

Failure refusal(const BackupFacts& facts) {
  try {
    (void)plan_backup({.folder = "backups"}, facts);
  } catch (const Error& error) {
    return error.kind;
  }
  return Failure::bug;
}

TEST_CASE("an archive's name holds database and UTC time, and only bytes that every file system takes") {
  struct Case {
    std::string database, name;
  };
  const std::vector<Case> cases{
      {"app", "backup_app_20261121_130700.dump.zst"},
      {"Help Desk", "backup_Help%20Desk_20261121_130700.dump.zst"},
      {"a/b", "backup_a%2Fb_20261121_130700.dump.zst"},
      {"a%2Fb", "backup_a%252Fb_20261121_130700.dump.zst"},
      {"../x", "backup_..%2Fx_20261121_130700.dump.zst"},
      {"line\nbreak", "backup_line%0Abreak_20261121_130700.dump.zst"},
      {"ü'\"$`\\", "backup_%C3%BC%27%22%24%60%5C_20261121_130700.dump.zst"},
      {"-x", "backup_-x_20261121_130700.dump.zst"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.database);
    CHECK(archive_name(c.database, at("2026-11-21T13:07:00Z"), BackupWishes{}, {}) == c.name);
  }
}

TEST_CASE("an archive's name and those of the files beside it fit into a file name whatever the database is called") {
  const std::string longest = archive_name(std::string(63, '\xff'), at("2026-11-21T13:07:00Z"), BackupWishes{}, {});
  CHECK((longest + ".manifest.json.partial").size() <= 255);
}

TEST_CASE("a name is free only if nothing of that backup is there: archive, manifest, leftover or other compression") {
  const std::string stem = "backup_app_20261121_130700";
  struct Case {
    std::vector<std::string> taken;
    std::string name;
  };
  const std::vector<Case> cases{
      {{}, stem + ".dump.zst"},
      {{stem + ".dump.zst"}, stem + "_2.dump.zst"},
      {{stem + ".dump"}, stem + "_2.dump.zst"},
      {{stem + ".dump.zst.partial"}, stem + "_2.dump.zst"},
      {{stem + ".dump.zst.manifest.json"}, stem + "_2.dump.zst"},
      {{stem + ".dump.zst", stem + "_2.dump.zst"}, stem + "_3.dump.zst"},
      {{stem + "_2.dump.zst"}, stem + ".dump.zst"},
      {{"backup_app2_20261121_130700.dump.zst", "other"}, stem + ".dump.zst"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.taken);
    CHECK(archive_name("app", at("2026-11-21T13:07:00.999Z"), BackupWishes{}, c.taken) == c.name);
  }
  CHECK(archive_name("app", at("2026-11-21T13:07:00Z"), BackupWishes{.compression = {.compression = Compression::none}},
                     {}) == stem + ".dump");
}

TEST_CASE("less space than a tenth of the database is refused, and unknown space is not") {
  CHECK(refusal(facts_of(1000, 99)) == Failure::storage);
  CHECK_NOTHROW(plan_backup({}, facts_of(1000, 100)));
  CHECK_NOTHROW(plan_backup({}, facts_of(1000, std::nullopt)));
}

TEST_CASE("a database that does not exist is refused") {
  BackupFacts facts = facts_of(1, 1000);
  facts.server.database.reset();
  CHECK(refusal(facts) == Failure::refused);
}

}  // namespace
}  // namespace belay
