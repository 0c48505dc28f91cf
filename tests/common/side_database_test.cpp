#include "common/side_database.hpp"

#include "tests/support/catch.hpp"

using namespace belay;

namespace {
const std::string run = "20261121T130700Z-ab12";
}

TEST_CASE("a side database's name says what it is and for whom") {
  CHECK(side_name("app", SideKind::restore, run) == "app__restore_20261121T130700Z-ab12");
  CHECK(side_name("app", SideKind::failed, run) == "app__failed_20261121T130700Z-ab12");
}

TEST_CASE("a name that would be too long is cut at a character's border and keeps its end") {
  const std::string long_name = std::string(62, 'x') + "y";
  const std::string name = side_name(long_name, SideKind::rehearsal, run);
  CHECK(name.size() == 63);
  CHECK(name.ends_with("__rehearsal_" + run));

  std::string accents;
  for (int i = 0; i < 31; ++i) accents += "\xc3\xa9";
  const std::string cut = side_name("x" + accents, SideKind::restore, run);
  CHECK(cut.size() <= 63);
  const std::string kept = cut.substr(0, cut.find("__restore_"));
  CHECK(kept.size() % 2 == 1);  // "x" and whole two-byte characters
  CHECK(("x" + accents).starts_with(kept));
}

TEST_CASE("a marker survives being a comment") {
  Marker marker{.run = run,
                .tool = "migrate-production",
                .step = "deploying",
                .host = "db-1",
                .target = "we \"ird'\n",
                .kind = SideKind::failed};
  marker.target_comment = "it's ours";
  marker.details = {{"archive", "/b/backup.dump.zst"}};
  const std::optional<Marker> read = parse_marker(to_comment(marker));
  REQUIRE(read);
  CHECK(read->run == marker.run);
  CHECK(read->step == "deploying");
  CHECK(read->target == marker.target);
  CHECK(read->kind == SideKind::failed);
  CHECK(read->target_comment == marker.target_comment);
  CHECK(read->details == marker.details);
}

TEST_CASE("a comment of somebody else's is no marker") {
  const std::string comment = GENERATE(
      "", "production, do not touch", "{}", "[1]", R"({"belay":2})", R"({"belay":1})",
      R"({"belay":1,"kind":"restore","run":"x","tool":"t","step":"s","host":"h","target":"d","target_comment":null,"details":{}})",
      R"({"belay":1,"kind":"other","run":"20261121T130700Z-ab12","tool":"t","step":"s","host":"h","target":"d","target_comment":null,"details":{}})");
  CHECK_FALSE(parse_marker(comment));
}
