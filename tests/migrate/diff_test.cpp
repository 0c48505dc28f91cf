// What a diff replays, and how differences are grouped, weighed and told.
#include "common/schema_difference.hpp"
#include "migrate/diff_report.hpp"
#include "tests/migrate/history_facts.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using Names = std::vector<std::string>;

MigrationFacts facts_of(const std::vector<Migration>& files, const std::vector<HistoryRow>& rows) {
  return {folder_of(files), {true, rows}, {}};
}

Names replayed(const DiffPlan& plan) {
  Names names;
  for (const PendingMigration& migration : plan.replay) names.push_back(migration.migration.name);
  return names;
}

Error refusal(const MigrationFacts& facts) {
  try {
    static_cast<void>(plan_diff(facts, OutsideEffects::refused));
  } catch (const Error& error) {
    return error;
  }
  return {Failure::bug, "not refused"};
}

TEST_CASE("a diff replays the applied migrations in the folder's order and says what it does without") {
  const DiffPlan plan = plan_diff(
      facts_of({file_of("1"), file_of("2"), file_of("3"), file_of("4"), file_of("5"), file_of("6", std::nullopt)},
               {row_of("gone", "applied"), row_of("3", "applied"), row_of("1", "applied"), row_of("2", "failed"),
                row_of("4", "rolled back"), row_of("6", "applied"), row_of("given up", "rolled back")}),
      OutsideEffects::refused);
  CHECK(replayed(plan) == Names{"1", "3"});
  CHECK(plan.failed == Names{"2"});
  CHECK(plan.rolled_back == Names{"4"});
  CHECK(plan.pending == Names{"5"});
  CHECK(plan.missing == Names{"6", "gone"});
  CHECK(plan.edited.empty());
  CHECK(reservations(plan).size() == 5);
}

TEST_CASE("an edited migration is replayed as the file is now, which is said") {
  const DiffPlan plan =
      plan_diff(facts_of({file_of("1", "SELECT 2")}, {row_of("1", "applied", "SELECT 1")}), OutsideEffects::refused);
  CHECK(replayed(plan) == Names{"1"});
  CHECK(reservations(plan) == Names{"Replayed as the file is now: 1, which was edited after it was applied."});
}

TEST_CASE("a diff is refused without a history beside tables, and for another database system's folder") {
  MigrationFacts facts = facts_of({file_of("1")}, {});
  facts.folder.lock_provider = "mysql";
  CHECK_THAT(refusal(facts).message, Catch::Contains("P3019"));
  facts.folder.lock_provider = "postgresql";
  facts.history.table_exists = false;
  facts.foreign_tables = {"orders"};
  const Error error = refusal(facts);
  CHECK(error.kind == Failure::refused);
  CHECK_THAT(error.message, Catch::Contains("P3005"));
  CHECK_THAT(error.hint, Catch::Contains("baseline"));
  facts.foreign_tables.clear();
  CHECK(plan_diff(facts, OutsideEffects::refused).replay.empty());
}

TEST_CASE("a migration that reaches beyond its database is refused with line and reason, unless that is allowed") {
  const std::string script = "SELECT 1;\nCREATE ROLE app;\nDO $$ BEGIN EXECUTE current_setting('x'); END $$";
  const MigrationFacts facts =
      facts_of({file_of("1", script), file_of("2", "CREATE ROLE pending")}, {row_of("1", "applied", script)});
  const Error error = refusal(facts);
  CHECK(error.kind == Failure::refused);
  CHECK_THAT(error.detail, Catch::StartsWith("1, line 2: CREATE ROLE app\n1, line 3: EXECUTE of SQL"));
  CHECK_THAT(error.hint, Catch::Contains("--side-server"));
  CHECK(replayed(plan_diff(facts, OutsideEffects::allowed)) == Names{"1"});
}

SchemaFingerprint fingerprint(std::vector<SchemaFact> facts) {
  SchemaFingerprint all;
  all.server_major = 15;
  all.facts = std::move(facts);
  std::sort(all.facts.begin(), all.facts.end());
  return all;
}

TEST_CASE(
    "an extension counts as made before only if the migration would pass over it and any database could have it") {
  const std::string script =
      "CREATE EXTENSION IF NOT EXISTS a; CREATE EXTENSION b; CREATE EXTENSION IF NOT EXISTS c; CREATE EXTENSION IF NOT "
      "EXISTS d; DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS e; END $$";
  const DiffPlan plan =
      plan_diff(facts_of({file_of("1", script)}, {row_of("1", "applied", script)}), OutsideEffects::refused);
  const SchemaFingerprint live = fingerprint({{"extension", R"("a")", "schema", R"("public")"},
                                              {"extension", R"("b")", "schema", R"("public")"},
                                              {"extension", R"("c")", "schema", R"("own")"},
                                              {"extension", R"("e")", "schema", R"("pg_catalog")"}});
  CHECK(extensions_made_before(plan, live) == Names{"a", "e"});
}

const std::vector<SchemaFact>& common_facts() {
  static const std::vector<SchemaFact> facts{{"schema", R"("public")", "owner", R"("pg_database_owner")"},
                                             {"table", R"("public"."t")", "owner", R"("app")"},
                                             {"column", R"("public"."t"."a")", "type", "integer"},
                                             {"index", R"("public"."t"."i")", "definition", "btree (a)"}};
  return facts;
}

DriftReport drift(const std::vector<SchemaFact>& more_expected, const std::vector<SchemaFact>& more_found,
                  const std::string& script = "CREATE TABLE t (a int)") {
  std::vector<SchemaFact> a = common_facts(), b = common_facts();
  a.insert(a.end(), more_expected.begin(), more_expected.end());
  b.insert(b.end(), more_found.begin(), more_found.end());
  const SchemaFingerprint expected = fingerprint(a), found = fingerprint(b);
  TouchedObjects touched;
  touched.add("1_init", parse_script(script));
  return report_drift({expected, found}, compare_schema(expected, found, nullptr), touched, "public");
}

TEST_CASE("a table is one object with its parts, told with its last migration") {
  const DriftReport report =
      drift({{"column", R"("public"."t"."b")", "type", "text"}},
            {{"index", R"("public"."t"."i")", "valid", "no"}, {"enum", R"("public"."e")", "labels", "'x'"}});
  CHECK(report.counting() == 2);
  DiffPlan plan;
  plan.folder = "prisma/migrations";
  const Result result = describe_drift(plan, report);
  CHECK(result.text ==
        "Expected: 0 applied migrations of prisma/migrations, replayed\n\n"
        "table \"public\".\"t\" (last touched by 1_init)\n"
        "  column \"public\".\"t\".\"b\": missing (text)\n"
        "  danger: index \"public\".\"t\".\"i\": valid: expected none, found no\n\n"
        "enum \"public\".\"e\" (last touched by -)\n"
        "  enum \"public\".\"e\": not expected ('x')\n\n"
        "2 objects differ.\n");
  CHECK(result.json.at("objects").at(0).at("migration") == "1_init");
  CHECK(result.json.at("objects").at(0).at("differences").at(1).at("severity") == "danger");
  CHECK(result.json.at("objects").at(1).at("migration").is_null());
  CHECK(result.json.at("equal") == false);
}

TEST_CASE("soft differences alone are told and do not count") {
  const DriftReport report = drift({{"table", R"("public"."t")", "column order", R"("a", "b")"}},
                                   {{"table", R"("public"."t")", "column order", R"("b", "a")"}});
  CHECK(report.counting() == 0);
  CHECK_THAT(describe_drift({}, report).text,
             Catch::Contains("  soft: table \"public\".\"t\": column order") &&
                 Catch::EndsWith("1 object differs only in what does not count (soft).\nNo difference detected.\n"));
}

TEST_CASE("the rights on schema public count only if a migration touched it") {
  const std::vector<SchemaFact> granted{{"schema", R"("public")", "privileges", R"("app": CREATE)"}};
  CHECK(drift({}, granted).counting() == 0);
  CHECK(drift({}, granted).objects.size() == 1);
  CHECK(drift({}, granted, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").counting() == 1);
}

TEST_CASE("what is unfinished on both sides is told without being a difference") {
  const std::vector<SchemaFact> later{{"constraint", R"("public"."t"."c")", "definition", "CHECK (a > 0) NOT VALID"}};
  const DriftReport report = drift(later, later);
  CHECK(report.objects.empty());
  CHECK(report.unfinished.size() == 1);
  CHECK_THAT(describe_drift({}, report).text, Catch::Contains("Unfinished in the database: constraint"));
}

TEST_CASE("an invalid index that no migration made is told as such") {
  const DriftReport report = drift({}, {{"index", R"("public"."t"."i_ccnew")", "definition", "btree (a)"},
                                        {"index", R"("public"."t"."i_ccnew")", "valid", "no"}});
  CHECK(report.counting() == 1);
  CHECK(report.unfinished == Names{R"(index "public"."t"."i_ccnew": valid: no)"});
}

TEST_CASE("without owners and rights an object is still there") {
  SchemaFingerprint one =
      fingerprint({{"table", R"("a"."t")", "owner", R"("x")"}, {"table", R"("a"."t")", "privileges", "y"}});
  leave_out_roles(one);
  REQUIRE(one.facts.size() == 1);
  CHECK(one.facts.front().value != R"("x")");
}

}  // namespace
}  // namespace belay::test
