#include "restore/plan.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

RestoreFacts good() {
  RestoreFacts f;
  f.database = "app";
  f.run = "20261121T130700Z-ab12";
  f.source.archive = "/b/x.dump.zst";
  f.server.version = 150020;
  f.server.system_identifier = "1";
  f.server.role = "o'wner";
  f.server.can_create_databases = true;
  f.server.database = DatabaseProperties{.name = "app", .owner = "present"};
  f.source.manifest.server_version = 150001;
  f.source.manifest.system_identifier = "1";
  f.source.manifest.database = {.name = "app", .owner = "recorded"};
  f.target_has_objects = true;
  return f;
}

/// The refusal's whole text; empty = none.
std::string refusal(const RestoreFacts& facts) {
  try {
    (void)plan_restore(facts);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::refused);
    return error.message + "\n" + error.detail + "\n" + error.hint;
  }
  return "";
}

TEST_CASE("a present database is kept and lends its properties; a missing one takes the backup's") {
  RestoreFacts f = good();
  const RestorePlan over = plan_restore(f);
  CHECK(over.side == "app__restore_20261121T130700Z-ab12");
  CHECK(over.kept == "app__before_20261121T130700Z-ab12");
  CHECK(over.properties.owner == "present");
  f.server.database.reset();
  f.target_has_objects = false;
  const RestorePlan anew = plan_restore(f);
  CHECK_FALSE(anew.kept);
  CHECK(anew.properties.owner == "recorded");
}

TEST_CASE("each reason to refuse a restore is told with what would help") {
  struct Case {
    std::string what;
    void (*spoil)(RestoreFacts&);
    std::string told;
  };
  const std::vector<Case> cases{
      {"another server's", [](RestoreFacts& f) { f.source.manifest.system_identifier = "2"; }, "--from-other-server"},
      {"newer major", [](RestoreFacts& f) { f.source.manifest.server_version = 160001; }, "PostgreSQL 16"},
      {"older major", [](RestoreFacts& f) { f.source.manifest.server_version = 140001; }, "PostgreSQL 14"},
      {"a script without its GRANTs",
       [](RestoreFacts& f) {
         f.source.manifest.archive.format = ArchiveFormat::plain;
         f.wishes.ownership.no_privileges = true;
       },
       "--no-privileges"},
      {"no CREATEDB", [](RestoreFacts& f) { f.server.can_create_databases = false; },
       "ALTER ROLE \"o'wner\" CREATEDB;"},
      {"a role missing", [](RestoreFacts& f) { f.missing_roles = {"a\"b"}; }, "CREATE ROLE \"a\"\"b\";"},
      {"a session out of reach", [](RestoreFacts& f) { f.unreachable_sessions = {"backend 7"}; }, "backend 7"},
      {"an obstacle", [](RestoreFacts& f) { f.obstacles = {"prepared transaction x"}; }, "prepared transaction x"},
  };
  CHECK(refusal(good()).empty());
  for (const Case& c : cases) {
    CAPTURE(c.what);
    RestoreFacts f = good();
    c.spoil(f);
    CHECK_THAT(refusal(f), Catch::Contains(c.told));
  }
}

TEST_CASE("another server's backup is taken where nothing can be lost, or where it was asked for") {
  RestoreFacts f = good();
  f.source.manifest.system_identifier = "2";
  f.wishes.from_other_server = true;
  CHECK(refusal(f).empty());
  f.wishes.from_other_server = false;
  f.target_has_objects = false;
  CHECK(refusal(f).empty());
}

}  // namespace
}  // namespace belay
