#include "backup/diff.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

namespace belay {
namespace {

struct Backup {
  Manifest manifest;
  SchemaFingerprint schema;
};

SchemaFact fact(const std::string& kind, const std::string& object, const std::string& attribute,
                const std::string& value, bool expression = false) {
  return {kind, object, attribute, value, expression};
}

const std::string check_of_varchars =
    "CHECK (((v)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))";
const std::string check_of_texts =
    "CHECK (((v)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))";

Backup some_backup() {
  Backup b;
  b.manifest.database.name = "app";
  b.manifest.database.owner = "alice";
  b.manifest.database.encoding = "UTF8";
  b.manifest.extensions = {"pgcrypto 1.3", "plpgsql 1.0"};
  b.manifest.history = {{"1", "20260101_init", "x", "applied"}};
  b.manifest.content.tables = {{"public", "orders", {"id", "v"}, 300, "aa"}, {"public", "empty", {"id"}, 0, "00"}};
  b.manifest.content.sequences = {{"public", "orders_id_seq", 300, true, 1}};
  b.manifest.content.large_objects = {2, "ff"};
  b.schema.server_major = 15;
  b.schema.facts = {fact("column", "\"public\".\"orders\".\"v\"", "type", "character varying"),
                    fact("constraint", "\"public\".\"orders\".\"c\"", "definition", check_of_varchars, true),
                    fact("extension", "\"pgcrypto\"", "version", "1.3"),
                    fact("table", "\"public\".\"orders\"", "column order", "\"id\", \"v\"")};
  return b;
}

BackupDifference difference(const Backup& a, const Backup& b) {
  return compare_backups(a.manifest, &a.schema, b.manifest, &b.schema);
}

/// The text of a comparison of some_backup() with itself changed by `change`.
template <typename Change>
std::string text_after(const Change& change) {
  Backup after = some_backup();
  change(after);
  std::sort(after.schema.facts.begin(), after.schema.facts.end());
  return show_difference(difference(some_backup(), after)).text;
}

TEST_CASE("a backup does not differ from itself") {
  const BackupDifference d = difference(some_backup(), some_backup());
  CHECK(d.count() == 0);
  CHECK(d.not_compared.empty());
  CHECK(show_difference(d).text == "No difference.\n");
  CHECK(show_difference(d).json.at("equal") == true);
}

TEST_CASE("what a restore alone changes is no difference") {
  Backup after = some_backup();
  after.schema.facts[1].value = check_of_texts;
  after.schema.facts[3].value = "\"v\", \"id\"";
  after.manifest.content.tables[0].columns = {"v", "id"};
  after.manifest.content.tables[0].hash = "bb";
  after.manifest.database.name = "app_restored";
  after.manifest.database.size_bytes = 12345;
  after.manifest.created_at += std::chrono::hours{1};
  const BackupDifference d = difference(some_backup(), after);
  CHECK(d.count() == 0);
  CHECK(d.not_counted.size() == 1);
  REQUIRE(d.not_compared.size() == 1);
  CHECK_THAT(d.not_compared[0], Catch::Contains("\"public\".\"orders\"") && Catch::Contains("another order"));
}

TEST_CASE("each kind of change is one line, with both values") {
  struct Case {
    std::string line;
    std::string text;
  };
  const std::vector<Case> cases{
      {"~ column \"public\".\"orders\".\"v\": type: character varying -> text",
       text_after([](Backup& b) { b.schema.facts[0].value = "text"; })},
      {"- column \"public\".\"orders\".\"v\" (character varying)",
       text_after([](Backup& b) { b.schema.facts.erase(b.schema.facts.begin()); })},
      {"+ column \"public\".\"orders\".\"w\" (integer)", text_after([](Backup& b) {
         b.schema.facts.push_back(fact("column", "\"public\".\"orders\".\"w\"", "type", "integer"));
       })},
      {"~ constraint \"public\".\"orders\".\"c\": definition: CHECK (((v)::text",
       text_after([](Backup& b) { b.schema.facts[1].value = check_of_texts + " NOT VALID"; })},
      {"\"public\".\"orders\"  300  ->  310  +10",
       text_after([](Backup& b) { b.manifest.content.tables[0].rows = 310; })},
      {"\"public\".\"orders\"  300  ->  0  -300", text_after([](Backup& b) { b.manifest.content.tables[0].rows = 0; })},
      {"\"public\".\"orders\"  300  ->  300  other content",
       text_after([](Backup& b) { b.manifest.content.tables[0].hash = "bb"; })},
      {"\"public\".\"orders\"  300  ->  none  removed",
       text_after([](Backup& b) { b.manifest.content.tables.erase(b.manifest.content.tables.begin()); })},
      {"\"public\".\"new\"  none  ->  5  added", text_after([](Backup& b) {
         b.manifest.content.tables.push_back({"public", "new", {"id"}, 5, "cc"});
       })},
      {"\"public\".\"orders\"  300  ->  300  other columns", text_after([](Backup& b) {
         b.manifest.content.tables[0].columns = {"id", "w"};
       })},
      {"~ \"public\".\"orders_id_seq\": 300 -> 301",
       text_after([](Backup& b) { b.manifest.content.sequences[0].last_value = 301; })},
      {"~ \"public\".\"orders_id_seq\": 300 -> 299",
       text_after([](Backup& b) { b.manifest.content.sequences[0].last_value = 299; })},
      {"~ \"public\".\"orders_id_seq\": 300 -> 300 (not used yet)",
       text_after([](Backup& b) { b.manifest.content.sequences[0].is_called = false; })},
      {"- \"public\".\"orders_id_seq\" 300", text_after([](Backup& b) { b.manifest.content.sequences.clear(); })},
      {"~ number: 2 -> 3", text_after([](Backup& b) { b.manifest.content.large_objects.count = 3; })},
      {"~ content: ff -> ee", text_after([](Backup& b) { b.manifest.content.large_objects.hash = "ee"; })},
      {"~ pgcrypto: 1.3 -> 1.4", text_after([](Backup& b) { b.manifest.extensions[0] = "pgcrypto 1.4"; })},
      {"- pgcrypto 1.3", text_after([](Backup& b) { b.manifest.extensions.erase(b.manifest.extensions.begin()); })},
      {"~ owner: \"alice\" -> \"bob\"", text_after([](Backup& b) { b.manifest.database.owner = "bob"; })},
      {"+ 20260202_next applied", text_after([](Backup& b) {
         b.manifest.history.push_back({"2", "20260202_next", "y", "applied"});
       })},
      {"~ 20260101_init: applied -> rolled back",
       text_after([](Backup& b) { b.manifest.history[0].state = "rolled back"; })},
  };
  for (const Case& c : cases) {
    CHECK_THAT(c.text, Catch::Contains(c.line));
    CHECK_THAT(c.text, Catch::EndsWith("1 difference.\n"));
  }
}

TEST_CASE("names cannot break out of their line") {
  const std::string text = text_after([](Backup& b) {
    b.manifest.content.tables.push_back({"public", "evil\nNo difference.\n\x1b[2J", {"id"}, 5, "cc"});
    b.schema.facts.push_back(fact("column", "\"public\".\"evil\nNo difference.\n\"", "type", "integer"));
  });
  CHECK_THAT(text, !Catch::Contains("\nNo difference.") && !Catch::Contains("\x1b"));
}

TEST_CASE("definitions from different major versions are not compared, the rest is") {
  Backup after = some_backup();
  after.schema.server_major = 17;
  after.schema.facts.clear();
  after.manifest.content.tables[0].rows = 301;
  const BackupDifference d = difference(some_backup(), after);
  CHECK(d.count() == 1);
  REQUIRE(d.not_compared.size() == 1);
  CHECK_THAT(d.not_compared[0], Catch::Contains("PostgreSQL 15") && Catch::Contains("17"));
}

TEST_CASE("with a backup of definitions alone rows are not compared, and that is said") {
  Backup after = some_backup();
  after.manifest.scope = Scope::schema;
  after.manifest.content = {};
  const BackupDifference d = difference(some_backup(), after);
  CHECK(d.count() == 0);
  REQUIRE(d.not_compared.size() == 1);
  CHECK_THAT(d.not_compared[0], Catch::Contains("rows"));
}

TEST_CASE("rows in another encoding are compared by their number only") {
  Backup after = some_backup();
  after.manifest.database.encoding = "LATIN1";
  after.manifest.content.tables[0].hash = "bb";
  const BackupDifference d = difference(some_backup(), after);
  CHECK(d.tables.empty());
  CHECK(d.properties.size() == 1);
  CHECK(d.not_compared.size() == 1);
}

TEST_CASE("long lists are cut in the text and whole in the JSON") {
  Backup after = some_backup();
  for (int i = 0; i < 500; ++i) {
    after.manifest.content.tables.push_back({"public", "t" + std::to_string(i), {}, 1, "cc"});
    after.manifest.content.sequences.push_back({"public", "s" + std::to_string(i), 1, true, 1});
  }
  const Result result = show_difference(difference(some_backup(), after));
  CHECK(std::count(result.text.begin(), result.text.end(), '\n') < 120);
  CHECK_THAT(result.text, Catch::Contains("and 450 more"));
  CHECK(result.json.at("tables").size() == 500);
  CHECK(result.json.at("sequences").size() == 500);
  CHECK(result.json.at("differences") == 1000);
}

}  // namespace
}  // namespace belay
