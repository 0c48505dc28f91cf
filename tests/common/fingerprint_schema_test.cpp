#include "common/generated_name.hpp"
#include "common/schema_difference.hpp"
#include "common/schema_reparse.hpp"
#include "tests/support/catch.hpp"

using namespace belay;

namespace {

SchemaFingerprint fingerprint(std::vector<SchemaFact> facts) {
  SchemaFingerprint made;
  made.server_major = 15;
  std::sort(facts.begin(), facts.end());
  made.facts = std::move(facts);
  return made;
}

SchemaFact fact(const std::string& kind, const std::string& object, const std::string& attribute,
                const std::string& value) {
  return {kind, object, attribute, value, false};
}

std::vector<std::string> described(const SchemaFingerprint& expected, const SchemaFingerprint& found) {
  std::vector<std::string> lines;
  for (const SchemaDifference& difference : compare_schema(expected, found, nullptr)) {
    lines.push_back((difference.severity == Severity::hard ? "hard " : "soft ") + difference.describe());
  }
  return lines;
}

using Lines = std::vector<std::string>;

SchemaFingerprint one_table() {
  return fingerprint({fact("table", R"("public"."t")", "owner", "\"o\""),
                      fact("column", R"("public"."t"."a")", "type", "integer"),
                      fact("column", R"("public"."t"."b")", "type", "text"),
                      fact("index", R"("public"."t"."i")", "definition", "btree (a)")});
}

}  // namespace

TEST_CASE("equal schema fingerprints have equal hashes and no differences") {
  CHECK(one_table().sha256() == one_table().sha256());
  CHECK(one_table().sha256().size() == 64);
  CHECK(compare_schema(one_table(), one_table(), nullptr).empty());
}

TEST_CASE("the hash of a schema tells facts apart whose texts run together") {
  const SchemaFingerprint a = fingerprint({fact("table", "x", "ab", "c")});
  const SchemaFingerprint b = fingerprint({fact("table", "x", "a", "bc")});
  const SchemaFingerprint c = fingerprint({fact("table", "x1", ":ab", "c")});
  CHECK(a.sha256() != b.sha256());
  CHECK(a.sha256() != c.sha256());
}

TEST_CASE("each object has a hash of its own") {
  const auto before = one_table().object_hashes();
  SchemaFingerprint changed = one_table();
  changed.facts.front().value = "bigint";
  const auto after = changed.object_hashes();
  REQUIRE(before.size() == 4);
  std::vector<std::string> differing;
  for (const auto& [object, hash] : before) {
    if (after.at(object) != hash) differing.push_back(object);
  }
  CHECK(differing == Lines{R"(column "public"."t"."a")"});
}

TEST_CASE("a changed attribute is described with both values on one line") {
  SchemaFingerprint found = one_table();
  found.facts.front().value = "big\nint";
  CHECK(described(one_table(), found) ==
        Lines{R"(hard column "public"."t"."a": type: expected integer, found big\nint)"});
}

TEST_CASE("an attribute that one side lacks is described as none") {
  SchemaFingerprint found = one_table();
  found.facts.push_back(fact("column", R"("public"."t"."a")", "not null", "yes"));
  std::sort(found.facts.begin(), found.facts.end());
  CHECK(described(one_table(), found) == Lines{R"(hard column "public"."t"."a": not null: expected none, found yes)"});
}

TEST_CASE("long texts are shown around the place where they differ") {
  const std::string same(300, 'x');
  const auto lines = described(fingerprint({fact("view", "v", "definition", same + "ä1" + same)}),
                               fingerprint({fact("view", "v", "definition", same + "ä2" + same)}));
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("xä1x"));
  CHECK_THAT(lines[0], Catch::Contains("xä2x"));
  CHECK(lines[0].size() < 450);
}

TEST_CASE("a missing table is one difference, a missing column another") {
  SchemaFingerprint found = one_table();
  std::erase_if(found.facts, [](const SchemaFact& f) { return f.object == R"("public"."t"."b")"; });
  CHECK(described(one_table(), found) == Lines{R"(hard column "public"."t"."b": missing (text))"});
  CHECK(described(one_table(), fingerprint({})) == Lines{R"(hard table "public"."t": missing)"});
  CHECK(described(fingerprint({}), one_table()) == Lines{R"(hard table "public"."t": not expected)"});
}

TEST_CASE("a table replaced by a view of the same name is two differences") {
  CHECK(described(fingerprint({fact("table", R"("s"."t")", "owner", "o")}),
                  fingerprint({fact("view", R"("s"."t")", "owner", "o")})) ==
        Lines{R"(hard table "s"."t": missing)", R"(hard view "s"."t": not expected)"});
}

TEST_CASE("versions of extensions and collations, and the order of columns, are soft") {
  CHECK(described(fingerprint({fact("extension", "\"x\"", "version", "1.0")}),
                  fingerprint({fact("extension", "\"x\"", "version", "1.1")})) ==
        Lines{R"(soft extension "x": version: expected 1.0, found 1.1)"});
  CHECK(described(fingerprint({fact("collation", "\"x\"", "version", "1")}),
                  fingerprint({fact("collation", "\"x\"", "version", "2")})) ==
        Lines{R"(soft collation "x": version: expected 1, found 2)"});
  CHECK(described(fingerprint({fact("foreign server", "\"x\"", "version", "1")}),
                  fingerprint({fact("foreign server", "\"x\"", "version", "2")})) ==
        Lines{R"(hard foreign server "x": version: expected 1, found 2)"});
  CHECK(described(fingerprint({fact("table", "t", "column order", R"("a", "b")")}),
                  fingerprint({fact("table", "t", "column order", R"("b", "a")")})) ==
        Lines{R"(soft table t: column order: expected "a", "b", found "b", "a")"});
}

TEST_CASE("the order of columns is that of the columns both sides have") {
  CHECK(same_order_of_common_names(R"("a", "b", "c")", R"("a", "x", "c")"));
  CHECK(same_order_of_common_names(R"("a", "b, ""c""", "d")", R"("a", "d")"));
  CHECK_FALSE(same_order_of_common_names(R"("a", "b", "c")", R"("c", "x", "a")"));
  CHECK_FALSE(same_order_of_common_names(R"("a, ""b", "c")", R"("c", "a, ""b")"));
}

namespace {
SchemaFingerprint with_index(const std::string& name, bool generated, const std::string& definition = "btree (a)",
                             const std::string& body = "") {
  std::vector<SchemaFact> facts = {fact("table", R"("s"."t")", "owner", "o"),
                                   fact("index", R"("s"."t".")" + name + "\"", "definition", definition)};
  if (generated) facts.push_back(fact("index", R"("s"."t".")" + name + "\"", "generated name", "yes"));
  if (!body.empty()) facts.push_back(fact("function", R"("s"."f"())", "definition", body));
  return fingerprint(facts);
}
}  // namespace

TEST_CASE("an object whose generated name alone differs is a soft difference") {
  CHECK(described(with_index("t_a_idx", true), with_index("t_a_idx1", true)) ==
        Lines{R"(soft index "s"."t"."t_a_idx": name: expected "t_a_idx", found "t_a_idx1")"});
}

TEST_CASE("a name is hard if somebody chose it, if the objects differ, or if code refers to it") {
  CHECK(described(with_index("mine", false), with_index("t_a_idx1", true)).size() == 2);
  CHECK(described(with_index("t_a_idx", true), with_index("t_a_idx1", true, "btree (b)")).size() == 2);
  const std::string body = "INSERT … ON CONFLICT ON CONSTRAINT t_a_idx DO NOTHING";
  const auto lines =
      described(with_index("t_a_idx", true, "btree (a)", body), with_index("t_a_idx1", true, "btree (a)", body));
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], Catch::StartsWith("hard"));
}

TEST_CASE("another number of objects of an unknown kind is a hard difference, of subscriptions a soft one") {
  SchemaFingerprint expected = one_table(), found = one_table();
  expected.not_compared = {{"transform", 2}, {"subscription", 1}};
  CHECK(described(expected, found) == Lines{"hard transform: number of objects: expected 2, found 0",
                                            "soft subscription: number of objects: expected 1, found 0"});
}

TEST_CASE("facts of different major versions or formats are not compared") {
  SchemaFingerprint found = one_table();
  found.server_major = 16;
  CHECK_THROWS_AS(compare_schema(one_table(), found, nullptr), Error);
  found = one_table();
  found.version = 2;
  CHECK_THROWS_AS(compare_schema(one_table(), found, nullptr), Error);
}

TEST_CASE("names that PostgreSQL makes up are recognised") {
  const std::string long_name = "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_012345678";
  struct Case {
    std::string name, table, columns, label;
    bool generated;
  };
  const std::vector<Case> cases = {
      {"t_pkey", "t", "", "pkey", true},
      {"t_a_b_key", "t", "a_b", "key", true},
      {"t_a_b_key12", "t", "a_b", "key", true},
      {"t_a_b_key01", "t", "a_b", "key", false},
      {"t_a_key", "t", "b", "key", false},
      {"mine", "t", "a", "key", false},
      {"t_a_key", "t", "a", "idx", false},
      {"", "t", "a", "key", false},
      {"7", "t", "a", "key", false},
      {"abcdefghijklmnopqrstuvwxyz_ab_abcdefghijklmnopqrstuvwxyz_ab_key", long_name, long_name, "key", true},
      {"abcdefghijklmnopqrstuvwxyz_a_abcdefghijklmnopqrstuvwxyz_a_check", long_name, long_name, "check", true},
      {"ÄÖÜßäöüÄÖÜßäöüÄÖÜßäöüÄÖÜß_Straße_fkey", "ÄÖÜßäöüÄÖÜßäöüÄÖÜßäöüÄÖÜßäöüÄÖ", "Straße", "fkey", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name, c.table, c.columns, c.label);
    CHECK(is_generated_name(c.name, c.table, c.columns, c.label) == c.generated);
    CHECK(generated_name(c.table, c.columns, c.label).size() <= 63);
  }
}

TEST_CASE("a path is split into its quoted names whatever they contain") {
  CHECK(path_names(R"("a"."b")") == Lines{"\"a\"", "\"b\""});
  CHECK(path_names(R"("a.b"."""c"""."d"".""e")") == Lines{"\"a.b\"", R"("""c""")", R"("d"".""e")"});
  CHECK(path_names(R"("s"."f""("(integer, text))") == Lines{"\"s\"", R"("f""(")"});
  CHECK(path_names("").empty());
}

TEST_CASE("a schema fingerprint survives JSON, invalid UTF-8 included") {
  SchemaFingerprint made = fingerprint(
      {fact("table", "\"\xff\xfe\"", "owner", "\xc3\xa4\n\t\x01"), fact("view", "v", "definition", "\xed\xa0\x80")});
  made.facts.push_back({"view", "v", "definition2", "x", true});
  made.not_compared = {{"transform", 3}};
  const SchemaFingerprint read = schema_from_json(nlohmann::ordered_json::parse(to_json(made).dump()));
  CHECK(read.facts == made.facts);
  CHECK(read.not_compared == made.not_compared);
  CHECK(read.server_major == 15);
  CHECK(read.sha256() == made.sha256());
}

TEST_CASE("damaged JSON of a schema fingerprint is refused as storage") {
  const nlohmann::ordered_json good = to_json(one_table());
  REQUIRE_NOTHROW(schema_from_json(good));
  const std::vector<std::function<void(nlohmann::ordered_json&)>> damages = {
      [](auto& j) { j["version"] = 2; },
      [](auto& j) { j.erase("version"); },
      [](auto& j) { j.erase("facts"); },
      [](auto& j) { j.erase("not_compared"); },
      [](auto& j) { j["server_major"] = "x"; },
      [](auto& j) { j["facts"][0].erase(3); },
      [](auto& j) { j["facts"][0][3] = 7; },
      [](auto& j) {
        j["facts"][0][3] = nlohmann::ordered_json{{"hex", "0"}};
      },
      [](auto& j) {
        j["facts"][0][3] = nlohmann::ordered_json{{"hex", "zz"}};
      },
      [](auto& j) { std::swap(j["facts"][0], j["facts"][1]); },
      [](auto& j) { j["facts"][1] = j["facts"][0]; },
      [](auto& j) { j = nlohmann::ordered_json::array(); },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    nlohmann::ordered_json damaged = good;
    damages[i](damaged);
    CAPTURE(i);
    try {
      static_cast<void>(schema_from_json(damaged));
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind == Failure::storage);
    }
  }
}
