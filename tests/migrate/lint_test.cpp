#include "migrate/lint.hpp"

#include <algorithm>
#include <chrono>

#include "migrate/lint_report.hpp"
#include "migrate/sql_scan.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using Lines = std::vector<std::string>;

constexpr Bytes megabyte = 1ULL << 20U;

LintScript script_of(const std::string& sql, const std::string& name = "20260101000000_example") {
  return {.migration = name, .file = name + "/migration.sql", .script = parse_script(sql)};
}

CatalogTable table_of(const std::string& name, std::optional<Bytes> bytes) {
  CatalogTable table{.name = {"public", name}, .bytes = bytes, .filled = bytes != Bytes{0}, .columns_known = true};
  table.columns = {{"id", {"pg_catalog", "int4", {}}, true}, {"note", {"pg_catalog", "varchar", {10}}}};
  return table;
}

/// A catalog with orders of that size.
LintCatalog shop(std::optional<Bytes> bytes) {
  LintCatalog catalog;
  catalog.live = true;
  catalog.tables[{"public", "orders"}] = table_of("orders", bytes);
  return catalog;
}

/// "error ban-drop-table:3", with "(reason)" behind what is allowed.
Lines found(const std::vector<LintScript>& scripts, const LintCatalog& catalog, const LintSettings& settings = {}) {
  Lines lines;
  for (const LintFinding& finding : lint(scripts, catalog, settings))
    lines.push_back(std::string{to_string(finding.severity)} + " " + finding.rule + ":" + std::to_string(finding.line) +
                    (finding.allowed ? " (" + *finding.allowed + ")" : ""));
  return lines;
}

Lines found(const std::string& sql, const LintCatalog& catalog) { return found({script_of(sql)}, catalog); }

TEST_CASE("the severity of a rewrite follows the size of the table") {
  const std::string sql = "ALTER TABLE orders ALTER id TYPE bigint";
  CHECK(found(sql, shop(megabyte)) == Lines{"note changing-column-type:1"});
  CHECK(found(sql, shop(100 * megabyte)) == Lines{"warning changing-column-type:1"});
  CHECK(found(sql, shop(2000 * megabyte)) == Lines{"error changing-column-type:1"});
  CHECK(found(sql, shop(std::nullopt)) == Lines{"warning changing-column-type:1"});
}

TEST_CASE("the loss of rows is an error only where there are any") {
  CHECK(found("DROP TABLE orders", shop(megabyte)) == Lines{"error ban-drop-table:1", "warning no-way-back:1"});
  CHECK(found("DROP TABLE orders", shop(0)) == Lines{"warning ban-drop-table:1"});
  CHECK(found("TRUNCATE orders", shop(0)).front() == "note ban-truncate:1");
}

TEST_CASE("a table that the pending migrations make has no lock, rewrite or loss") {
  const Lines none;
  const LintScript first = script_of(
      "CREATE TABLE made (id integer);\nCREATE INDEX ON made (id);\nALTER TABLE made ALTER "
      "id TYPE bigint;");
  const LintScript second =
      script_of("ALTER TABLE made ADD COLUMN x integer NOT NULL;\nDROP TABLE made;", "20260102000000_more");
  CHECK(found({first, second}, shop(megabyte)) == none);
  CHECK(found({first, second}, LintCatalog{}, {.history = true}) ==
        Lines{"error adding-required-field:1", "error ban-drop-table:2", "warning no-way-back:2"});
}

TEST_CASE("without a database the folder's own types are known, and every table is taken to be filled") {
  const LintScript first = script_of("CREATE TABLE made (id integer PRIMARY KEY, a varchar(10));");
  const LintScript second = script_of("ALTER TABLE made ALTER a TYPE varchar(20);", "20260102000000_longer");
  const LintScript third = script_of("ALTER TABLE made ALTER a TYPE varchar(5);", "20260103000000_shorter");
  CHECK(found({first, second}, LintCatalog{}, {.history = true}).empty());
  CHECK(found({first, second, third}, LintCatalog{}, {.history = true}) ==
        Lines{"warning lossy-type-change:1", "warning changing-column-type:1", "warning no-way-back:1"});
  CHECK(found("DROP TABLE unknown", LintCatalog{}) == Lines{"error ban-drop-table:1", "warning no-way-back:1"});
}

TEST_CASE("an allow above, in or behind a statement is for that statement") {
  const LintCatalog catalog = shop(0);
  const std::string allowed = "warning ban-drop-table:2 (gone)";
  CHECK(found("-- belay:allow ban-drop-table: gone\nDROP TABLE orders;", catalog) == Lines{allowed});
  CHECK(found("DROP TABLE -- belay:allow ban-drop-table: gone\norders;", catalog) ==
        Lines{"warning ban-drop-table:1 (gone)"});
  CHECK(found("\nDROP TABLE orders; -- belay:allow ban-drop-table: gone\nSELECT 1;", catalog) == Lines{allowed});
  CHECK(found("SELECT 1; /* belay:allow ban-drop-table: gone */ DROP TABLE orders;", catalog) ==
        Lines{"warning ban-drop-table:1", "note unused-allow:1"});
  CHECK(found("SELECT 1;\n/* belay:allow ban-drop-table, table-copy: gone */\nDROP TABLE orders;", catalog) ==
        Lines{"note unused-allow:2", "warning ban-drop-table:3 (gone)"});
}

TEST_CASE("an allow in the head of the file is for the whole file, and text that looks like one is none") {
  const LintCatalog catalog = shop(0);
  CHECK(found("-- belay:allow ban-drop-table: gone\n\nSELECT 1;\nDROP TABLE orders;", catalog) ==
        Lines{"warning ban-drop-table:4 (gone)"});
  CHECK(found("-- belay:allow ban-drop-table: gone\nSELECT 1;\nDROP TABLE orders;", catalog) ==
        Lines{"note unused-allow:1", "warning ban-drop-table:3"});
  CHECK(found("SELECT '\n-- belay:allow ban-drop-table: gone\n';\nDROP TABLE orders;", catalog) ==
        Lines{"warning ban-drop-table:4"});
}

TEST_CASE("an allow without a reason, or of no rule, is a finding and allows nothing") {
  const LintCatalog catalog = shop(0);
  CHECK(found("-- belay:allow ban-drop-table\nDROP TABLE orders;", catalog) ==
        Lines{"warning invalid-allow:1", "warning ban-drop-table:2"});
  CHECK(found("-- belay:allow ban-drop-tables: gone\nDROP TABLE orders;", catalog) ==
        Lines{"warning invalid-allow:1", "warning ban-drop-table:2"});
}

TEST_CASE("a finding about the migration as a whole is allowed in the head of its file") {
  const std::string sql = "-- belay:allow migration-name: the ticket says more\n\nSELECT 1;";
  CHECK(found({script_of(sql, "20260101000000_update")}, LintCatalog{}) ==
        Lines{"warning migration-name:0 (the ticket says more)"});
}

TEST_CASE("statements in a DO block are looked at, and what it puts together when it runs is said to be unknown") {
  CHECK(found("DO $$ BEGIN DROP TABLE orders; END $$;", shop(0)) == Lines{"warning ban-drop-table:1"});
  CHECK(found("DO $$ BEGIN EXECUTE format('DROP TABLE %s', 'orders'); END $$;", shop(0)) ==
        Lines{"note dynamic-sql:1"});
}

TEST_CASE("names of migrations: vague ones, capitals and other forms") {
  const auto named = [](const std::string& name) { return found({script_of("SELECT 1", name)}, LintCatalog{}); };
  const Lines warning{"warning migration-name:0"}, note{"note migration-name:0"};
  for (const char* bad :
       {"20260101000000_update", "20260101000000_fix_v2", "20260101000000_big_refactor", "20260101000000_changes_3",
        "20260101000000_update_schema", "20260101000000_AddOrders", "init", "2026_init"})
    CHECK(named(bad) == warning);
  for (const char* good : {"20260101000000_update_order_totals", "20260101000000_fix_rounding_of_totals"})
    CHECK(named(good).empty());
  for (const char* other : {"20260101_orders", "202601011200_orders", "2026-01-01_orders"}) CHECK(named(other) == note);
  CHECK(found({script_of("SELECT 1", "V1__init")}, LintCatalog{}, {.name_pattern = "V[0-9]+__.*"}).empty());
  CHECK(found({script_of("SELECT 1", "init")}, LintCatalog{}, {.name_pattern = "V[0-9]+__.*"}) == warning);
}

TEST_CASE("names are found where the script's search_path leads") {
  LintCatalog catalog = shop(0);
  catalog.tables[{"app", "orders"}] = table_of("orders", megabyte);
  catalog.tables[{"app", "orders"}].name.schema = "app";
  CHECK(found("SET search_path = app, public;\nDROP TABLE orders;", catalog).front() == "error ban-drop-table:2");
  CHECK(found("DROP TABLE orders;", catalog).front() == "warning ban-drop-table:1");
}

TEST_CASE("a report counts what is not allowed, and prints as compilers do") {
  LintReport report{
      .findings =
          lint({script_of("-- belay:allow ban-drop-table: gone\nDROP TABLE orders;\nTRUNCATE orders;")}, shop(0)),
      .migrations = 1,
      .live = true,
      .database = "shop"};
  CHECK(report.allowed() == 1);
  CHECK_FALSE(report.reaches(LintSeverity::error));
  CHECK(report.reaches(LintSeverity::warning) == (report.count(LintSeverity::warning) > 0));
  const std::string text = describe_lint(report).text;
  CHECK_THAT(text, Catch::Contains("20260101000000_example/migration.sql:2: allowed: drops table public.orders (empty) "
                                   "[ban-drop-table]\n    reason: gone\n"));
  CHECK_THAT(text, Catch::Contains("1 allowed in 1 migration; judged by the tables of database \"shop\".\n"));
  const Json sarif = lint_sarif(report);
  CHECK(sarif.at("version") == "2.1.0");
  CHECK(sarif.at("runs").at(0).at("tool").at("driver").at("rules").size() == lint_rules().size());
  CHECK(sarif.at("runs").at(0).at("results").at(0).at("suppressions").at(0).at("justification") == "gone");
}

TEST_CASE("every finding names a rule that there is") {
  const char* const sql =
      "BEGIN; DROP TABLE orders CASCADE; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (id); COMMIT; TRUNCATE "
      "orders CASCADE; UPDATE orders SET id = 1; DELETE FROM orders; ALTER TABLE orders ADD x serial NOT NULL, DROP y "
      "CASCADE, ALTER id TYPE text, ALTER note SET NOT NULL, ADD CHECK (id > 1), ADD UNIQUE (id), SET UNLOGGED; CREATE "
      "ROLE r;";
  for (const LintFinding& finding : lint({script_of(sql, "update")}, shop(megabyte))) {
    INFO(finding.rule);
    CHECK(std::any_of(lint_rules().begin(), lint_rules().end(),
                      [&](const LintRule& rule) { return rule.name == finding.rule; }));
    CHECK_FALSE(finding.message.empty());
  }
}

TEST_CASE("the scanner's words and comments are found by their bytes") {
  const std::string sql = "SELECT \"ä\" -- why\n/* a /* b */ */ FROM t";
  Lines comments, names;
  for (const ScannedToken& token : scan_sql(sql)) {
    const std::string text = sql.substr(token.begin, token.end - token.begin);
    if (token.kind == ScannedToken::Kind::comment) comments.push_back(text.substr(0, text.find_last_not_of('\n') + 1));
    if (token.kind == ScannedToken::Kind::identifier) names.push_back(text);
  }
  CHECK(comments == Lines{"-- why", "/* a /* b */ */"});
  CHECK(names == Lines{"\"ä\"", "t"});
  CHECK(scan_sql("SELECT 'open").empty());
}

TEST_CASE("types are changed without a rewrite where every value keeps its bits") {
  const auto change = [](const std::string& from, const std::string& to) {
    const auto type = [](const std::string& text) {
      const auto node = parse_statement("SELECT NULL::" + text);
      const ParseNode& target = member(member(*node, "SelectStmt"), "targetList").front();
      return column_type(member(member(member(member(target, "ResTarget"), "val"), "TypeCast"), "typeName"));
    };
    return type_change({.from = type(from), .to = type(to)});
  };
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"varchar(10)", "varchar(11)"},
                                                                                 {"varchar(10)", "text"},
                                                                                 {"varchar(3)", "varchar"},
                                                                                 {"text", "varchar"},
                                                                                 {"numeric(5,2)", "numeric(7,2)"},
                                                                                 {"numeric(5)", "numeric"},
                                                                                 {"timestamp(3)", "timestamp"},
                                                                                 {"cidr", "inet"}})
    CHECK(change(from, to) == TypeChange::same_bits);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"integer", "bigint"},
                                                                                 {"numeric(5,2)", "numeric(9,4)"},
                                                                                 {"json", "jsonb"},
                                                                                 {"char(3)", "char(4)"},
                                                                                 {"timestamp", "timestamptz"},
                                                                                 {"integer", "text"}})
    CHECK(change(from, to) == TypeChange::rewrite);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"bigint", "integer"},
                                                                                 {"text", "varchar(5)"},
                                                                                 {"varchar(5)", "varchar(4)"},
                                                                                 {"numeric(5,2)", "numeric(5,1)"},
                                                                                 {"timestamp", "date"},
                                                                                 {"text", "integer"}})
    CHECK(change(from, to) == TypeChange::narrowing);
}

TEST_CASE("hundreds of migrations are looked at within seconds") {
  std::vector<LintScript> scripts;
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    scripts.push_back(script_of("CREATE TABLE t" + n +
                                " (id serial PRIMARY KEY, name varchar(20) NOT NULL, parent integer "
                                "REFERENCES t0, UNIQUE (name));\nCREATE INDEX i" +
                                n + " ON t" + n +
                                " (parent);\nALTER TABLE "
                                "t" +
                                n + " ADD COLUMN more text DEFAULT 'x';\nALTER TABLE t0 ADD COLUMN c" + n +
                                " integer;"));
  }
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(lint(scripts, LintCatalog{}, {.history = true}).empty());
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{5});
}

}  // namespace
}  // namespace belay::test
