// Every kind of change of the live schema is found beside a folder that makes one of everything, and named with the
// migration that last touched the object; what is no change is not found. The folder is replayed once.
#include <map>
#include <set>

#include "common/replay.hpp"
#include "common/run_lock.hpp"
#include "common/schema_difference.hpp"
#include "migrate/diff_report.hpp"
#include "tests/server/diff_bench.hpp"

namespace belay::test {
namespace {

/// The folder's side database, replayed, and what is compared with it.
class Replayed {
 public:
  explicit Replayed(const Everything& bench)
      : maintenance_(connect_maintenance(bench.db.url(), {"belay-test", false}, {})), live(bench.db.connect()) {
    tool_.name = "migrate-production";
    tool_.run = new_run_id(tool_.clock.now());
    tool_.out.configure({.quiet = true}, tool_.name);
    const DatabaseProperties like = read_properties(live, bench.db.name()).value();
    replay_.emplace(ReplayRequest{bench.db.url(), &maintenance_, like, {}}, tool_);
    std::vector<Migration> migrations;
    for (const Migration& migration : read_migrations(bench.migrations()).migrations) {
      touched_.add(migration.name, parse_script(*migration.script));
      migrations.push_back(migration);
    }
    const std::optional<ReplayFailure> failure = replay_->run(migrations);
    if (failure) FAIL(failure->error.message << "\n" << failure->error.detail);
  }

  /// With the live schema as it is at this moment.
  DriftReport report(const SchemaFingerprint& expected) {
    const SchemaFingerprint found = read_schema_fingerprint(live, "public");
    return report_drift({expected, found}, compare_schema(expected, found, &side()), touched_, "public");
  }
  Connection& side() { return replay_->db(); }
  SchemaFingerprint expected() { return read_schema_fingerprint(side(), "public"); }

 private:
  Tool tool_;
  Connection maintenance_;
  TouchedObjects touched_;
  std::optional<Replay> replay_;

 public:
  Connection live;
};

std::string text_of(const DriftReport& report) { return describe_drift({}, report).text; }

/// The object that has a difference which begins so; none if there is no such difference.
const ChangedObject* object_with(const DriftReport& report, const std::string& found) {
  for (const ChangedObject& object : report.objects) {
    if (any_starts_with(described(object.differences), found)) return &object;
  }
  return nullptr;
}

using Attributions = std::map<std::string, std::set<std::string>>;

void check_changes(Replayed& replayed, const Changes& changes, Attributions& attributions) {
  const SchemaFingerprint expected = replayed.expected();
  CHECK(text_of(replayed.report(expected)).ends_with("\nNo difference detected.\n"));
  for (const Change& change : changes) {
    CAPTURE(change.sql);
    replayed.live.run("BEGIN");
    replayed.live.run_script(change.sql);
    const DriftReport report = replayed.report(expected);
    replayed.live.run("ROLLBACK");
    INFO(text_of(report));
    const ChangedObject* object = object_with(report, change.found);
    CHECK(object != nullptr);
    if (object != nullptr) attributions[object->kind + " " + object->object].insert(object->migration.value_or("-"));
  }
}

/// By the migrations' names without their number; what no migration named has none.
Attributions expected_attributions() {
  const std::map<std::string, Words> by_migration{
      {"10_setup", {R"(extension "citext")", R"(extension "pgcrypto")", R"(schema "app")"}},
      {"11_types",
       {R"(collation "app"."numeric_order")", R"(composite type "app"."address")", R"(domain "app"."code")",
        R"(domain "app"."twice")", R"(enum "app"."Empty")", R"(enum "app"."mood")", R"(range "app"."float_range")"}},
      {"12_functions",
       {R"(aggregate "app"."total"(integer))", "cast character varying as app.mood",
        R"(function "app"."is_known"(character varying))", R"(function "app"."with_default"(character varying))",
        R"(operator "app"."==="(app.mood, text))", R"(procedure "app"."work"(integer))"}},
      {"13_text_search",
       {R"(text search configuration "app"."search")", R"(text search dictionary "app"."english_short")"}},
      {"14_a_table_with_a_column_of_every_type", {R"(table "app"."every_type")"}},
      {"15_names", {R"(table "app"."no_columns")"}},
      {"16_columns__constraints__indexes",
       {R"(statistics object "app"."orders_expressions")", R"(statistics object "app"."orders_stats")",
        R"(table "app"."right_side")", R"(table "app"."typed")"}},
      {"17_sequences", {R"(sequence "app"."counter")", R"(sequence "app"."owned")"}},
      {"18_partitions_and_inheritance",
       {R"(table "app"."animal")", R"(table "app"."by_expression")", R"(table "app"."cat")", R"(table "app"."chimera")",
        R"(table "app"."dog")", R"(table "app"."empty_partitioned")", R"(table "app"."events_other")"}},
      {"19_views",
       {R"(materialized view "app"."not_yet")", R"(materialized view "app"."totals")", R"(view "app"."checked")"}},
      {"20_triggers__rules__policies",
       {R"(sequence "app"."orders_id_seq")", R"(table "app"."events_us")", R"(table "app"."left_side")",
        R"(table "app"."orders")", R"(view "app"."open_orders")"}},
      {"21_the_rest",
       {R"(default privileges "postgres" in "app" on functions)", R"(default privileges "postgres" on tables)",
        R"(publication "Changes")"}},
      {"22_superuser",
       {R"(event trigger "watch")", R"(foreign data wrapper "own_wrapper")", R"(foreign server "elsewhere")",
        R"(foreign table "app"."far")", R"(function "app"."over"(text))",
        R"(privileges on a function not the user's own "pg_catalog"."pg_sleep"(double precision))",
        R"(publication "by_schema")", R"(table "app"."cache")", R"(user mapping "elsewhere" for PUBLIC)"}},
      {"-",
       {"base type ", R"(collation "app"."extra")", R"(composite type "app"."pair")", "conversion ",
        R"(privileges on a function not the user's own "public"."gen_random_bytes"(integer))", R"(schema "extra")",
        R"(table "app"."new_table")", R"(table "app"."renamed")", R"(table "public"."no_columns")"}}};
  Attributions all;
  for (const auto& [migration, objects] : by_migration) {
    for (const std::string& object : objects) all[object] = {migration == "-" ? "-" : "202401010000" + migration};
  }
  return all;
}

/// The table, or other object, that a change is about: two names of the path.
std::string about(const Change& change) {
  const std::size_t path = change.found.find('"');
  return path == std::string::npos ? change.found : parent_path(change.found.substr(path));
}

/// Of each object one change.
Changes one_for_each_object(const Changes& changes) {
  Changes some;
  std::set<std::string> seen;
  for (const Change& change : changes) {
    if (seen.insert(about(change)).second) some.push_back(change);
  }
  return some;
}

using Choice = Changes (*)(const Changes&);

Attributions attributions_of(Choice choice) {
  const Everything bench;
  Replayed replayed(bench);
  Attributions attributions;
  for (const Changes* changes : {&changes_of_tables(), &changes_of_constraints(), &changes_of_views(),
                                 &changes_of_types(), &changes_of_the_database()})
    check_changes(replayed, choice(*changes), attributions);
  return attributions;
}

TEST_CASE("a change of any object of the live schema is found and laid at the door of a migration") {
  Attributions expected = expected_attributions();
  for (const auto& [object, migrations] : attributions_of(one_for_each_object)) {
    CAPTURE(object);
    CHECK(expected[object] == migrations);
  }
}

TEST_CASE("every kind of change of the live schema is found and laid at the door of a migration", "[long]") {
  CHECK(attributions_of([](const Changes& changes) { return changes; }) == expected_attributions());
}

TEST_CASE("what is no change of the live schema is no drift") {
  const Everything bench;
  Replayed replayed(bench);
  for (const Noise& noise : noises()) {
    CAPTURE(noise.what);
    const std::string before = noise.before.empty() ? "SELECT 1" : noise.before;
    replayed.side().run("BEGIN");
    replayed.side().run_script(before);
    replayed.live.run("BEGIN");
    replayed.live.run_script(before);
    replayed.live.run_script(noise.change);
    const DriftReport report = replayed.report(replayed.expected());
    replayed.live.run("ROLLBACK");
    replayed.side().run("ROLLBACK");
    INFO(text_of(report));
    CHECK(report.objects.empty());
  }
}

}  // namespace
}  // namespace belay::test
