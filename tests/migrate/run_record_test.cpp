#include "migrate/run_record.hpp"

#include <set>

#include "tests/support/catch.hpp"

namespace belay {
namespace {

RunRecord record(const std::vector<RecordedPending>& pending, const std::vector<std::string>& earlier = {}) {
  RunRecord r;
  r.schema = "odd \"schema\"\n";
  r.archive = "/b/x.dump.zst";
  r.catalogue = "/b";
  r.pending = pending;
  r.earlier_rows = earlier;
  r.creates_history = true;
  return r;
}

HistoryRow row_with_id(const std::string& id, const std::string& name, const std::string& state) {
  HistoryRow r;
  r.id = id;
  r.migration_name = name;
  if (state == "applied") r.finished_at = "x";
  if (state == "rolled back") r.rolled_back_at = "x";
  return r;
}

TEST_CASE("a record reads back from the marker as it was written") {
  for (const bool with_archive : {true, false}) {
    RunRecord before = record({{"1_a", true}, {"it's \"odd\"\n", false}}, {"id"});
    if (!with_archive) before.archive.reset();
    const std::optional<RunRecord> after = record_from_json(to_json(before));
    REQUIRE(after);
    CHECK(to_json(*after) == to_json(before));
    CHECK(after->archive == before.archive);
    CHECK(after->pending.at(1).name == before.pending.at(1).name);
    CHECK_FALSE(after->pending.at(1).atomic);
  }
}

TEST_CASE("details without a complete record are no record") {
  CHECK_FALSE(record_from_json(Json::object()));
  CHECK_FALSE(record_from_json({{"catalogue", "/b"}}));
  const Json whole = to_json(record({{"1_a", true}}));
  for (const auto& [key, value] : whole.items()) {
    CAPTURE(key);
    Json part = whole;
    part.erase(key);
    // A marker of an earlier version has no such fields, and `recover` has to understand it.
    const std::set<std::string> later{"unvalidated_before", "by_command", "others_then", "reversals", "read_only"};
    const bool newer = later.contains(key);
    CHECK(record_from_json(part).has_value() == newer);
    part[key] = Json::object({{"of another", "type"}});
    if (key != "read_only") CHECK_FALSE(record_from_json(part));
  }
}

TEST_CASE("what a run left in the history says whether something may have been committed, and whether all was") {
  struct Case {
    std::string what;
    RunRecord record;
    std::vector<HistoryRow> rows;
    std::size_t own;
    bool all, maybe;
  };
  const RunRecord two = record({{"1_a", true}, {"2_b", true}});
  const RunRecord loose = record({{"1_a", false}});
  const std::vector<Case> cases{
      {"nothing", two, {}, 0, false, false},
      {"others' rows only",
       two,
       {row_with_id("x", "0_old", "applied"), row_with_id("y", "0_bad", "failed")},
       0,
       false,
       false},
      {"the first applied", two, {row_with_id("1", "1_a", "applied")}, 1, false, true},
      {"both applied", two, {row_with_id("1", "1_a", "applied"), row_with_id("2", "2_b", "applied")}, 2, true, true},
      {"the first failed as one transaction", two, {row_with_id("1", "1_a", "failed")}, 1, false, false},
      {"the second failed",
       two,
       {row_with_id("1", "1_a", "applied"), row_with_id("2", "2_b", "failed")},
       2,
       false,
       true},
      {"a loose one begun", loose, {row_with_id("1", "1_a", "failed")}, 1, false, true},
      {"a loose one applied", loose, {row_with_id("1", "1_a", "applied")}, 1, true, true},
      {"a row of an earlier try",
       record({{"1_a", true}}, {"1"}),
       {row_with_id("1", "1_a", "rolled back")},
       0,
       false,
       false},
      {"an earlier try and this one",
       record({{"1_a", true}}, {"1"}),
       {row_with_id("1", "1_a", "rolled back"), row_with_id("2", "1_a", "applied")},
       1,
       true,
       true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const Traces traces = find_traces(c.record, {true, c.rows});
    CHECK(traces.rows.size() == c.own);
    CHECK(traces.all_applied == c.all);
    CHECK(traces.maybe_committed == c.maybe);
  }
}

TEST_CASE(
    "a record names the pending migrations, whether each is one transaction, and the rows that were there before") {
  MigrationPlan plan;
  plan.creates_history = false;
  plan.pending = {{{"1_a", "1_a/migration.sql", "SELECT 1", "x"}, parse_script("SELECT 1")},
                  {{"2_b", "2_b/migration.sql", "COMMIT", "x"}, parse_script("COMMIT")}};
  const History history{true, {row_with_id("old", "1_a", "rolled back"), row_with_id("other", "0_x", "applied")}};
  const RunRecord r = make_record(plan, history, "app");
  CHECK(r.schema == "app");
  REQUIRE(r.pending.size() == 2);
  CHECK(r.pending[0].atomic);
  CHECK_FALSE(r.pending[1].atomic);
  CHECK(r.earlier_rows == std::vector<std::string>{"old"});
  CHECK_FALSE(r.creates_history);
}

}  // namespace
}  // namespace belay
